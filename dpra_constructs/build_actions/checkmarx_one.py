"""Scans source code with Checkmarx One."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import choices
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

_SARIF = "reports/checkmarx.sarif"
_SCAN_TYPES = ("sast", "sca", "iac-security", "api-security", "containers", "scs")
_LIMIT = re.compile(r"(sast|sca|iac-security|containers|scs)-(critical|high|medium|low)")


def _threshold(where: str, argument: str, given: object) -> Mapping[str, int]:
    if not isinstance(given, Mapping) or not given:
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(given)} is not a mapping with at least one limit",
            f'write it like {argument}={{"sast-high": 1}}',
        )
    for key, value in given.items():
        if not isinstance(key, str) or not _LIMIT.fullmatch(key):
            raise InvalidArgumentError(
                where,
                f"{argument} has {arguments.shown(key)}, which is not an engine and a severity",
                f'write it like {argument}={{"sast-high": 1}}',
            )
        arguments.count(1, 100_000)(where, f"{argument}[{key!r}]", value)
    return MappingProxyType(dict(given))


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckmarxOne(DownloadedTool):
    """Static application security testing by Checkmarx One (DPRA-BUILD-SAST).

    The source is sent to the Checkmarx One service, which scans it. Checked against the tool's
    documentation, not run. Source:
    https://docs.checkmarx.com/en/34965-68643-scan.html

    Args:
        project_name: the project in Checkmarx One.
        api_key: a reference to an API key of Checkmarx One.
        branch: the branch that the scan is filed under.
        path: the folder to scan.
        scan_types: the engines: sast, sca, iac-security, api-security, containers, scs.
        threshold: from how many findings on the build fails, by engine and severity, like
            `{"sast-high": 1}`.
        base_url: the service's address; without it the one that the API key names.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> action = CheckmarxOne(project_name="fruit", api_key=SecureParameter("/acme/checkmarx"))
    >>> list(action.to_build_action().secrets)
    ['CX_APIKEY']
    """

    DEFAULT_NAME: ClassVar[str] = "Sast"
    TOOL: ClassVar[str] = "cx"
    VERSION: ClassVar[str] = "2.3.12"
    # The publisher's own Homebrew formula: Checkmarx/homebrew-ast-cli, Formula/ast-cli.rb at
    # commit 020736a62eaaecde0f236b4527d6ea4cd6923a70. The Mac's file is for both processors.
    SHA256: ClassVar[Mapping[str, str]] = {
        "Linux-x86_64": "2409ad8fb773ab9a98aac5572906888ba6cf14d7a5f4b57812d95d2b210730b6",
        "Linux-aarch64": "b4e5c86f5fdb57ff739bf9f90c8573a6a888ce58b5dbc5dddeb896aa34fac327",
        "Darwin-x86_64": "0dc10c8572ac3300d05e8b2613bc6a7c1a4fab4d3a6b40a633e75cd83dd30dd9",
        "Darwin-arm64": "0dc10c8572ac3300d05e8b2613bc6a7c1a4fab4d3a6b40a633e75cd83dd30dd9",
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        platform: "https://github.com/Checkmarx/ast-cli/releases/download/{version}/"
        f"ast-cli_{{version}}_{name}.tar.gz"
        for platform, name in {
            "Linux-x86_64": "linux_x64",
            "Linux-aarch64": "linux_arm64",
            "Darwin-x86_64": "darwin_x64",
            "Darwin-arm64": "darwin_x64",
        }.items()
    }

    project_name: str = needed(arguments.text)
    api_key: SecretsManagerSecret | SecureParameter = needed(secret)
    branch: str = option("main", arguments.text)
    path: str = option(".", arguments.relative_path)
    scan_types: Sequence[str] = option(("sast",), choices(*_SCAN_TYPES))
    threshold: Mapping[str, int] = field(
        default_factory=lambda: {"sast-critical": 1, "sast-high": 1},
        metadata={"check": _threshold},
    )
    base_url: str | None = option(
        None, arguments.optional(arguments.https_url("https://eu.ast.checkmarx.net"))
    )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        limits = ";".join(f"{key}={value}" for key, value in self.threshold.items())
        scan = command(
            "cx scan create --project-name",
            [self.project_name, "--branch", self.branch, "--file-source", self.path],
            ["--scan-types", ",".join(self.scan_types), "--threshold", limits],
            ["--base-uri", self.base_url] if self.base_url else [],
            ["--report-format", "sarif,summaryConsole"],
            ["--output-path", "reports", "--output-name", "checkmarx"],
            self.extra_arguments,
        )
        return self.action(
            install=[self.tool],
            commands=[
                # The tool decides by the threshold; its findings are published in any case.
                with_report(
                    scan,
                    tool="checkmarx",
                    reader="sarif",
                    source=_SARIF,
                    decides="status",
                )
            ],
            secrets={"CX_APIKEY": self.api_key},
            reports=[Report("sast", [report_of("checkmarx")])],
            meets=[Requirement.BUILD_SAST],
        )
