"""Tests that run against a deployed stack, with its outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol, runtime_checkable

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report, commands
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

_OUTPUT = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class DeployedTest:
    """Commands that verify a deployed stack; use `IntegrationTest` or `AcceptanceTest`.

    Runs once in each region of the environment, after its deployment, on a full clone of the
    commit.

    Args:
        command: one command, or a sequence of them; the first that fails, fails the test.
        name: the action's name in the pipeline; 1 to 40 letters, digits and hyphens. Needed
            where an environment has several tests of one kind.
        install: what to run before, to install tools.
        outputs: for environment variables, which `CfnOutput` gives the value, by its id:
            `{"API_URL": "ApiUrl"}`, or `"Stack.ApiUrl"` where several stacks have that id.
        environment: further environment variables as text; no secrets, as they stand in the
            template.
        reports: results to publish.
        secrets: environment variables whose values the test gets when it starts, each a
            `SecretsManagerSecret` or `SecureParameter`.
        permissions: what its role may do beyond reading the source and writing results.
        runtime_versions: of the build image, like `{"python": "3.14"}`.
        project: where it runs; without it as the stage says.
        meets: the requirements of the DPRA that hold because of this test.
        run_on_rollback: whether it runs in the rollback of its stage too, against the release
            that is brought back, from whose commit it is; otherwise it does nothing there.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    command: str | Sequence[str]
    _: KW_ONLY
    name: str = ""
    install: Sequence[str] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    reports: Sequence[Report] = ()
    secrets: Mapping[str, SecretsManagerSecret | SecureParameter] = field(default_factory=dict)
    permissions: Sequence[Permission] = ()
    runtime_versions: Mapping[str, str] = field(default_factory=dict)
    project: CodeBuildProject | None = None
    meets: Sequence[Requirement] = ()
    run_on_rollback: bool = False

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        kind = type(self).__name__
        object.__setattr__(self, "name", self.name or kind)
        where = f'{kind} "{self.name}"'
        arguments.name(where, self.name)
        given = [self.command] if isinstance(self.command, str) else self.command
        object.__setattr__(self, "command", commands(where, "command", given))
        object.__setattr__(self, "install", arguments.texts(where, "install", self.install))
        object.__setattr__(
            self, "environment", arguments.plain(where, "environment", self.environment)
        )
        outputs = checked_outputs(where, "outputs", self.outputs)
        both = sorted(outputs.keys() & self.environment.keys())
        if both:
            raise InvalidArgumentError(
                where,
                f"{', '.join(both)} stands in outputs and in environment",
                "keep it in one of them",
            )
        object.__setattr__(self, "outputs", outputs)
        # The build action checks what both have in common.
        action = BuildAction(
            self.name,
            commands=self.command,
            reports=self.reports,
            environment={**self.environment, **dict.fromkeys(outputs, "")},
            secrets=self.secrets,
            permissions=self.permissions,
            runtime_versions=self.runtime_versions,
            project=self.project,
            meets=self.meets,
        )
        for shared in ("reports", "secrets", "permissions", "runtime_versions", "meets"):
            object.__setattr__(self, shared, getattr(action, shared))
        arguments.flag(where, "run_on_rollback", self.run_on_rollback)

    def to_deployed_test(self) -> DeployedTest:
        """Return itself."""
        return self


@runtime_checkable
class ToDeployedTest(Protocol):
    """Anything that can say which `DeployedTest` it is."""

    def to_deployed_test(self) -> DeployedTest:
        """Return the test."""
        ...


def checked_outputs(where: str, argument: str, given: object) -> Mapping[str, str]:
    """Return environment variables with the ids of outputs, as a read-only mapping."""
    outputs = arguments.variables(where, argument, given)
    for variable, output in outputs.items():
        if not _OUTPUT.fullmatch(output):
            raise InvalidArgumentError(
                where,
                f"{argument}[{variable!r}]={output!r} is not the id of a CfnOutput",
                'write it like "ApiUrl", or "Stack.ApiUrl"',
            )
    return outputs


class IntegrationTest(DeployedTest):
    """Verifies business requirements in the beta environment (DPRA-BETA-INTEGRATION).

    See `DeployedTest` for the arguments.

    >>> IntegrationTest("pytest tests/integration", outputs={"API_URL": "ApiUrl"}).name
    'IntegrationTest'
    """

    __slots__ = ()


class AcceptanceTest(DeployedTest):
    """Verifies the most important workflows as a user does them (DPRA-BETA-ACCEPTANCE).

    See `DeployedTest` for the arguments.

    >>> AcceptanceTest("npx playwright test", name="Checkout").name
    'Checkout'
    """

    __slots__ = ()
