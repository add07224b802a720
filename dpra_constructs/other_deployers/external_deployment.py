"""What all deployments by other deployers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.release.runtime import names
from dpra_constructs.test_actions.build_network import BuildNetwork
from dpra_constructs.test_actions.deployed_test import DeployedTest

if TYPE_CHECKING:
    from aws_cdk import Duration

_DEFAULT_MINUTES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalDeployment:
    """Use `OctopusDeployment`, `SpinnakerPipeline` or `TerraformDeployment`.

    Args:
        name: the action's name in the pipeline.
        timeout: how long the deployment may take, 1 minute to 7 hours, in whole minutes; one that
            takes longer is cancelled, and fails. 30 minutes without it.
        network: the VPC to run in, where the server is not on the internet.
    """

    #: How long it may take.
    LONGEST_MINUTES: ClassVar[int] = 7 * 60

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
                self.where, "timeout", self.timeout, at_least=1, at_most=self.LONGEST_MINUTES
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
    def shared(self) -> Mapping[str, str]:
        """Variables that the tests of the target get, by their names; the values say whence."""
        return {}

    def role_name(self, target: DeploymentTarget) -> str | None:
        """Return the name of the action's role, where a role of the environment trusts it."""
        if self.network is None:
            return None
        place = (target.pipeline.name, target.environment, target.region)
        return names.deployment_role_name(*place, self.name)

    def in_target(self, target: DeploymentTarget) -> DeployedTest:
        """Return the action that deploys for one target; it runs in a rollback too."""
        raise NotImplementedError


def in_place(text: str, target: DeploymentTarget) -> str:
    """Return a text with the target's environment and region."""
    return text.replace("{environment}", target.environment).replace("{region}", target.region)
