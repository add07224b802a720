"""Checks dependencies with OWASP Dependency-Check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import runtime_version, score
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_FEED = arguments.optional(
    arguments.matching(
        r"https://[A-Za-z0-9.-]+(:\d+)?/[A-Za-z0-9._~/{}-]*",
        "the https address of a mirror",
        "https://nvd.acme.example/nvdcve-{0}.json.gz",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwaspDependencyCheck(DownloadedTool):
    """Vulnerabilities of dependencies, by OWASP Dependency-Check (DPRA-BUILD-SCA).

    The first build reads the whole National Vulnerability Database, which takes longer than the
    build stage should: give a `nvd_data_feed` that mirrors it, or a `project` that caches
    `/root/.dpra/**/*`. Checked against the tool's documentation, not run. Source:
    https://dependency-check.github.io/DependencyCheck/dependency-check-cli/arguments.html

    Args:
        paths: files, folders or Ant patterns to scan, at least one.
        fail_on_cvss: the lowest CVSS score, from 0 to 10, that fails the build.
        nvd_api_key: a reference to an API key of the National Vulnerability Database, without
            which it answers slowly.
        nvd_data_feed: the address of a mirror of that database, in which `{0}` stands for the year.
        suppressions: files of findings to suppress.
        exclude: Ant patterns of what is not scanned.
        project_name: what the report calls the project.
        java: the image's Java, like `corretto21`; without it the image's own default.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(OwaspDependencyCheck().to_build_action().commands[-1])
    dependency-check.sh --project project --format JUNIT --out reports \
--data "${DPRA_TOOLS:-$HOME/.dpra}/dependency-check-data" --failOnCVSS 7 --junitFailOnCVSS 7 \
--scan .
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"
    TOOL: ClassVar[str] = "dependency-check"
    VERSION: ClassVar[str] = "12.2.2"
    # Homebrew's formula dependency-check (as its mirrors have it for 12.2.2), and an independent
    # public installer that pins the same address and hash.
    SHA256: ClassVar[Mapping[str, str]] = {
        "*": "bf07fefd81af3094c5f6850423b014df44db62ce2dbad0f79079a90df675e44a"
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://github.com/dependency-check/DependencyCheck/releases/download/v{version}/"
        "dependency-check-{version}-release.zip"
    }

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    fail_on_cvss: float = option(7, score(10))
    nvd_api_key: SecretsManagerSecret | SecureParameter | None = option(
        None, arguments.optional(secret)
    )
    nvd_data_feed: str | None = option(None, _FEED)
    suppressions: Sequence[str] = option((), arguments.relative_paths)
    exclude: Sequence[str] = option((), arguments.texts)
    project_name: str = option("project", arguments.text)
    java: str | None = option(None, runtime_version)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        limit = f"{self.fail_on_cvss:g}"
        scan = command(
            "dependency-check.sh --project",
            [self.project_name, *("--format", "JUNIT", "--out", "reports")],
        )
        options = command(
            ' --data "${DPRA_TOOLS:-$HOME/.dpra}/dependency-check-data"',
            ["--failOnCVSS", limit, "--junitFailOnCVSS", limit],
            ["--nvdDatafeed", self.nvd_data_feed] if self.nvd_data_feed else [],
            [word for each in self.suppressions for word in ("--suppression", each)],
            [word for each in self.exclude for word in ("--exclude", each)],
            self.extra_arguments,
            [word for each in self.paths for word in ("--scan", each)],
        )
        run = f"{scan}{options}"
        if self.nvd_api_key is not None:
            # In a file that the build alone reads: other processes see a command's arguments.
            run = "\n".join(
                [
                    "( set -e",
                    "umask 077",
                    'properties="$(mktemp)"',
                    """trap 'rm -f "$properties"' EXIT""",
                    """printf 'nvd.api.key=%s\\n' "$NVD_API_KEY" >"$properties\"""",
                    f'{run} --propertyfile "$properties"',
                    ")",
                ]
            )
        return self.action(
            # Its zip does not say that the script may be run.
            install=[f'{self.tool}\nchmod +x "$folder/dependency-check/bin/dependency-check.sh"'],
            commands=["mkdir -p reports", run],
            secrets={"NVD_API_KEY": self.nvd_api_key} if self.nvd_api_key else {},
            reports=[Report("dependencies", ["reports/dependency-check-junit.xml"])],
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_SCA],
        )
