"""Runs unit tests with Jest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import only_with_coverage
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Jest(NodeTool):
    """Unit tests by Jest, published as a CodeBuild test report (DPRA-BUILD-UNIT-TESTS).

    `jest` and `jest-junit`, which writes the report, are devDependencies of the project.
    Source: https://jestjs.io/docs/cli, https://github.com/jest-community/jest-junit

    Args:
        paths: patterns of the tests' paths; without it all tests.
        configuration: Jest's configuration file; without it Jest looks for one.
        coverage: measure coverage, and publish it as a Clover report.
        minimum_coverage_percent: fewer covered lines fail; 1 to 100, needs `coverage`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Jest().to_build_action().commands
    ('./node_modules/.bin/jest --ci --reporters=default --reporters=jest-junit',)
    """

    DEFAULT_NAME: ClassVar[str] = "UnitTests"

    paths: Sequence[str] = option((), arguments.texts)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    coverage: bool = option(False, arguments.flag)
    minimum_coverage_percent: int | None = option(None, arguments.optional(arguments.count(1, 100)))

    def check(self) -> None:
        """Refuse a minimum of what is not measured."""
        only_with_coverage(self.where, self.minimum_coverage_percent, self.coverage)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        options = [*(("--config", self.configuration) if self.configuration else ())]
        reports = [Report("unit-tests", [self.path("reports/jest.xml")])]
        if self.coverage:
            options += ["--coverage", "--coverageReporters=clover", "--coverageReporters=text"]
            options.append("--coverageDirectory=reports/coverage")
            clover = self.path("reports/coverage/clover.xml")
            reports.append(Report("coverage", [clover], format="CLOVERXML"))
        if self.minimum_coverage_percent is not None:
            threshold = {"global": {"lines": self.minimum_coverage_percent}}
            options.append(f"--coverageThreshold={json.dumps(threshold)}")
        basic = ["--ci", "--reporters=default", "--reporters=jest-junit"]
        return self.action(
            install=[self.npm_ci],
            environment={
                "JEST_JUNIT_OUTPUT_DIR": "reports",
                "JEST_JUNIT_OUTPUT_NAME": "jest.xml",
                # So that the report names the file of each test.
                "JEST_JUNIT_ADD_FILE_ATTRIBUTE": "true",
                "JEST_JUNIT_SUITE_NAME": "{filepath}",
            },
            commands=[self.program("jest", basic, options, self.extra_arguments, self.paths)],
            reports=reports,
            meets=[Requirement.BUILD_UNIT_TESTS],
        )
