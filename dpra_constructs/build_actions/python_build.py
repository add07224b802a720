"""Builds a Python package with PyPA's build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.build_action import BuildAction


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonBuild:
    """A wheel, built once by `python -m build` (DPRA-BUILD-CODE).

    Args:
        name: the action's name in the pipeline.
        directory: the folder of `pyproject.toml`.
        outputs: directories with what was built, by name; without it `dist`, where the wheel is.
        version: of the tool `build`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> PythonBuild().to_build_action().commands
    ('python -m build --wheel --outdir dist .',)
    """

    name: str = "Package"
    directory: str = "."
    outputs: Mapping[str, str] | None = None
    version: str = tool_versions.BUILD

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'PythonBuild "{self.name}"'
        arguments.relative_path(where, "directory", self.directory)
        arguments.text(where, "version", self.version)
        self.to_build_action()

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        wheels = "dist" if self.directory == "." else f"{self.directory}/dist"
        return BuildAction(
            self.name,
            install=[f"python -m pip install build=={self.version}"],
            commands=[f"python -m build --wheel --outdir {wheels} {self.directory}"],
            outputs={"dist": wheels} if self.outputs is None else self.outputs,
        )
