"""Runs unit tests of the JVM by Maven or Gradle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import only_with_coverage, runtime_version, within
from dpra_constructs.build_actions.gradle import gradle, pinned_gradle_wrapper
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.build_actions.maven import maven, pinned_wrapper
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

# https://www.jacoco.org/jacoco/trunk/doc/changes.html
_JACOCO = "org.jacoco:jacoco-maven-plugin:0.8.15"


@dataclass(frozen=True, kw_only=True, slots=True)
class JUnit(TypedAction):
    """Unit tests by JUnit, run by Maven or Gradle, published as a report (DPRA-BUILD-UNIT-TESTS).

    Maven's Surefire and Gradle's `test` task write the results; coverage is JaCoCo's. With Maven
    the plugin is added by the command; a Gradle build has to apply the `jacoco` plugin and switch
    `reports.xml.required` on. Checked against their documentation, not run. Source:
    https://maven.apache.org/surefire/maven-surefire-plugin/ and
    https://www.eclemma.org/jacoco/trunk/doc/maven.html

    Args:
        build_tool: maven or gradle.
        directory: the folder of the build; its modules are found below it.
        wrapper: run the folder's wrapper, whose properties have to state
            `distributionSha256Sum`, instead of the image's build tool.
        java: the image's Java, like `corretto21`; without it the image's own default.
        coverage: measure and publish the coverage.
        minimum_coverage_percent: less coverage of lines fails the build; 1 to 100, needs
            `coverage`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in JUnit(build_tool="gradle", coverage=False).to_build_action().commands:
    ...     print(command)
    gradle --no-daemon --console=plain --dependency-verification=strict --project-dir . test
    """

    DEFAULT_NAME: ClassVar[str] = "UnitTests"

    build_tool: str = option("maven", arguments.choice("maven", "gradle"))
    directory: str = option(".", arguments.relative_path)
    wrapper: bool = option(False, arguments.flag)
    java: str | None = option(None, runtime_version)
    coverage: bool = option(True, arguments.flag)
    minimum_coverage_percent: int | None = option(None, arguments.optional(arguments.count(1, 100)))

    def check(self) -> None:
        """Refuse a minimum of what is not measured."""
        only_with_coverage(self.where, self.minimum_coverage_percent, self.coverage)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        if self.build_tool == "maven":
            check = pinned_wrapper(within(self.directory, ".mvn/wrapper/maven-wrapper.properties"))
            tool = maven(self.directory, self.wrapper)
            goals = (
                [f"{_JACOCO}:prepare-agent", "test", f"{_JACOCO}:report"]
                if self.coverage
                else ["test"]
            )
            results = "**/target/surefire-reports/TEST-*.xml"
            coverage = "**/target/site/jacoco/jacoco.xml"
        else:
            check = pinned_gradle_wrapper(self.directory)
            tool = gradle(self.directory, self.wrapper)
            goals = ["test", "jacocoTestReport"] if self.coverage else ["test"]
            results = "**/build/test-results/test/TEST-*.xml"
            coverage = "**/build/reports/jacoco/test/jacocoTestReport.xml"
        reports = [Report("unit-tests", [within(self.directory, results)])]
        commands = [command(tool, self.extra_arguments, goals)]
        if self.coverage:
            pattern = within(self.directory, coverage)
            reports.append(Report("coverage", [pattern], format="JACOCOXML"))
            if self.minimum_coverage_percent is not None:
                minimum = str(self.minimum_coverage_percent)
                commands.append(inlined_python("jacoco_coverage", [minimum, pattern]))
        return self.action(
            install=[check] if self.wrapper else [],
            commands=commands,
            reports=reports,
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_UNIT_TESTS],
        )
