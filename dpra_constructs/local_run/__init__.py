"""Runs the builds of CodeBuild on this machine: buildspecs, their artifacts and reports.

Needs PyYAML, and so one of the extras: `pip install 'dpra-constructs[cli]'`.
"""

from dpra_constructs.local_run.build import (
    Build,
    BuildResult,
    PhaseResult,
    Secrets,
    Variable,
    run_build,
)
from dpra_constructs.local_run.buildspec import Buildspec, BuildspecError, parse_buildspec
from dpra_constructs.local_run.reports import (
    FailedTest,
    ReportFiles,
    ReportSummary,
    summarize,
)

__all__ = [
    "Build",
    "BuildResult",
    "Buildspec",
    "BuildspecError",
    "FailedTest",
    "PhaseResult",
    "ReportFiles",
    "ReportSummary",
    "Secrets",
    "Variable",
    "parse_buildspec",
    "run_build",
    "summarize",
]
