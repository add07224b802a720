"""Runs SoapUI's test cases against a deployed stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack

_FOLDER = "reports/soapui"


@dataclass(frozen=True, slots=True)
class SoapUi(OnDeployedStack, DownloadedTool):
    """Test cases of the open source SoapUI, for SOAP and REST (DPRA-BETA-INTEGRATION).

    No hash by its publisher was found, so `version` and `sha256` have to be given.
    Not run by this library's tests. Source: https://www.soapui.org/docs/test-automation/running-functional-tests/

    Args:
        project_file: the SoapUI project.
        suite: which test suite; without it all.
        endpoint: the environment variable with the endpoint, one of `outputs`; without it the
            project's own.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    DEFAULT_NAME: ClassVar[str] = "IntegrationTest"
    TOOL: ClassVar[str] = "soapui"
    VERSION: ClassVar[str] = ""
    SHA256: ClassVar[Mapping[str, str]] = {}
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://dl.eviware.com/soapuios/{version}/SoapUI-{version}-linux-bin.tar.gz"
    }

    project_file: str = needed(arguments.relative_path)
    _: KW_ONLY
    suite: str | None = option(None, arguments.optional(arguments.text))
    endpoint: str | None = option(
        None,
        arguments.optional(
            arguments.matching(
                r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable", "ENDPOINT"
            )
        ),
    )

    def check(self) -> None:
        """Refuse an endpoint that nothing gives."""
        # Not super(): classes with slots are made anew.
        DownloadedTool.check(self)
        if self.endpoint is not None and self.endpoint not in self.outputs:
            raise InvalidArgumentError(
                self.where,
                f"endpoint={self.endpoint!r} is none of its outputs",
                f'say what it is, like outputs={{"{self.endpoint}": "ApiUrl"}}',
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        # -j writes JUnit's XML, and -r a summary to the log.
        options = ["-j", "-r", "-f", _FOLDER]
        suite = ["-s", self.suite] if self.suite else []
        endpoint = f' -e "${self.endpoint}"' if self.endpoint else ""
        run = command("testrunner.sh", options, suite, self.extra_arguments)
        return self.action(
            install=[self.tool],
            commands=[
                f"mkdir -p {_FOLDER}",
                command(f"{run}{endpoint}", [self.project_file]),
            ],
            reports=[Report("integration", [f"{_FOLDER}/**/*.xml"])],
        )
