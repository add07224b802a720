"""What deployments by the HTTP API of a server share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.kept_reports import EXECUTION, EXECUTION_ID
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from dpra_constructs.build_actions.shell import command
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.other_deployers.external_deployment import ExternalDeployment
from dpra_constructs.test_actions.deployed_test import DeployedTest

_RUNTIME = Path(__file__).parent / "runtime"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiDeployment(ExternalDeployment):
    """Use `OctopusDeployment` or `SpinnakerPipeline`."""

    PROGRAM: ClassVar[str]
    #: The variable in which the program finds the key.
    KEY: ClassVar[str]

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
