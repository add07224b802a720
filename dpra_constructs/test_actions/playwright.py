"""Runs Playwright against a deployed stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack

_BROWSERS = ("chromium", "firefox", "webkit")
_RESULTS = "reports/playwright.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Playwright(OnDeployedStack, NodeTool):
    """Tests in browsers by Playwright, `@playwright/test` of the project's devDependencies.

    The browsers are those of that version, which Playwright downloads; no hash of this library
    covers them. Not run by this library's tests. Source: https://playwright.dev/docs/test-cli

    Args:
        paths: patterns of the tests' paths; without it all tests.
        browsers: chromium, firefox, webkit: which are installed, at least one.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Playwright(paths=["tests/checkout"]).to_deployed_test().command
    ('./node_modules/.bin/playwright test --reporter=list,junit tests/checkout',)
    """

    DEFAULT_NAME: ClassVar[str] = "AcceptanceTest"

    paths: Sequence[str] = option((), arguments.texts)
    browsers: Sequence[str] = option(("chromium",), arguments.some_texts)

    def check(self) -> None:
        """Refuse browsers that Playwright has not."""
        for browser in self.browsers:
            if browser not in _BROWSERS:
                raise InvalidArgumentError(
                    self.where,
                    f"browsers has {browser!r}, and Playwright installs {', '.join(_BROWSERS)}",
                    'write it like browsers=["chromium"]',
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        return self.action(
            install=[
                self.npm_ci,
                self.program("playwright", ["install", "--with-deps"], self.browsers),
            ],
            environment={"PLAYWRIGHT_JUNIT_OUTPUT_NAME": _RESULTS},
            commands=[
                self.program(
                    "playwright",
                    ["test", "--reporter=list,junit"],
                    self.extra_arguments,
                    self.paths,
                )
            ],
            reports=[Report("acceptance", [self.path(_RESULTS)])],
        )
