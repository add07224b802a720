"""Tests that run against a deployed stack, with its outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import Report, commands, reports
from dpra_constructs.errors import InvalidArgumentError

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
        environment: further environment variables as text.
        reports: results to publish.

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
            self, "environment", arguments.variables(where, "environment", self.environment)
        )
        outputs = arguments.variables(where, "outputs", self.outputs)
        for variable, output in outputs.items():
            if not _OUTPUT.fullmatch(output):
                raise InvalidArgumentError(
                    where,
                    f"outputs[{variable!r}]={output!r} is not the id of a CfnOutput",
                    'write it like "ApiUrl", or "Stack.ApiUrl"',
                )
        both = sorted(outputs.keys() & self.environment.keys())
        if both:
            raise InvalidArgumentError(
                where,
                f"{', '.join(both)} stands in outputs and in environment",
                "keep it in one of them",
            )
        object.__setattr__(self, "outputs", MappingProxyType(dict(outputs)))
        object.__setattr__(self, "reports", reports(where, self.reports))


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
