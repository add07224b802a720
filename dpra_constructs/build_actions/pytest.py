"""Runs unit tests with pytest."""

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
from dpra_constructs.requirements import Requirement

_RESULTS = "reports/junit.xml"
_COVERAGE = "reports/coverage.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pytest(PythonTool):
    """Unit tests by pytest, published as a CodeBuild test report (DPRA-BUILD-UNIT-TESTS).

    What the tests import is installed by `requirements`, which then have to name pytest (and
    pytest-cov) too, or by `install`. Source: https://docs.pytest.org/

    Args:
        paths: files or folders with tests, at least one.
        coverage: packages or folders whose coverage is measured and published.
        branch_coverage: measure branches too; needs `coverage`.
        minimum_coverage_percent: less coverage fails the build; 1 to 100, needs `coverage`.
        configuration: pytest's configuration file; without it pytest looks for one.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Pytest(paths=["tests/unit"]).to_build_action().commands
    ('python -m pytest --junit-xml=reports/junit.xml tests/unit',)
    """

    DEFAULT_NAME: ClassVar[str] = "UnitTests"
    LOCK: ClassVar[str] = "pytest"

    paths: Sequence[str] = option(("tests/unit",), arguments.some_relative_paths)
    coverage: Sequence[str] = option((), arguments.texts)
    branch_coverage: bool = option(False, arguments.flag)
    minimum_coverage_percent: int | None = option(None, arguments.optional(arguments.count(1, 100)))
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))

    def check(self) -> None:
        """Refuse a minimum of what is not measured."""
        for name, given in (
            ("minimum_coverage_percent", self.minimum_coverage_percent),
            ("branch_coverage", self.branch_coverage),
        ):
            if given and not self.coverage:
                raise InvalidArgumentError(
                    self.where,
                    f"{name}={given} is given, and coverage is not",
                    'say what is measured, like coverage=["src"]',
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        configuration = [f"--config-file={self.configuration}"] if self.configuration else []
        coverage = [f"--cov={each}" for each in self.coverage]
        reports = [Report("unit-tests", [_RESULTS])]
        if coverage:
            coverage += [f"--cov-report=xml:{_COVERAGE}", "--cov-report=term"]
            reports.append(Report("coverage", [_COVERAGE], format="COBERTURAXML"))
        if self.branch_coverage:
            coverage.append("--cov-branch")
        if self.minimum_coverage_percent is not None:
            coverage.append(f"--cov-fail-under={self.minimum_coverage_percent}")
        pytest = f"python -m pytest --junit-xml={_RESULTS}"
        return self.action(
            install=[self.tool],
            commands=[command(pytest, configuration, coverage, self.extra_arguments, self.paths)],
            reports=reports,
            meets=[Requirement.BUILD_UNIT_TESTS],
        )
