"""Scans a deployed web application with ZAP."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack

_RESULTS = "reports/zap.json"
# ZAP's risks as the levels of its SARIF report.
_LEVELS = {"high": ["error"], "medium": ["error", "warning"], "low": ["error", "warning", "note"]}


@dataclass(frozen=True, slots=True)
class ZapBaseline(OnDeployedStack, DownloadedTool):
    """A passive scan of a website by ZAP, which follows its links and attacks nothing.

    For DPRA-GAMMA-DAST. It is a plan of ZAP's automation framework: spider, wait, report. No hash
    by its publisher was found, so `version` and `sha256` have to be given; it needs Java 17, which
    CodeBuild's standard images have. Not run by this library's tests.
    Source: https://www.zaproxy.org/docs/automate/automation-framework/

    Args:
        target: the environment variable with the address, one of `outputs`.
        fail_on: high, medium or low: the lowest risk that fails the test.
        minutes: how long it follows links at most, 1 to 60.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    DEFAULT_NAME: ClassVar[str] = "SecurityScan"
    TOOL: ClassVar[str] = "zap"
    VERSION: ClassVar[str] = ""
    SHA256: ClassVar[Mapping[str, str]] = {}
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://github.com/zaproxy/zaproxy/releases/download/v{version}/"
        "ZAP_{version}_Linux.tar.gz"
    }

    target: str = needed(
        arguments.matching(
            r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable", "SITE_URL"
        )
    )
    _: KW_ONLY
    fail_on: str = option("medium", arguments.choice(*_LEVELS))
    minutes: int = option(5, arguments.count(1, 60))

    def check(self) -> None:
        """Refuse a scan of nothing."""
        # Not super(): classes with slots are made anew.
        DownloadedTool.check(self)
        if self.target not in self.outputs:
            raise InvalidArgumentError(
                self.where,
                f"target={self.target!r} is none of its outputs",
                f'say what is scanned, like outputs={{"{self.target}": "SiteUrl"}}',
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        levels = ",".join(_LEVELS[self.fail_on])
        return self.action(
            install=[self.tool, 'export PATH="$(echo "$folder"/ZAP_*):$PATH"'],
            commands=[
                "mkdir -p reports",
                # The shell puts the address in.
                f"cat >reports/zap-plan.yaml <<PLAN\n{self._plan}PLAN",
                with_report(
                    command(
                        'zap.sh -cmd -autorun "$PWD/reports/zap-plan.yaml"', self.extra_arguments
                    ),
                    tool="zap",
                    reader="sarif",
                    source=_RESULTS,
                    options=["shown", levels],
                ),
            ],
            reports=[Report("security", [report_of("zap")])],
            runtime_versions={"java": "corretto21"},
            meets=[Requirement.GAMMA_DAST],
        )

    @property
    def _plan(self) -> str:
        name = shlex.quote(self.name)
        return f"""\
env:
  contexts:
    - name: {name}
      urls: ["${self.target}"]
  parameters: {{failOnError: true}}
jobs:
  - type: spider
    parameters: {{context: {name}, maxDuration: {self.minutes}}}
  - type: passiveScan-wait
    parameters: {{maxDuration: {self.minutes}}}
  - type: report
    parameters: {{template: sarif-json, reportDir: $PWD/reports, reportFile: zap.json}}
"""
