"""Finds known vulnerabilities in Python packages with pip-audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.application_environment import in_application_environment
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement


def ignored(where: str, argument: str, value: object) -> Mapping[str, str]:
    """Return ids of vulnerabilities with a reason for each as a read-only mapping."""
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(value)} is not a mapping of ids to reasons",
            f'write it like {argument}={{"PYSEC-2024-1": "only on Windows, where we never run"}}',
        )
    for id, reason in value.items():
        arguments.text(where, f"{argument}, an id", id)
        arguments.text(where, f"{argument}[{id!r}], the reason", reason)
    return MappingProxyType(dict(value))


@dataclass(frozen=True, kw_only=True, slots=True)
class PipAudit(PythonTool):
    """Known vulnerabilities in Python packages, found by pip-audit (DPRA-BUILD-SCA).

    pip-audit itself knows no severities. For a threshold, the build asks OSV for the advisories of
    GitHub on what was found; a vulnerability without one counts as critical, and an OSV that does
    not answer fails the build. Both were run against a stand-in for OSV alone, as the tests have no
    network. Licences are no subject of it. Source: https://github.com/pypa/pip-audit

    Args:
        requirement_files: what is audited; with `wheels`, what they depend on, with hashes. Without
            both, the environment in which the action runs, and which `install` fills.
        wheels: folders with wheels that were built, usually with `inputs`; they are installed into
            an environment of their own, which is audited.
        fail_on: any, or the lowest severity that fails: low, moderate, high or critical.
        ignore: ids of vulnerabilities that do not count, with a reason for each.
        osv: the address of OSV's API, for a mirror.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(PipAudit().to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    pip-audit --progress-spinner off --format json --output reports/pip-audit.json
      --vulnerability-service osv --osv-url https://api.osv.dev/v1/query
      --requirement requirements.txt || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"
    LOCK: ClassVar[str] = "pip-audit"

    requirement_files: Sequence[str] = option(("requirements.txt",), arguments.relative_paths)
    wheels: Sequence[str] = option((), arguments.relative_paths)
    fail_on: str = option("any", arguments.choice("any", "low", "moderate", "high", "critical"))
    ignore: Mapping[str, str] = field(default_factory=dict, metadata={"check": ignored})
    osv: str = option(
        "https://api.osv.dev",
        arguments.matching(
            r"(https://\S+|http://127\.0\.0\.1:\d+)", "an https address", "https://api.osv.dev"
        ),
    )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/pip-audit.json"
        osv = self.osv.rstrip("/")
        audit = command(
            f"pip-audit --progress-spinner off --format json --output {results}",
            ["--vulnerability-service", "osv", "--osv-url", f"{osv}/v1/query"],
            [word for id in self.ignore for word in ("--ignore-vuln", id)],
            self.extra_arguments,
        )
        if self.wheels:
            audit = in_application_environment(
                f'{audit} --path "$environment"/lib/python*/site-packages',
                wheels=self.wheels,
                requirement_files=self.requirement_files,
            )
        elif self.requirement_files:
            files = [word for path in self.requirement_files for word in ("--requirement", path)]
            audit = command(audit, files)
        else:
            audit = f"{audit} --local"
        severities = [
            # Exit code 1 says that there are vulnerabilities; which fail, their severities say.
            f'if [ "$status" -eq 1 ] && [ -s {results} ]; then',
            f"status=0; {inlined_python('osv_severities', [results, osv])}",
            "[ $? -eq 0 ] || status=1",
            "fi",
        ]
        return self.action(
            install=[self.tool],
            commands=[
                with_report(
                    audit,
                    tool="pip-audit",
                    reader="pip_audit",
                    source=results,
                    options=[self.fail_on],
                    before=[] if self.fail_on == "any" else severities,
                )
            ],
            reports=[Report("sca", [report_of("pip-audit")])],
            meets=[Requirement.BUILD_SCA],
        )
