"""Finds known vulnerabilities in npm packages with npm audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


def kinds(where: str, argument: str, value: Any) -> tuple[str, ...]:
    """Return kinds of dependencies."""
    checked = arguments.texts(where, argument, value)
    for each in checked:
        arguments.one_of(where, argument, each, ("dev", "optional", "peer"))
    arguments.unique(where, argument, checked)
    return checked


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmAudit(NodeTool):
    """Known vulnerabilities in what package-lock.json names, by npm audit (DPRA-BUILD-SCA).

    npm asks the registry; it was run against a stand-in for one alone, as the tests have no network
    of their own. Licences are no subject of it. Source: https://docs.npmjs.com/cli/commands/npm-audit

    Args:
        audit_level: the lowest severity that fails: info, low, moderate, high or critical.
        omit: kinds of dependencies that do not count: dev, optional, peer.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(NpmAudit(omit=["dev"]).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    npm audit --json --package-lock-only --audit-level high --omit dev >reports/npm-audit.json
      || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"

    audit_level: str = option(
        "high", arguments.choice("info", "low", "moderate", "high", "critical")
    )
    omit: Sequence[str] = option((), kinds)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/npm-audit.json"
        omit = [word for each in self.omit for word in ("--omit", each)]
        audit = command(
            "npm audit --json --package-lock-only --audit-level",
            [self.audit_level],
            omit,
            self.extra_arguments,
        )
        return self.action(
            commands=[
                with_report(
                    f"{self.inside(audit)} >{results}",
                    tool="npm-audit",
                    reader="npm_audit",
                    source=results,
                    options=[self.audit_level],
                )
            ],
            reports=[Report("sca", [report_of("npm-audit")])],
            meets=[Requirement.BUILD_SCA],
        )
