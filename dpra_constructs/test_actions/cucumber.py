"""Runs Cucumber's features against a deployed stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack

_RESULTS = "reports/cucumber.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cucumber(OnDeployedStack, NodeTool):
    """Features in Gherkin, by cucumber-js, which is a devDependency of the project.

    For Cucumber of the JVM use `AcceptanceTest("./mvnw test", ...)`.
    Source: https://github.com/cucumber/cucumber-js/blob/main/docs/cli.md

    Args:
        paths: features, files or folders; without it those of the configuration.
        tags: an expression, like `@smoke and not @slow`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Cucumber(tags="@smoke").to_deployed_test().command[1].partition(" --format progress ")[0]
    './node_modules/.bin/cucumber-js'
    """

    DEFAULT_NAME: ClassVar[str] = "AcceptanceTest"

    paths: Sequence[str] = option((), arguments.relative_paths)
    tags: str | None = option(None, arguments.optional(arguments.text))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        formats = ["--format", "progress", "--format", f"json:{_RESULTS}"]
        tags = ["--tags", self.tags] if self.tags else []
        return self.action(
            install=[self.npm_ci],
            commands=[
                self.inside("mkdir -p reports"),
                self.program("cucumber-js", formats, tags, self.extra_arguments, self.paths),
            ],
            reports=[Report("acceptance", [self.path(_RESULTS)], format="CUCUMBERJSON")],
        )
