"""Builds a Python package with PyPA's build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonBuild(PythonTool):
    """A wheel, built once by `python -m build` (DPRA-BUILD-CODE).

    Without `requirements` pip fetches the build backend as `pyproject.toml` asks for it. With
    them, it is taken from there: they have to name `build` and the backend, like hatchling.
    Source: https://build.pypa.io/

    Args:
        directory: the folder of `pyproject.toml`.
        source_distribution: also build one, beside the wheel, as package indexes want it.
        outputs: directories with what was built, by name; without it `dist`, where the wheel is.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> PythonBuild().to_build_action().commands
    ('python -m build --wheel --outdir dist .',)
    """

    DEFAULT_NAME: ClassVar[str] = "Package"
    LOCK: ClassVar[str] = "build"

    directory: str = option(".", arguments.relative_path)
    source_distribution: bool = option(False, arguments.flag)
    outputs: Mapping[str, str] | None = None

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        wheels = "dist" if self.directory == "." else f"{self.directory}/dist"
        isolation = ["--no-isolation"] if self.requirements else []
        return self.action(
            install=[self.tool],
            commands=[
                command(
                    "python -m build --wheel",
                    ["--sdist"] if self.source_distribution else [],
                    ["--outdir", wheels],
                    isolation,
                    self.extra_arguments,
                    [self.directory],
                )
            ],
            outputs={"dist": wheels} if self.outputs is None else self.outputs,
            meets=[Requirement.BUILD_CODE],
        )
