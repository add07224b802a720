"""Finds security flaws in Python code with Bandit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Bandit(PythonTool):
    """Security flaws in Python code, found by Bandit and published as a report (DPRA-BUILD-SAST).

    A finding at or over both thresholds fails the build, and so does a file that Bandit cannot
    read. Source: https://bandit.readthedocs.io/

    Args:
        paths: files or folders to scan, at least one.
        exclude: glob patterns of files not to scan, like `*/generated/*`.
        severity: the lowest severity that fails: low, medium or high.
        confidence: the lowest confidence that fails: low, medium or high.
        skip: ids of Bandit's tests that are not run, like `B101`.
        configuration: Bandit's configuration file, YAML or TOML.
        baseline: a JSON report of Bandit; what stands in it is no finding.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Bandit(paths=["src"]).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    bandit --recursive --quiet --format json --output reports/bandit.json
      --severity-level medium --confidence-level low src || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sast"
    LOCK: ClassVar[str] = "bandit"

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    exclude: Sequence[str] = option((), arguments.texts)
    severity: str = option("medium", arguments.choice("low", "medium", "high"))
    confidence: str = option("low", arguments.choice("low", "medium", "high"))
    skip: Sequence[str] = option((), arguments.names)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    baseline: str | None = option(None, arguments.optional(arguments.relative_path))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/bandit.json"
        options = [
            *("--severity-level", self.severity),
            *("--confidence-level", self.confidence),
            *(("--exclude", ",".join(self.exclude)) if self.exclude else ()),
            *(("--skip", ",".join(self.skip)) if self.skip else ()),
            *(("--configfile", self.configuration) if self.configuration else ()),
            *(("--baseline", self.baseline) if self.baseline else ()),
        ]
        bandit = f"bandit --recursive --quiet --format json --output {results}"
        return self.action(
            install=[self.tool],
            commands=[
                with_report(
                    command(bandit, options, self.extra_arguments, self.paths),
                    tool="bandit",
                    reader="bandit",
                    source=results,
                )
            ],
            reports=[Report("sast", [report_of("bandit")])],
            meets=[Requirement.BUILD_SAST],
        )
