"""Checks Python code with Ruff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_RESULTS = "reports/ruff.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruff(PythonTool):
    """Static analysis and formatting by Ruff, published as a report (DPRA-BUILD-QUALITY).

    Which findings fail the build is chosen by Ruff's own configuration. Source:
    https://docs.astral.sh/ruff/

    Args:
        paths: files or folders to check, at least one.
        configuration: Ruff's configuration file; without it Ruff looks for one.
        check_format: also fail on code that `ruff format` would change.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Ruff().to_build_action().commands:
    ...     print(command)
    mkdir -p reports
    ruff check --output-format junit --output-file reports/ruff.xml . || { ruff check .; exit 1; }
    ruff format --check .
    """

    DEFAULT_NAME: ClassVar[str] = "CodeQuality"
    LOCK: ClassVar[str] = "ruff"

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    check_format: bool = option(True, arguments.flag)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        configuration = ["--config", self.configuration] if self.configuration else []
        what = [*configuration, *self.extra_arguments, *self.paths]
        report = command("ruff check --output-format junit --output-file", [_RESULTS], what)
        return self.action(
            install=[self.tool],
            commands=[
                "mkdir -p reports",
                # Findings go to the report; on failure also to the log, for people.
                f"{report} || {{ {command('ruff check', what)}; exit 1; }}",
                *(
                    [command("ruff format --check", configuration, self.paths)]
                    if self.check_format
                    else []
                ),
            ],
            reports=[Report("code-quality", [_RESULTS])],
            meets=[Requirement.BUILD_QUALITY],
        )
