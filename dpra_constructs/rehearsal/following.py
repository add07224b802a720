"""Follows an execution to its end: shows what changes, lets people approve, saves states."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.execution_record import ExecutionRecord, read_execution
from dpra_constructs.rehearsal.pipeline_api import Approval, PipelineApi
from dpra_constructs.rehearsal.pipeline_view import PipelineView, view

_POLL_SECONDS = 0.2
_HELD = "the rehearsal saves its state"


class Watcher(Protocol):
    """What a rehearsal tells while it goes on."""

    def step(self, name: str) -> None:
        """Tell that a step of the rehearsal begins, for example the bootstrap."""

    def note(self, text: str) -> None:
        """Tell something that a person should know."""

    def execution(self, record: ExecutionRecord) -> None:
        """Tell how an execution stands; called whenever something changed, and once a second."""

    def answer(self, approval: Approval) -> bool | None:
        """Answer an approval; None leaves it unanswered, and is asked again."""


class Silent:
    """Tells nothing, and answers approvals always alike."""

    def __init__(self, approve: bool | None = True) -> None:
        self._approve = approve

    def step(self, name: str) -> None:
        """Tell nothing."""

    def note(self, text: str) -> None:
        """Tell nothing."""

    def execution(self, record: ExecutionRecord) -> None:
        """Tell nothing."""

    def answer(self, approval: Approval) -> bool | None:
        """Answer as said in the beginning."""
        return self._approve


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """An approval and its answer."""

    approval: Approval
    approved: bool


@dataclass(kw_only=True)
class Follower:
    """Follows executions of one pipeline.

    Args:
        api: the pipeline.
        logs: the folder with the logs of actions.
        watcher: what is told and asked.
        save: called with a stage's name when an execution waits in front of it, with the
            transition into it disabled; None saves nothing.
    """

    api: PipelineApi
    logs: Path
    watcher: Watcher
    save: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        """Read the structure."""
        self.view = self._view()
        self.answered: list[Answered] = []
        self._asked: set[str] = set()
        self._told: set[tuple[str, str]] = set()

    def _view(self) -> PipelineView:
        return view(self.api.declaration(), self.api.place.account, self.api.place.region)

    def follow(self, execution_id: str, until: str = "") -> ExecutionRecord:
        """Follow an execution until it is over, and the one that its self-mutation starts.

        Args:
            execution_id: which one.
            until: a stage; returns as soon as the execution waits in front of it.

        Raises:
            RehearsalError: the emulator's process is gone.
        """
        try:
            return self._follow(execution_id, until)
        except BotoCoreError as error:
            # A client's own error, not the service's: nobody listens any more.
            raise RehearsalError(
                f"the emulator ended while execution {execution_id} ran ({error}); what was not "
                "saved is lost. Start the rehearsal again, or with --from-stage at a saved stage"
            ) from None

    def hold_stages(self) -> None:
        """Hold executions in front of each stage but the first, so that its state is saved."""
        for stage in self.view.stages[1:]:
            self.api.hold(stage, _HELD)

    def _follow(self, execution_id: str, until: str) -> ExecutionRecord:
        shown: ExecutionRecord | None = None
        told = 0.0
        while True:
            record = read_execution(self.api, self.view, execution_id, self.logs)
            now = time.monotonic()
            if shown is None or replace(record, seconds=shown.seconds) != shown or now - told > 1:
                self.watcher.execution(record)
                shown, told = record, now
            if record.is_over:
                following = self._restarted(execution_id)
                if following is None:
                    return record
                self.watcher.note(
                    "the pipeline has updated itself: the execution begins again with its new "
                    "structure"
                )
                self.view = self._view()
                execution_id = following
                continue
            if self._let_in(execution_id, until):
                return record
            self._answer()
            time.sleep(_POLL_SECONDS)

    def _restarted(self, execution_id: str) -> str | None:
        """Return the execution that the pipeline started after it had updated itself."""
        executions = self.api.executions()
        ids = [each["pipelineExecutionId"] for each in executions]
        newer = executions[: ids.index(execution_id)]
        for summary in reversed(newer):
            detail = summary.get("trigger", {}).get("triggerDetail", "")
            if detail == "RestartExecutionOnUpdate":
                return str(summary["pipelineExecutionId"])
        return None

    def _let_in(self, execution_id: str, until: str) -> bool:
        """Save the state in front of a stage, and let the execution in; or stop there."""
        for name, stage in self.api.stages().items():
            self._tell_condition(name, stage)
            waiting = [each["pipelineExecutionId"] for each in stage.get("inboundExecutions", [])]
            transition = stage.get("inboundTransitionState", {})
            if execution_id not in waiting or transition.get("enabled", True):
                continue
            if name == until:
                return True
            if transition.get("disabledReason") == _HELD:
                if self.save:
                    self.save(name)
                self.api.let_in(name)
        return False

    def _tell_condition(self, name: str, stage: Mapping[str, Any]) -> None:
        """Tell once of each execution and stage what the execution waits for to enter it."""
        checked = stage.get("beforeEntryConditionState", {}).get("latestExecution", {})
        summary = checked.get("summary")
        if checked.get("status") != "InProgress" or not summary:
            return
        key = (stage["latestExecution"]["pipelineExecutionId"], name)
        if key not in self._told:
            self._told.add(key)
            self.watcher.note(f"{name} waits: {summary}")

    def _answer(self) -> None:
        for approval in self.api.approvals():
            if approval.token in self._asked:
                continue
            answer = self.watcher.answer(self.api.described(approval))
            if answer is None:
                continue
            self._asked.add(approval.token)
            self.api.answer(approval, approved=answer, summary="answered in the rehearsal")
            self.answered.append(Answered(approval=approval, approved=answer))
