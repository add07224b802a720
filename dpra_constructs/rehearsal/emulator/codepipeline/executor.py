"""Steers pipelines: what a person, the API and CloudFormation do to executions and stages."""

from __future__ import annotations

from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline import conditions, events
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import read_pipeline
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ServiceError
from dpra_constructs.rehearsal.emulator.codepipeline.stage_runner import StageRunner
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    ABANDONED,
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
    Execution,
    StageState,
)


class PipelineExecutor(StageRunner):
    """One pipeline, with what can be done to it while it runs."""

    # Rolling back

    def roll_back(self, stage_name: str, target_id: str, who: str) -> Execution:
        """Roll a stage back to an earlier execution.

        Raises:
            ServiceError: by the service's rules there is nothing to roll back to.
        """
        with self.lock:
            stage = self.stage(stage_name)
            target = self.execution(target_id)
            state = self.stages[stage.name]
            if stage.is_source:
                raise ServiceError(
                    "UnableToRollbackStageException",
                    f"{stage.name} is a source stage, and cannot be rolled back",
                )
            if state.running is not None:
                raise ServiceError(
                    "UnableToRollbackStageException",
                    f"stage {stage.name} is running execution {state.running.id}; wait until it "
                    "ends, or stop it",
                )
            if target.pipeline.version != self.pipeline.version:
                raise ServiceError(
                    "PipelineExecutionOutdatedException",
                    f"execution {target_id} ran in version {target.pipeline.version} of the "
                    f"pipeline's structure, which is now version {self.pipeline.version}",
                )
            if not self._is_target(target) or target not in state.succeeded:
                raise ServiceError(
                    "UnableToRollbackStageException",
                    f"execution {target_id} has not succeeded in stage {stage.name}, or is a "
                    "rollback itself; ListPipelineExecutions with the filter succeededInStage "
                    "gives the executions that will do",
                )
            return self._start_rollback(stage, target, "ManualRollback", who)

    # Retrying and stopping

    def retry(self, stage_name: str, execution_id: str, mode: str) -> Execution:
        """Run a failed stage again.

        Raises:
            ServiceError: it cannot be retried.
        """
        with self.lock:
            stage = self.stage(stage_name)
            state = self.stages[stage.name]
            execution = self.execution(execution_id)
            if state.running is not None:
                raise ServiceError("ConflictException", f"stage {stage.name} is running")
            if state.latest is not execution:
                raise ServiceError(
                    "NotLatestPipelineExecutionException",
                    f"execution {execution_id} is not the latest in stage {stage.name}",
                )
            is_retryable = state.status in (FAILED, STOPPED)
            if not is_retryable or execution.pipeline.version != self.pipeline.version:
                raise ServiceError(
                    "StageNotRetryableException",
                    f"stage {stage.name} is {state.status}, and version "
                    f"{execution.pipeline.version} of the pipeline ran in it (now "
                    f"{self.pipeline.version})",
                )
            state.manual_retries += 1
            state.last_retry = "ManualStageRetry"
            self._resume(stage, execution, mode)
            return execution

    def stop(self, execution_id: str, *, abandon: bool, reason: str) -> None:
        """Stop an execution: after its running actions, or at once.

        Raises:
            ServiceError: it is over, or is being stopped.
        """
        with self.lock:
            execution = self.execution(execution_id, error="PipelineExecutionNotStoppableException")
            if execution.is_over:
                raise ServiceError(
                    "PipelineExecutionNotStoppableException",
                    f"execution {execution_id} is {execution.status}",
                )
            if execution.status == STOPPING and not abandon:
                raise ServiceError(
                    "DuplicatedStopRequestException",
                    f"execution {execution_id} is being stopped",
                )
            execution.status, execution.stop_reason = STOPPING, reason
            events.pipeline_changed(execution, STOPPING)
            stage = next((each for each in self.stages.values() if each.running is execution), None)
            if stage is None:
                self._stop_waiting(execution)
            elif abandon:
                self._abandon(stage, execution)
            else:
                stage.status = STOPPING
                events.stage_changed(execution, stage.name, STOPPING)
                # Nobody waits for a window to stop.
                self._end_conditions(stage, execution, CANCELLED)
            self._pump()

    def _stop_waiting(self, execution: Execution) -> None:
        for state in self.stages.values():
            if execution in state.inbound:
                state.inbound.remove(execution)
        self._end(execution, STOPPED, execution.stop_reason)

    def _end_conditions(self, state: StageState, execution: Execution, status: str) -> None:
        for checked in state.conditions.values():
            if checked.status == IN_PROGRESS and checked.execution_id == execution.id:
                checked.end(status)

    def override(self, stage_name: str, execution_id: str, kind: str) -> None:
        """Let an execution go on against a condition that is waited for, or does not hold.

        Raises:
            ServiceError: there is nothing to override.
        """
        with self.lock:
            stage = self.stage(stage_name)
            state = self.stages[stage.name]
            execution = self.execution(execution_id)
            checked = state.conditions.get(kind)
            if state.latest is not execution:
                raise ServiceError(
                    "NotLatestPipelineExecutionException",
                    f"execution {execution_id} is not the latest in stage {stage.name}",
                )
            if (
                checked is None
                or checked.execution_id != execution.id
                or checked.status not in (IN_PROGRESS, FAILED)
                or (checked.status == FAILED and state.running is not None)
            ):
                raise ServiceError(
                    "ConditionNotOverridableException",
                    f"no condition {kind} of stage {stage.name} keeps execution {execution_id}",
                )
            had_failed = checked.status == FAILED
            checked.end(conditions.OVERRIDDEN)
            if had_failed:
                kinds = ("beforeEntry", "onSuccess")
                self._resume(
                    stage,
                    execution,
                    "FAILED_ACTIONS",
                    unchecked=frozenset(kinds[: kinds.index(kind) + 1]),
                )

    def _abandon(self, state: StageState, execution: Execution) -> None:
        self._end_conditions(state, execution, ABANDONED)
        for run in execution.runs:
            if run.status == IN_PROGRESS:
                run.status, run.updated = ABANDONED, Clock().now()
                run.abandoned.set()
                run.answered.set()
                run.done.set()
                events.action_changed(execution, run)
        state.running, state.status = None, STOPPED
        events.stage_changed(execution, state.name, STOPPED)
        self._end(execution, STOPPED, execution.stop_reason)

    # Transitions

    def set_transition(self, stage_name: str, *, enabled: bool, reason: str, who: str) -> None:
        """Enable or disable the transition into a stage."""
        with self.lock:
            state = self.stages[self.stage(stage_name).name]
            state.enabled, state.disabled_reason = enabled, reason
            state.changed_by, state.changed_at = who, Clock().now()
            self._pump()

    # Approvals

    def answer(
        self, stage_name: str, action_name: str, token: str, status: str, summary: str, who: str
    ) -> float:
        """Answer an approval; return the time of the answer.

        Raises:
            ServiceError: nothing waits for this answer.
        """
        with self.lock:
            stage = self.stage(stage_name)
            if action_name not in {action.name for action in stage.actions}:
                raise ServiceError(
                    "ActionNotFoundException", f"stage {stage.name} has no action {action_name}"
                )
            run = self.stages[stage.name].actions.get(action_name)
            if run is None or not run.token or run.token != token:
                raise ServiceError(
                    "InvalidApprovalTokenException",
                    "the token is not that of the approval; GetPipelineState shows it",
                )
            if run.status != IN_PROGRESS or run.answer:
                raise ServiceError(
                    "ApprovalAlreadyCompletedException", f"the approval is {run.status}"
                )
            run.answer, run.updated_by = (status, summary, who), who
            run.answered.set()
            return Clock().now()

    # The structure changes

    def update(self, record: dict[str, Any]) -> None:
        """Take a new version of the structure, as after UpdatePipeline."""
        with self.lock:
            self.pipeline = read_pipeline(record)
            self.updated = Clock().now()
            for state in self.stages.values():
                if state.running:
                    state.running.is_outdated = True
                for waiting in state.inbound:
                    self._end(waiting, CANCELLED, "the pipeline was updated while it waited")
                state.inbound.clear()
            # A stage that is gone is kept while something runs in it.
            names = [stage.name for stage in self.pipeline.stages]
            kept = [name for name, state in self.stages.items() if state.running]
            self.stages = {
                name: self.stages.get(name) or StageState(name=name)
                for name in dict.fromkeys([*names, *kept])
            }
            if self.pipeline.restarts_on_update:
                self._restart()

    def _restart(self) -> None:
        trigger = {"trigger": "StartPipelineExecution", "detail": "RestartExecutionOnUpdate"}
        try:
            self.start(**trigger, variables={}, revisions={})
        except ServiceError as error:
            # Nobody called, so the answer has to be seen in the list of executions.
            self._end(self._new_execution(**trigger, variables={}), FAILED, str(error))

    def abandon_all(self) -> None:
        """Stop everything at once: the pipeline is deleted, or the emulator ends."""
        with self.lock:
            for execution in self.executions:
                if not execution.is_over:
                    self.stop(execution.id, abandon=True, reason="the pipeline is gone")
