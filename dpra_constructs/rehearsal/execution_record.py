"""What an execution has done so far: stages and actions with times, read from the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dpra_constructs.rehearsal.pipeline_api import RUNNING, PipelineApi
from dpra_constructs.rehearsal.pipeline_view import ActionView, PipelineView

WAITING = ""
_LAST_LINES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRecord:
    """One action: its last run in the execution, or none yet.

    Args:
        status: as the API spells it, for example `Succeeded`; empty before it runs.
        seconds: how long it has run.
        summary: what it says of itself.
        error: why it failed.
        log: the file with what it did.
    """

    stage: str
    name: str
    run_order: int
    provider: str
    account: str
    region: str
    status: str = WAITING
    seconds: float = 0.0
    summary: str = ""
    error: str = ""
    log: Path | None = None

    def last_lines(self) -> tuple[str, ...]:
        """Return the end of the log, without what CodeBuild says about its phases."""
        if self.log is None or not self.log.is_file():
            return ()
        lines = self.log.read_text("utf-8", "replace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("[Container]")]
        return tuple(said[-_LAST_LINES:])


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRecord:
    """One pipeline stage with its actions in the order in which they run."""

    name: str
    actions: tuple[ActionRecord, ...]

    @property
    def status(self) -> str:
        """`Failed`, `InProgress`, `Succeeded`, another status of an action, or empty."""
        statuses = [action.status for action in self.actions]
        for status in ("Failed", "Abandoned", "InProgress"):
            if status in statuses:
                return status
        if all(status == "Succeeded" for status in statuses):
            return "Succeeded"
        return "InProgress" if "Succeeded" in statuses else WAITING


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionRecord:
    """One execution of a pipeline."""

    pipeline: str
    id: str
    status: str
    summary: str
    type: str
    trigger: str
    commit: str
    seconds: float
    stages: tuple[StageRecord, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or waits."""
        return self.status not in RUNNING

    @property
    def actions(self) -> tuple[ActionRecord, ...]:
        """The actions of all stages."""
        return tuple(action for stage in self.stages for action in stage.actions)

    @property
    def failed(self) -> tuple[ActionRecord, ...]:
        """The actions that failed."""
        return tuple(action for action in self.actions if action.status == "Failed")


def read_execution(
    api: PipelineApi, view: PipelineView, execution_id: str, logs: Path
) -> ExecutionRecord:
    """Read an execution by ListActionExecutions and GetPipelineExecution.

    Args:
        api: the pipeline.
        view: its structure, for the actions that have not run yet.
        execution_id: which one.
        logs: the folder with the logs of actions.
    """
    execution = api.execution(execution_id)
    runs = api.actions(execution_id)
    latest = {(run["stageName"], run["actionName"]): run for run in runs}
    # Actions that a later version of the structure has no more are shown where they ran.
    known = {(action.stage, action.name) for action in view.actions}
    gone = [_view_of(run) for key, run in latest.items() if key not in known]
    actions = [
        _record(action, latest.get((action.stage, action.name)), logs / execution_id)
        for action in (*view.actions, *gone)
    ]
    started = min((run["startTime"] for run in runs), default=None)
    ended = max((run["lastUpdateTime"] for run in runs), default=None)
    is_over = execution["status"] not in RUNNING
    return ExecutionRecord(
        pipeline=api.name,
        id=execution_id,
        status=execution["status"],
        summary=execution.get("statusSummary", ""),
        type=execution.get("executionType", "STANDARD"),
        trigger=execution.get("trigger", {}).get("triggerType", ""),
        commit=_commit(execution.get("artifactRevisions", [])),
        seconds=_seconds(started, ended if is_over else None) if started else 0.0,
        stages=_stages(actions),
    )


def _commit(revisions: Sequence[Mapping[str, Any]]) -> str:
    return str(revisions[0].get("revisionId", "")) if revisions else ""


def _stages(actions: Sequence[ActionRecord]) -> tuple[StageRecord, ...]:
    names = dict.fromkeys(action.stage for action in actions)
    return tuple(
        StageRecord(name=name, actions=tuple(each for each in actions if each.stage == name))
        for name in names
    )


def _record(action: ActionView, run: Mapping[str, Any] | None, logs: Path) -> ActionRecord:
    waiting = ActionRecord(
        stage=action.stage,
        name=action.name,
        run_order=action.run_order,
        provider=action.provider,
        account=action.account,
        region=action.region,
    )
    if run is None:
        return waiting
    result = run.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails", {})
    is_over = run["status"] not in RUNNING
    log = next(logs.glob(f"*.{action.name}.{run['actionExecutionId'][:8]}.log"), None)
    return replace(
        waiting,
        status=run["status"],
        seconds=_seconds(run["startTime"], run["lastUpdateTime"] if is_over else None),
        summary=result.get("externalExecutionSummary", ""),
        error=": ".join(each for each in (error.get("code"), error.get("message")) if each),
        log=log,
    )


def _view_of(run: Mapping[str, Any]) -> ActionView:
    provider = run.get("input", {}).get("actionTypeId", {}).get("provider", "")
    return ActionView(
        stage=run["stageName"],
        run_order=1,
        name=run["actionName"],
        provider=provider,
        account="",
        region=run.get("input", {}).get("region", ""),
    )


def _seconds(started: datetime, ended: datetime | None) -> float:
    return round(max(0.0, ((ended or datetime.now(UTC)) - started).total_seconds()), 1)
