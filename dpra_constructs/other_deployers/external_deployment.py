"""What all deployments by other deployers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.test_actions.build_network import BuildNetwork
from dpra_constructs.test_actions.deployed_test import DeployedTest
from dpra_constructs.test_actions.rollback_check import EXECUTION, EXECUTION_ID

if TYPE_CHECKING:
    from aws_cdk import Duration

_RUNTIME = Path(__file__).parent / "runtime"
_LONGEST_MINUTES = 7 * 60
_DEFAULT_MINUTES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDeployment:
    """Use `OctopusDeployment` or `SpinnakerPipeline`.

    Args:
        name: the action's name in the pipeline.
        timeout: how long the deployment may take, 1 minute to 7 hours, in whole minutes; one that
            takes longer is cancelled, and fails. 30 minutes without it.
        network: the VPC to run in, where the server is not on the internet.
    """

    PROGRAM: ClassVar[str]
    #: The variable in which the program finds the key.
    KEY: ClassVar[str]

    name: str = ""
    timeout: Duration | None = field(default=None, compare=False, repr=False)
    network: BuildNetwork | None = None
    timeout_minutes: int = field(init=False, default=_DEFAULT_MINUTES)

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "name", self.name or type(self).__name__)
        arguments.name(self.where, self.name)
        if self.timeout is not None:
            minutes = arguments.whole(
                self.where, "timeout", self.timeout, at_least=1, at_most=_LONGEST_MINUTES
            )
            object.__setattr__(self, "timeout_minutes", minutes)
        arguments.optional(BuildNetwork)(self.where, "network", self.network)
        self.check()

    def check(self) -> None:
        """Check what the kind has of its own."""
        raise NotImplementedError

    @property
    def where(self) -> str:
        """What errors call it."""
        return f'{type(self).__name__} "{self.name}"'

    @property
    def key(self) -> SecretsManagerSecret | SecureParameter:
        """The key of the server."""
        raise NotImplementedError

    def options(self, target: DeploymentTarget) -> list[str]:
        """Return what the program is told."""
        raise NotImplementedError

    def in_target(self, target: DeploymentTarget) -> DeployedTest:
        """Return the action that deploys for one target; it runs in a rollback too."""
        given = command(ISOLATED, self.options(target), [f"--minutes={self.timeout_minutes}"])
        source = "".join(
            runtime_source(program, _RUNTIME) for program in ("deployer_api", self.PROGRAM)
        )
        return DeployedTest(
            here_document(given, source),
            name=self.name,
            environment={EXECUTION: EXECUTION_ID},
            secrets={self.KEY: self.key},
            # In a rollback the commit is the old one, and so is what is deployed.
            run_on_rollback=True,
        )


def checked_key(where: str, argument: str, value: object) -> None:
    """Refuse a key that is no reference to a secret."""
    secret(where, argument, value)


def in_place(text: str, target: DeploymentTarget) -> str:
    """Return a text with the target's environment and region."""
    return text.replace("{environment}", target.environment).replace("{region}", target.region)


def checked_parameters(where: str, given: object) -> Mapping[str, str]:
    """Return parameters; refuse those that hold secrets by their names."""
    return arguments.plain(where, "parameters", given)
