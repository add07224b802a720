"""Runs unit tests with pytest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.build_action import BuildAction, Report

_RESULTS = "reports/junit.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pytest:
    """Unit tests by pytest, published as a CodeBuild test report (DPRA-BUILD-UNIT-TESTS).

    Args:
        name: the action's name in the pipeline.
        paths: files or folders with tests, at least one.
        install: commands that install what the tests import, before pytest itself.
        version: of pytest.
        extra_arguments: further arguments, like `["-n", "2"]`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Pytest(paths=["tests/unit"]).to_build_action().commands
    ('python -m pytest --junit-xml=reports/junit.xml tests/unit',)
    """

    name: str = "UnitTests"
    paths: Sequence[str] = ("tests/unit",)
    install: Sequence[str] = ("python -m pip install .",)
    version: str = tool_versions.PYTEST
    extra_arguments: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = f'Pytest "{self.name}"'
        paths = arguments.texts(where, "paths", self.paths)
        for path in paths:
            arguments.relative_path(where, "paths", path)
        object.__setattr__(self, "paths", paths)
        for argument in ("install", "extra_arguments"):
            checked = arguments.texts(where, argument, getattr(self, argument))
            object.__setattr__(self, argument, checked)
        arguments.text(where, "version", self.version)
        self.to_build_action()

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        pytest = f"python -m pytest --junit-xml={_RESULTS}"
        return BuildAction(
            self.name,
            install=[*self.install, f"python -m pip install pytest=={self.version}"],
            commands=[" ".join([pytest, *self.extra_arguments, *self.paths])],
            reports=[Report("unit-tests", [_RESULTS])],
        )
