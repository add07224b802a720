"""What the service shows of a build: its record, its log stream, and rights on report groups."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import request_scope
from ministack.services import codebuild

from dpra_constructs.local_run.buildspec import Buildspec
from dpra_constructs.rehearsal.emulator.codepipeline.actors import Actor

_REPORT_ACTIONS = ("CreateReport", "UpdateReport", "BatchPutTestCases")
_EVENTS_AT_ONCE = 1000
_EVENT_CHARACTERS = 8000


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The record of a build, which the emulator calls succeeded from the start."""

    account: str
    region: str
    build_id: str

    def _change(self, **values: Any) -> None:
        with request_scope(self.account, self.region):
            codebuild._builds[self.build_id].update(values)

    def begin(self) -> None:
        """Show that it runs."""
        self._change(
            buildStatus="IN_PROGRESS", currentPhase="PROVISIONING", endTime=None, phases=[]
        )
        with request_scope(self.account, self.region):
            codebuild._builds[self.build_id].pop("endTime")

    def enter(self, phase: str) -> None:
        """Show which phase runs."""
        self._change(currentPhase=phase.upper())

    def end(self, status: str) -> None:
        """Show how it ended."""
        self._change(buildStatus=status, currentPhase="COMPLETED", endTime=int(time.time()))


@dataclass(frozen=True, slots=True)
class LogStream:
    """A build's log in CloudWatch Logs, written with its role."""

    actor: Actor
    group: str
    stream: str

    @property
    def arn(self) -> str:
        """The log stream's ARN."""
        return (
            f"arn:aws:logs:{self.actor.region}:{self.actor.account}:log-group:{self.group}"
            f":log-stream:{self.stream}"
        )

    def create(self) -> None:
        """Create group and stream; a role that may not is a failing build."""
        logs = self.actor.client("logs")
        try:
            logs.create_log_group(logGroupName=self.group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)

    def write(self, path: Path) -> None:
        """Write what the build printed."""
        now = int(time.time() * 1000)
        lines = path.read_text("utf-8", "replace").splitlines()
        events = [{"timestamp": now, "message": line[:_EVENT_CHARACTERS]} for line in lines if line]
        logs = self.actor.client("logs")
        for start in range(0, len(events), _EVENTS_AT_ONCE):
            logs.put_log_events(
                logGroupName=self.group,
                logStreamName=self.stream,
                logEvents=events[start : start + _EVENTS_AT_ONCE],
            )


def require_reports(actor: Actor, project: str, buildspec: Buildspec, account: str) -> None:
    """Require the permissions that uploading the buildspec's reports needs.

    Raises:
        ActionFailedError: the project's role has not all of them.
    """
    for report in buildspec.reports:
        name = report.group
        arn = (
            name
            if name.startswith("arn:")
            else f"arn:aws:codebuild:{actor.region}:{account}:report-group/{project}-{name}"
        )
        for action in _REPORT_ACTIONS:
            actor.require(f"codebuild:{action}", arn)
