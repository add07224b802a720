"""Measures the capacity of a deployed stack with Apache JMeter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack
from dpra_constructs.test_actions.thresholds import Thresholds

_RESULTS = "reports/jmeter.jtl"


@dataclass(frozen=True, slots=True)
class JMeter(OnDeployedStack, DownloadedTool):
    """A load test by Apache JMeter (DPRA-GAMMA-PERFORMANCE).

    Apache states SHA-512 alone, so `version` and `sha256` have to be given. The address of the
    stack reaches the plan as a property, like `properties={"host": "$HOST"}`, in which the shell
    puts the environment variable from `outputs={"HOST": "ApiUrl"}`.
    Not run by this library's tests. Source: https://jmeter.apache.org/usermanual/get-started.html

    Args:
        plan: the test plan, a .jmx file.
        properties: JMeter's properties; the shell puts variables like `$HOST` in.
        thresholds: what fails the test; without it more than 1 % of failed requests.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    DEFAULT_NAME: ClassVar[str] = "LoadTest"
    TOOL: ClassVar[str] = "jmeter"
    VERSION: ClassVar[str] = ""
    SHA256: ClassVar[Mapping[str, str]] = {}
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        "*": "https://archive.apache.org/dist/jmeter/binaries/apache-jmeter-{version}.tgz"
    }

    plan: str = needed(arguments.relative_path)
    _: KW_ONLY
    properties: Mapping[str, str] = field(
        default_factory=dict, metadata={"check": arguments.variables}
    )
    thresholds: Thresholds = option(Thresholds(error_percent=1), arguments.optional(Thresholds))

    def check(self) -> None:
        """Refuse values that would end the quotes in which they stand."""
        # Not super(): classes with slots are made anew.
        DownloadedTool.check(self)
        for name, value in self.properties.items():
            if re.search(r'["`\\\n]|\$\(', value):
                raise InvalidArgumentError(
                    self.where,
                    f"properties[{name!r}]={value!r} has a character that the shell would read: "
                    'one of " ` \\ $( or a new line',
                    "put it into an environment variable, and write $VARIABLE",
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        # In double quotes, in which the shell still puts variables in.
        given = "".join(f' -J{name}="{value}"' for name, value in self.properties.items())
        csv = [
            "-Jjmeter.save.saveservice.output_format=csv",
            "-Jjmeter.save.saveservice.print_field_names=true",
        ]
        files = ["-t", self.plan, "-l", _RESULTS, "-j", "reports/jmeter.log"]
        return self.action(
            install=[self.tool],
            commands=[
                "mkdir -p reports",
                command("jmeter -n", files, csv, self.extra_arguments) + given,
                self.thresholds.command("jmeter", _RESULTS),
            ],
            reports=[self.thresholds.report],
            meets=[Requirement.GAMMA_PERFORMANCE],
        )
