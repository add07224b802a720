"""Checks Python code with Ruff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.build_action import BuildAction, Report

_RESULTS = "reports/ruff.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruff:
    """Static analysis and formatting by Ruff, published as a report (DPRA-BUILD-QUALITY).

    Args:
        name: the action's name in the pipeline.
        paths: files or folders to check.
        check_format: also fail on code that `ruff format` would change.
        version: of Ruff.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Ruff().to_build_action().commands:
    ...     print(command)
    mkdir -p reports
    ruff check --output-format junit --output-file reports/ruff.xml . || { ruff check .; exit 1; }
    ruff format --check .
    """

    name: str = "CodeQuality"
    paths: Sequence[str] = (".",)
    check_format: bool = True
    version: str = tool_versions.RUFF

    def __post_init__(self) -> None:
        """Check the values and freeze the paths."""
        where = f'Ruff "{self.name}"'
        paths = arguments.texts(where, "paths", self.paths)
        for path in paths:
            arguments.relative_path(where, "paths", path)
        object.__setattr__(self, "paths", paths)
        arguments.text(where, "version", self.version)
        self.to_build_action()

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        paths = " ".join(self.paths)
        report = f"ruff check --output-format junit --output-file {_RESULTS} {paths}"
        return BuildAction(
            self.name,
            install=[f"python -m pip install ruff=={self.version}"],
            commands=[
                "mkdir -p reports",
                # Findings go to the report; on failure also to the log, for people.
                f"{report} || {{ ruff check {paths}; exit 1; }}",
                *([f"ruff format --check {paths}"] if self.check_format else []),
            ],
            reports=[Report("code-quality", [_RESULTS])],
        )
