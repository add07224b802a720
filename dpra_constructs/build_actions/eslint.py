"""Checks JavaScript and TypeScript with ESLint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class ESLint(NodeTool):
    """Static analysis by ESLint, published as a report (DPRA-BUILD-QUALITY).

    `eslint` is a devDependency of the project. Errors fail the build, and warnings when there are
    too many. Source: https://eslint.org/docs/latest/use/command-line-interface

    Args:
        paths: files or folders to check, at least one.
        configuration: ESLint's configuration file; without it ESLint looks for one.
        max_warnings: how many warnings do not fail; 0 to 100000, without it any number.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(ESLint(paths=["src"], max_warnings=0).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    ./node_modules/.bin/eslint --format json --max-warnings 0 src >reports/eslint.json
      || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "CodeQuality"

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    max_warnings: int | None = option(None, arguments.optional(arguments.count(0, 100_000)))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/eslint.json"
        options = [
            *(("--config", self.configuration) if self.configuration else ()),
            *(("--max-warnings", str(self.max_warnings)) if self.max_warnings is not None else ()),
        ]
        eslint = self.program(
            "eslint", ["--format", "json"], options, self.extra_arguments, self.paths
        )
        return self.action(
            install=[self.npm_ci],
            commands=[
                with_report(f"{eslint} >{results}", tool="eslint", reader="eslint", source=results)
            ],
            reports=[Report("code-quality", [report_of("eslint")])],
            meets=[Requirement.BUILD_QUALITY],
        )
