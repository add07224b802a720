"""Renders what the engine adds to a build's commands: runtime versions, reports, caches.

Reports are published to report groups, and kept as evidence by a command after the build's own.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dpra_constructs.build_actions.build_action import Report
from dpra_constructs.build_actions.kept_reports import keep_reports


def report_group_name(project: str, report: Report) -> str:
    """Name the report group as CodeBuild does: the project's role may write to no other name."""
    return f"{project}-{report.name}"


def partial_buildspec(
    *,
    reports: Sequence[Report],
    runtime_versions: Mapping[str, str],
    cache_paths: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the parts of a buildspec beside commands and artifacts.

    >>> spec = partial_buildspec(
    ...     reports=[Report("unit", ["junit.xml"])], runtime_versions={})
    >>> spec["reports"]
    {'unit': {'files': ['junit.xml'], 'file-format': 'JUNITXML'}}
    """
    spec: dict[str, Any] = {"version": "0.2"}
    phases: dict[str, Any] = {}
    if runtime_versions:
        phases["install"] = {"runtime-versions": dict(runtime_versions)}
    if reports:
        # CodeBuild runs this phase after a build that failed too.
        kept = keep_reports(path for report in reports for path in report.files)
        phases["post_build"] = {"commands": [kept]}
    if phases:
        spec["phases"] = phases
    # A bare name in a buildspec means the report group `<project>-<name>`.
    rendered = {
        report.name: {"files": list(report.files), "file-format": report.format}
        for report in reports
    }
    if rendered:
        spec["reports"] = rendered
    if cache_paths:
        spec["cache"] = {"paths": list(cache_paths)}
    return spec


def asset_buildspec() -> dict[str, Any]:
    """Return what the build that publishes assets does before.

    The newest cdk-assets reads asset manifests up to schema 54, and the library's CDK writes 55,
    in which an asset manifest is the same. A test runs this and the pinned cdk-assets.
    """
    manifests = "find . -name '*.assets.json' -exec"
    lower = """sed -i 's/^  "version": "55.0.0"/  "version": "54.0.0"/' {} +"""
    return {"version": "0.2", "phases": {"pre_build": {"commands": [f"{manifests} {lower}"]}}}
