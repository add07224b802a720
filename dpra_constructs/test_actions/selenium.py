"""Runs Selenium against a deployed stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack

_RESULTS = "reports/selenium.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selenium(OnDeployedStack, PythonTool):
    """Tests in a browser by Selenium and pytest, installed by the team's hash-checked files.

    CodeBuild's standard images have Chrome and its driver. For other languages use
    `AcceptanceTest`. Source: https://www.selenium.dev/documentation/webdriver/

    Args:
        paths: files or folders with tests, at least one.

    Raises:
        InvalidArgumentError: a value is not one of those, or `requirements` is missing.

    >>> Selenium(requirements=["tests/requirements.txt"]).to_deployed_test().command
    ('python -m pytest --junit-xml=reports/selenium.xml tests/acceptance',)
    """

    DEFAULT_NAME: ClassVar[str] = "AcceptanceTest"
    LOCK: ClassVar[str] = "pytest"

    paths: Sequence[str] = option(("tests/acceptance",), arguments.some_relative_paths)

    def check(self) -> None:
        """Refuse to run without Selenium."""
        if not self.requirements:
            raise InvalidArgumentError(
                self.where,
                "requirements is empty, and nothing installs selenium and pytest",
                'name the files with hashes, like requirements=["tests/requirements.txt"]',
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        pytest = f"python -m pytest --junit-xml={_RESULTS}"
        return self.action(
            install=[self.tool],
            commands=[command(pytest, self.extra_arguments, self.paths)],
            reports=[Report("acceptance", [_RESULTS])],
        )
