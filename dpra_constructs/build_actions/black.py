"""Checks the format of Python code with black."""

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
class Black(PythonTool):
    """The format of Python code, checked by black and published as a report (DPRA-BUILD-QUALITY).

    Any file that black would change fails the build. Source: https://black.readthedocs.io/

    Args:
        paths: files or folders to check, at least one.
        configuration: a file like pyproject.toml; without it black looks for one.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Black(paths=["src"]).to_build_action().commands[0].splitlines()[3])
    black --check src 2>reports/black.txt || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "CodeQuality"
    LOCK: ClassVar[str] = "black"

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        configuration = ["--config", self.configuration] if self.configuration else []
        check = command("black --check", configuration, self.extra_arguments, self.paths)
        messages = "reports/black.txt"
        return self.action(
            install=[self.tool],
            commands=[
                with_report(
                    f"{check} 2>{messages}",
                    tool="black",
                    reader="black",
                    source=messages,
                    before=[f"cat {messages}"],
                )
            ],
            reports=[Report("code-quality", [report_of("black")])],
            meets=[Requirement.BUILD_QUALITY],
        )
