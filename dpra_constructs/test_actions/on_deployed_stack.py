"""What the typed tests add to typed actions: they run against a deployed stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions.deployed_test import DeployedTest, checked_outputs


# Without slots, as classes with slots cannot be combined with those of the tools.
@dataclass(frozen=True, kw_only=True)
class OnDeployedStack(TypedAction):
    """A typed action that runs in each region of an environment, after its deployment.

    Args:
        outputs: for environment variables, which `CfnOutput` gives the value, by its id.
        secrets: environment variables whose values the test gets when it starts, each a
            `SecretsManagerSecret` or `SecureParameter`.
        run_on_rollback: whether it runs in the rollback of its stage too.
    """

    outputs: Mapping[str, str] = field(default_factory=dict, metadata={"check": checked_outputs})
    secrets: Mapping[str, SecretsManagerSecret | SecureParameter] = field(default_factory=dict)
    run_on_rollback: bool = option(False, arguments.flag)

    def __post_init__(self) -> None:
        """Check every argument as it is declared, then what the rendered test says."""
        super().__post_init__()
        if self.inputs:
            raise InvalidArgumentError(
                self.where,
                f"inputs={arguments.shown(self.inputs)} are outputs of build actions, which a "
                "deployed stack's tests have not",
                "leave inputs out; the test runs on a clone of the commit",
            )
        test = self.to_deployed_test()
        object.__setattr__(self, "secrets", MappingProxyType(dict(test.secrets)))

    def to_deployed_test(self) -> DeployedTest:
        """Return the test."""
        action = self.to_build_action()
        return DeployedTest(
            action.commands,
            name=action.name,
            install=action.install,
            outputs=self.outputs,
            environment=action.environment,
            reports=action.reports,
            secrets={**action.secrets, **self.secrets},
            permissions=action.permissions,
            runtime_versions=action.runtime_versions,
            project=action.project,
            meets=action.meets,
            run_on_rollback=self.run_on_rollback,
        )
