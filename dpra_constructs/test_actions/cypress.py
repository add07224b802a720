"""Runs Cypress against a deployed stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack


@dataclass(frozen=True, kw_only=True, slots=True)
class Cypress(OnDeployedStack, NodeTool):
    """Tests in a browser by Cypress, which is a devDependency of the project.

    The stack's address comes as `outputs={"CYPRESS_BASE_URL": "Url"}`. The npm package downloads
    Cypress's own program of the same version, which no hash of this library covers; `project=`
    takes an image that has it. Not run by this library's tests.
    Source: https://docs.cypress.io/app/references/command-line

    Args:
        specs: patterns of the tests' paths; without it all of the configuration.
        browser: like chrome or firefox, which the image has; without it Cypress's own.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Cypress(browser="chrome").to_deployed_test().command[0].split()[1:4]
    ['run', '--browser', 'chrome']
    """

    DEFAULT_NAME: ClassVar[str] = "AcceptanceTest"

    specs: Sequence[str] = option((), arguments.relative_paths)
    browser: str | None = option(None, arguments.optional(arguments.text))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        browser = ["--browser", self.browser] if self.browser else []
        specs = ["--spec", ",".join(self.specs)] if self.specs else []
        # A file for each spec: a later one would overwrite it otherwise.
        options = "mochaFile=reports/cypress-[hash].xml"
        report = ["--reporter", "junit", "--reporter-options", options]
        return self.action(
            install=[self.npm_ci],
            commands=[
                self.program("cypress", ["run"], browser, specs, report, self.extra_arguments)
            ],
            reports=[Report("acceptance", [self.path("reports/cypress-*.xml")])],
        )
