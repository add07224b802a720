"""What the actions share that run Trivy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_options import at_or_above
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.findings_report import with_report
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError

SEVERITIES = ("low", "medium", "high", "critical")
# Published by an attacker in March 2026 (0.69.4 as a release, the others as images).
_MALICIOUS = ("0.69.4", "0.69.5", "0.69.6")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrivyTool(DownloadedTool):
    """An action that runs Trivy; its vulnerability database is fetched anew by each build."""

    TOOL: ClassVar[str] = "trivy"
    VERSION: ClassVar[str] = "0.75.0"
    # trivy_0.75.0_checksums.txt of the release, as several independent public installers and a
    # Bazel toolchain repeat it (each with the name of its file).
    SHA256: ClassVar[Mapping[str, str]] = {
        "Linux-x86_64": "c6e65abddb348e25f10549df887045629cf28cc72453cd1c63acb717316b3f3f",
        "Linux-aarch64": "a1ee9f6ffb7d112b64ff726a2a0717c21175c1114361391f4a132956751a13b3",
        "Darwin-x86_64": "291edaa9778acbe4693d067b5ad60ee11570e5ac68296e85595417528ca641e4",
        "Darwin-arm64": "4a77108cccf8e55c8d6823e1e759939a622277e66cd0daa3c1fc621ed69e4568",
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        platform: "https://github.com/aquasecurity/trivy/releases/download/v{version}/"
        f"trivy_{{version}}_{name}.tar.gz"
        for platform, name in {
            "Linux-x86_64": "Linux-64bit",
            "Linux-aarch64": "Linux-ARM64",
            "Darwin-x86_64": "macOS-64bit",
            "Darwin-arm64": "macOS-ARM64",
        }.items()
    }

    def check(self) -> None:
        """Refuse the releases that were malicious."""
        # Zero arguments would not do: slots make a second class.
        DownloadedTool.check(self)
        if self.version in _MALICIOUS:
            raise InvalidArgumentError(
                self.where,
                f"version={self.version!r} is one of {', '.join(_MALICIOUS)}, which an attacker "
                "published",
                "take a newer one, or leave version and sha256 out",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrivyScan(TrivyTool):
    """An action that fails on what Trivy finds.

    Args:
        fail_on: the lowest severity that is reported and fails the build: low, medium, high or
            critical.
        licences: also check the licences of dependencies, classified as Trivy's configuration
            says.
        ignore_unfixed: leave vulnerabilities out for which there is no fixed version yet.
        ignore_file: a file of findings to ignore; without it `.trivyignore`, if there is one.
        configuration: Trivy's configuration file; without it `trivy.yaml`, if there is one.
        skip_directories: folders that are not scanned.
    """

    fail_on: str = option("high", arguments.choice(*SEVERITIES))
    licences: bool = option(True, arguments.flag)
    ignore_unfixed: bool = option(False, arguments.flag)
    ignore_file: str | None = option(None, arguments.optional(arguments.relative_path))
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    skip_directories: Sequence[str] = option((), arguments.relative_paths)

    def scan(self, kind: str, what: str, report: str) -> str:
        """Return the command that scans, writes the report and fails on findings."""
        results = report.removesuffix(".xml") + ".json"
        severities = ",".join(at_or_above(SEVERITIES, self.fail_on)).upper()
        options = [
            *("--scanners", "vuln,license" if self.licences else "vuln"),
            *("--severity", severities),
            *(["--ignore-unfixed"] if self.ignore_unfixed else []),
            *(["--ignorefile", self.ignore_file] if self.ignore_file else []),
            *(["--config", self.configuration] if self.configuration else []),
            *(word for each in self.skip_directories for word in ("--skip-dirs", each)),
        ]
        run = command(f"trivy {kind} --quiet --format json --output {results}", options)
        # Trivy itself fails only when it cannot scan; what it found decides after that.
        return with_report(
            f"{run} {what}", tool="trivy", reader="trivy", source=results, report=report
        )
