"""Looks for secrets with Gitleaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_RESULTS = "reports/gitleaks.xml"
_WHOLE = (
    'test "$(git rev-parse --is-shallow-repository)" = false || '
    "{ echo 'the clone is shallow, so its history cannot be scanned' >&2; exit 1; }"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gitleaks(DownloadedTool):
    """Secrets in the repository and its history, by Gitleaks (DPRA-BUILD-SECRETS).

    Each finding fails the build, and is redacted in the log and in the report. Checked against
    Gitleaks' documentation, not run. Source: https://github.com/gitleaks/gitleaks

    Args:
        history: look through all commits, and not only through the files as they are now.
        configuration: the configuration file; without it `.gitleaks.toml`, if there is one.
        baseline: a report of findings that are known and not reported again.
        ignore_file: a file of fingerprints to ignore; without it `.gitleaksignore`, if there is
            one.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Gitleaks(history=False).to_build_action().commands[-1])
    gitleaks dir --no-banner --redact=100 --verbose --report-format junit \
--report-path reports/gitleaks.xml .
    """

    DEFAULT_NAME: ClassVar[str] = "Secrets"
    TOOL: ClassVar[str] = "gitleaks"
    VERSION: ClassVar[str] = "8.30.1"
    # gitleaks_8.30.1_checksums.txt of the release, as several independent public installers
    # repeat it (each with the name of its file).
    SHA256: ClassVar[Mapping[str, str]] = {
        "Linux-x86_64": "551f6fc83ea457d62a0d98237cbad105af8d557003051f41f3e7ca7b3f2470eb",
        "Linux-aarch64": "e4a487ee7ccd7d3a7f7ec08657610aa3606637dab924210b3aee62570fb4b080",
        "Darwin-x86_64": "dfe101a4db2255fc85120ac7f3d25e4342c3c20cf749f2c20a18081af1952709",
        "Darwin-arm64": "b40ab0ae55c505963e365f271a8d3846efbc170aa17f2607f13df610a9aeb6a5",
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        platform: "https://github.com/gitleaks/gitleaks/releases/download/v{version}/"
        f"gitleaks_{{version}}_{name}.tar.gz"
        for platform, name in {
            "Linux-x86_64": "linux_x64",
            "Linux-aarch64": "linux_arm64",
            "Darwin-x86_64": "darwin_x64",
            "Darwin-arm64": "darwin_arm64",
        }.items()
    }

    history: bool = option(True, arguments.flag)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    baseline: str | None = option(None, arguments.optional(arguments.relative_path))
    ignore_file: str | None = option(None, arguments.optional(arguments.relative_path))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        options = [
            *(["--config", self.configuration] if self.configuration else []),
            *(["--baseline-path", self.baseline] if self.baseline else []),
            *(["--gitleaks-ignore-path", self.ignore_file] if self.ignore_file else []),
            *self.extra_arguments,
        ]
        scan = command(
            f"gitleaks {'git' if self.history else 'dir'} --no-banner --redact=100 --verbose "
            f"--report-format junit --report-path {_RESULTS}",
            options,
            ["."],
        )
        return self.action(
            install=[self.tool],
            commands=["mkdir -p reports", *([_WHOLE] if self.history else []), scan],
            reports=[Report("secrets", [_RESULTS])],
            meets=[Requirement.BUILD_SECRETS],
        )
