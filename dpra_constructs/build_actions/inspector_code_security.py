"""Scans what was built with Amazon Inspector: a CodePipeline action, not a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

_SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectorCodeSecurity:
    """Vulnerable components, found by CodePipeline's `InspectorScan` action (DPRA-BUILD-SCA).

    The action makes a bill of materials of its input and asks Amazon Inspector for the known
    vulnerabilities of the components in it; it does not read the code itself, so that it does not
    meet DPRA-BUILD-SAST. It runs on CodePipeline's own compute: not in `dpra build`. It is not in
    the regions of China. Checked against the documentation, not run. Source:
    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-InspectorScan.html

    Args:
        name: the action's name in the pipeline; 1 to 40 letters, digits and hyphens.
        input: the name of a build action's output, which is scanned.
        critical: more critical findings than this fail the action; None for any number.
        high: the same for those of high severity.
        medium: the same for those of medium severity.
        low: the same for those of low severity.
        output: the name of the output with the bill of materials and its vulnerabilities.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> dict(InspectorCodeSecurity(input="dist", medium=10).configuration())
    {'InspectorRunMode': 'SourceCodeScan', 'CriticalThreshold': '0', 'HighThreshold': '0', \
'MediumThreshold': '10'}
    """

    category: ClassVar[str] = "Invoke"
    provider: ClassVar[str] = "InspectorScan"

    name: str = "Sca"
    input: str
    critical: int | None = 0
    high: int | None = 0
    medium: int | None = None
    low: int | None = None
    output: str = "inspector-sbom"

    def __post_init__(self) -> None:
        """Check the values."""
        where = self.where
        arguments.name(where, self.name)
        arguments.name(where, self.input, "input")
        arguments.name(where, self.output, "output")
        if self.input == self.output:
            raise InvalidArgumentError(
                where, f"input and output are both {self.input!r}", "rename the output"
            )
        for severity in _SEVERITIES:
            limit = arguments.optional(arguments.count(0, 100_000))
            limit(where, severity, getattr(self, severity))
        if all(getattr(self, severity) is None for severity in _SEVERITIES):
            raise InvalidArgumentError(
                where,
                "critical, high, medium and low are all None, so that no finding would fail it",
                "give at least one limit, like critical=0",
            )

    @property
    def where(self) -> str:
        """How messages name it."""
        return f'InspectorCodeSecurity "{self.name}"'

    @property
    def meets(self) -> tuple[Requirement, ...]:
        """The requirements of the DPRA that hold because of this action."""
        return (Requirement.BUILD_SCA,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the build outputs that it reads: one."""
        return (self.input,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that it writes: one."""
        return (self.output,)

    def configuration(self) -> Mapping[str, str]:
        """Return the action's configuration, as CodePipeline takes it."""
        limits = {
            f"{severity.capitalize()}Threshold": str(getattr(self, severity))
            for severity in _SEVERITIES
            if getattr(self, severity) is not None
        }
        return MappingProxyType({"InspectorRunMode": "SourceCodeScan", **limits})

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the action's role may do in a pipeline of that name, beside its artifacts.

        >>> action = InspectorCodeSecurity(input="dist")
        >>> [each.actions[0] for each in action.permissions("fruit-api")]
        ['inspector-scan:ScanSbom', 'logs:CreateLogGroup']
        """
        logs = (
            f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/codepipeline/{pipeline}"
        )
        return (
            Permission(
                actions=["inspector-scan:ScanSbom"],
                resources=["*"],
                reason="inspector-scan:ScanSbom knows no resources",
            ),
            Permission(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[logs, f"{logs}:*"],
                reason="The names of log streams are made by CodePipeline at each run",
            ),
        )
