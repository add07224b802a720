"""What came of the actions of a build stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dpra_constructs.local_run.reports import ReportSummary

# How the build's own lines begin in its log, as in CodeBuild.
_OWN_LINE = "[Container] "


class Status(StrEnum):
    """How an action ended, or where it is."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_RUN = "not run"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionResult:
    """How one action ended.

    Args:
        name: the action's name.
        run_order: its place in the stage.
        status: how it ended.
        reason: why it failed, was skipped or not run; empty when it succeeded.
        seconds: how long it took.
        log: what its commands printed; None when it did not start.
        reports: what its reports say.
        artifacts: zip files by the name of the artifact in the pipeline.
        variables: exported variables.
    """

    name: str
    run_order: int
    status: Status
    reason: str = ""
    seconds: float = 0.0
    log: Path | None = None
    reports: tuple[ReportSummary, ...] = ()
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def last_lines(self, count: int = 20) -> list[str]:
        """Return the last lines that commands printed."""
        if self.log is None or not self.log.is_file():
            return []
        lines = self.log.read_text("utf-8", "replace").splitlines()
        printed = [line for line in lines if line.strip() and not line.startswith(_OWN_LINE)]
        return printed[-count:]


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """How the build stage ended.

    Args:
        pipeline: the pipeline's name.
        stage: the stage's name.
        commit: the commit whose files were built.
        working_tree: whether the files of the working tree stood on top of it.
        actions: by run order and name.
        seconds: how long all took.
    """

    pipeline: str
    stage: str
    commit: str
    working_tree: bool
    actions: tuple[ActionResult, ...]
    seconds: float

    @property
    def status(self) -> Status:
        """Succeeded, failed or stopped; skipped actions are no failure."""
        found = {action.status for action in self.actions}
        for status in (Status.STOPPED, Status.FAILED):
            if status in found:
                return status
        return Status.SUCCEEDED

    def as_json(self) -> dict[str, Any]:
        """Return what `dpra build --json` writes."""
        return {
            "pipeline": self.pipeline,
            "stage": self.stage,
            "commit": self.commit,
            "working_tree": self.working_tree,
            "status": self.status.value,
            "seconds": round(self.seconds, 3),
            "actions": [
                {
                    "name": action.name,
                    "run_order": action.run_order,
                    "status": action.status.value,
                    "reason": action.reason,
                    "seconds": round(action.seconds, 3),
                    "log": str(action.log) if action.log else None,
                    "reports": [_report(report) for report in action.reports],
                }
                for action in self.actions
            ],
        }


def _report(report: ReportSummary) -> dict[str, Any]:
    return {
        "group": report.group,
        "format": report.file_format,
        "files": report.file_count,
        "tests": report.tests if report.is_read else None,
        "failures": report.failures if report.is_read else None,
        "errors": report.errors if report.is_read else None,
        "skipped": report.skipped if report.is_read else None,
        "failed": [
            {"name": test.name, "place": test.place, "message": test.message}
            for test in report.failed
        ],
        "unreadable": list(report.unreadable),
    }
