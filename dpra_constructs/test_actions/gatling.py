"""Measures the capacity of a deployed stack with Gatling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack
from dpra_constructs.test_actions.thresholds import Thresholds

# By the build tool: how it is called, and where Gatling's report is.
_TOOLS = {
    "maven": ("./mvnw --batch-mode gatling:test", "target/gatling"),
    "gradle": ("./gradlew --console=plain gatlingRun", "build/reports/gatling"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gatling(OnDeployedStack):
    """A load test by Gatling, through its plugin of Maven or Gradle (DPRA-GAMMA-PERFORMANCE).

    The project pins the plugin; the build tool comes by the project's own wrapper.
    Not run by this library's tests. Source: https://docs.gatling.io/integrations/build-tools/

    Args:
        build_tool: maven or gradle.
        thresholds: what fails the test, beside the simulation's own assertions; without it more
            than 1 % of failed requests.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Gatling(build_tool="gradle").to_deployed_test().command[0]
    './gradlew --console=plain gatlingRun'
    """

    DEFAULT_NAME: ClassVar[str] = "LoadTest"

    build_tool: str = option("maven", arguments.choice(*_TOOLS))
    thresholds: Thresholds = option(Thresholds(error_percent=1), arguments.optional(Thresholds))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        program, folder = _TOOLS[self.build_tool]
        return self.action(
            commands=[
                command(program, self.extra_arguments),
                self.thresholds.command("gatling", f"{folder}/*/js/global_stats.json"),
            ],
            reports=[self.thresholds.report],
            meets=[Requirement.GAMMA_PERFORMANCE],
        )
