"""Checks dependencies with Black Duck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import choices, runtime_version
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.requirements import Requirement

_SEVERITIES = ("ALL", "BLOCKER", "CRITICAL", "MAJOR", "MINOR", "TRIVIAL", "UNSPECIFIED")


@dataclass(frozen=True, kw_only=True, slots=True)
class BlackDuck(DownloadedTool):
    """Vulnerabilities and licences of dependencies, by Black Duck Detect (DPRA-BUILD-SCA).

    The policies of the Black Duck server decide. Detect has no report that CodeBuild reads: its
    findings are in the log and on the server. `version` and `sha256` are needed, as no hash by the
    publisher was found. Checked against the tool's documentation, not run. Source:
    https://documentation.blackduck.com/bundle/detect/page/properties/all-properties.html

    Args:
        url: the address of the Black Duck server.
        api_token: a reference to an API token of the server.
        project_name: the project on the server.
        project_version: its version on the server.
        path: the folder to scan.
        fail_on: severities of policy violations that fail the build: BLOCKER, CRITICAL, MAJOR,
            MINOR, TRIVIAL, UNSPECIFIED or ALL.
        scan_mode: RAPID, which keeps nothing on the server, INTELLIGENT or STATELESS.
        tools: what Detect runs; DETECTOR alone reads package managers, and downloads nothing more.
        java: the image's Java, like `corretto21`; without it the image's own default.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> action = BlackDuck(version="11.4.2", sha256={"*": "0" * 64}, project_name="fruit",
    ...     url="https://blackduck.acme.example", api_token=SecureParameter("/acme/black-duck"))
    >>> list(action.to_build_action().secrets)
    ['BLACKDUCK_API_TOKEN']
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"
    TOOL: ClassVar[str] = "detect"
    VERSION: ClassVar[str] = ""
    SHA256: ClassVar[Mapping[str, str]] = {}
    # https://documentation.blackduck.com/bundle/detect/page/runningdetect/runningdetectjar.html
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://repo.blackduck.com/bds-integrations-release/com/blackduck/integration/detect/"
        "{version}/detect-{version}.jar"
    }

    url: str = needed(arguments.https_url("https://blackduck.acme.example"))
    api_token: SecretsManagerSecret | SecureParameter = needed(secret)
    project_name: str = needed(arguments.text)
    project_version: str = option("trunk", arguments.text)
    path: str = option(".", arguments.relative_path)
    fail_on: Sequence[str] = option(("BLOCKER", "CRITICAL"), choices(*_SEVERITIES))
    scan_mode: str = option("RAPID", arguments.choice("RAPID", "INTELLIGENT", "STATELESS"))
    tools: Sequence[str] = option(
        ("DETECTOR",),
        choices("DETECTOR", "SIGNATURE_SCAN", "BINARY_SCAN", "DOCKER", "BAZEL", "IAC_SCAN"),
    )
    java: str | None = option(None, runtime_version)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        properties = {
            "blackduck.url": self.url,
            "detect.project.name": self.project_name,
            "detect.project.version.name": self.project_version,
            "detect.source.path": self.path,
            "detect.tools": ",".join(self.tools),
            "detect.blackduck.scan.mode": self.scan_mode,
            "detect.policy.check.fail.on.severities": ",".join(self.fail_on),
        }
        return self.action(
            install=[f'{self.tool}\nexport DETECT="$folder/detect.jar"'],
            commands=[
                command(
                    'java -jar "$DETECT"',
                    [f"--{name}={value}" for name, value in properties.items()],
                    self.extra_arguments,
                )
            ],
            secrets={"BLACKDUCK_API_TOKEN": self.api_token},
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_SCA],
        )
