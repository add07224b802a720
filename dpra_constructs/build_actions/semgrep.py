"""Finds security flaws in code of many languages with Semgrep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

# What Semgrep itself takes for something that its registry or another server has.
_REGISTRY = re.compile(r"([prs]/.*|auto|policy|supply-chain|secrets|code|https?:.*)")
_SEVERITIES = ("INFO", "WARNING", "ERROR")


@dataclass(frozen=True, kw_only=True, slots=True)
class Semgrep(PythonTool):
    """Security flaws, found by Semgrep with rules of the repository (DPRA-BUILD-SAST).

    Rules come from the repository alone: sets of Semgrep's registry change any time, and then the
    same commit would give another result. Semgrep sends nothing to its servers.
    Source: https://semgrep.dev/docs/cli-reference

    Args:
        rules: YAML files or folders with rules, at least one.
        paths: files or folders to scan, at least one.
        exclude: patterns of files not to scan, as in .gitignore.
        severity: the lowest severity of rules whose findings fail: INFO, WARNING or ERROR;
            without it every rule.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Semgrep(rules=["security/rules"]).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    semgrep scan --error --metrics=off --disable-version-check
      --sarif-output=reports/semgrep.sarif --config security/rules . || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sast"
    LOCK: ClassVar[str] = "semgrep"

    rules: Sequence[str] = needed(arguments.some_relative_paths)
    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    exclude: Sequence[str] = option((), arguments.texts)
    severity: str | None = option(None, arguments.optional(arguments.choice(*_SEVERITIES)))

    def check(self) -> None:
        """Refuse rules that a server may change."""
        for each in self.rules:
            if _REGISTRY.fullmatch(each):
                raise InvalidArgumentError(
                    self.where,
                    f"rules has {each!r}, which Semgrep fetches from a server that may change it "
                    "any time",
                    "keep the rules in the repository and name their file or folder, like "
                    'rules=["security/rules"]',
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/semgrep.sarif"
        severities = _SEVERITIES[_SEVERITIES.index(self.severity) :] if self.severity else ()
        options = [
            *(word for each in self.rules for word in ("--config", each)),
            *(word for each in severities for word in ("--severity", each)),
            *(word for each in self.exclude for word in ("--exclude", each)),
        ]
        semgrep = (
            f"semgrep scan --error --metrics=off --disable-version-check --sarif-output={results}"
        )
        return self.action(
            install=[self.tool],
            commands=[
                with_report(
                    command(semgrep, options, self.extra_arguments, self.paths),
                    tool="semgrep",
                    reader="sarif",
                    source=results,
                )
            ],
            reports=[Report("sast", [report_of("semgrep")])],
            meets=[Requirement.BUILD_SAST],
        )
