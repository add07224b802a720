"""Checks Java code with Checkstyle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import runtime_version
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

#: Configurations that are in the tool itself.
_BUILT_IN = ("/google_checks.xml", "/sun_checks.xml")
_XML = "reports/checkstyle-results.xml"


def _configuration(where: str, argument: str, value: object) -> str:
    if isinstance(value, str) and value in _BUILT_IN:
        return value
    return arguments.relative_path(where, argument, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkstyle(DownloadedTool):
    """Static analysis of Java by Checkstyle, published as a report (DPRA-BUILD-QUALITY).

    Checked against Checkstyle's documentation, not run. Source: https://checkstyle.org/cmdline.html

    Args:
        configuration: the configuration file; or `/google_checks.xml` or `/sun_checks.xml`, which
            the tool has in itself.
        paths: files or folders to check, at least one.
        fail_on: error, or warning for both.
        java: the image's Java that runs the tool, which needs 21 or newer.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Checkstyle(configuration="/sun_checks.xml").to_build_action().commands[0]
    ...     .splitlines()[3])  # doctest: +NORMALIZE_WHITESPACE
    java -jar "$CHECKSTYLE" -f xml -o reports/checkstyle-results.xml -c /sun_checks.xml
      src/main/java || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "CodeQuality"
    TOOL: ClassVar[str] = "checkstyle"
    VERSION: ClassVar[str] = "14.3.0"
    # The hash stands in several independent public lock files, e.g. CHECKSTYLE_SHA256 in a Makefile
    # with CHECKSTYLE_VERSION := 14.3.0, and in a Dockerfile that checks checkstyle-14.3.0-all.jar.
    SHA256: ClassVar[Mapping[str, str]] = {
        "*": "754e218ab1fcabb1e1c5f8530e9d3aa37636806c22987bb279dd907a6ee749b2"
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://github.com/checkstyle/checkstyle/releases/download/checkstyle-{version}/"
        "checkstyle-{version}-all.jar"
    }

    configuration: str = option("checkstyle.xml", _configuration)
    paths: Sequence[str] = option(("src/main/java",), arguments.some_relative_paths)
    fail_on: str = option("error", arguments.choice("error", "warning"))
    java: str | None = option("corretto21", runtime_version)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        run = command(
            f'java -jar "$CHECKSTYLE" -f xml -o {_XML}',
            ["-c", self.configuration],
            self.extra_arguments,
            self.paths,
        )
        failing = "error,warning" if self.fail_on == "warning" else "error"
        return self.action(
            install=[f'{self.tool}\nexport CHECKSTYLE="$folder/checkstyle.jar"'],
            commands=[
                # Its status is the number of errors, modulo 256: what it found decides too.
                with_report(
                    run,
                    tool="checkstyle",
                    reader="checkstyle",
                    source=_XML,
                    options=[failing],
                )
            ],
            reports=[Report("code-quality", [report_of("checkstyle")])],
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_QUALITY],
        )
