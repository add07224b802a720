"""Runs pipelines: which execution enters which stage, and what follows when a stage ends.

Nothing here knows types of actions. Every change of state is made under the lock of the pipeline.

Where the service's documentation leaves a behaviour open, this takes the less convenient
reading; `docs/rehearsal.md` lists these places.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline import events, runner
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import (
    Stage,
    read_pipeline,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ServiceError
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    ABANDONED,
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    ROLLBACK,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    SUPERSEDED,
    ActionRun,
    Execution,
    StageState,
)
from dpra_constructs.rehearsal.emulator.codepipeline.support import unsupported
from dpra_constructs.rehearsal.settings import read_settings


class PipelineExecutor:
    """One pipeline: its structure, its executions, and the state of its stages."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.lock = threading.RLock()
        self.pipeline = read_pipeline(record)
        self.executions: list[Execution] = []
        self.stages = {stage.name: StageState(name=stage.name) for stage in self.pipeline.stages}
        for transition in record["properties"].get("DisableInboundStageTransitions", []):
            state = self.stages[transition["StageName"]]
            state.enabled, state.disabled_reason = False, transition["Reason"]
        self.created = self.updated = Clock().now()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)
        self.lock = threading.RLock()

    def running(self) -> list[str]:
        """Return the names of the stages in which something runs."""
        with self.lock:
            return [name for name, state in self.stages.items() if state.running]

    # Starting

    def start(
        self,
        *,
        trigger: str,
        detail: str,
        variables: Mapping[str, str],
        revisions: Mapping[str, str],
    ) -> Execution:
        """Start an execution.

        Raises:
            ServiceError: the pipeline has what cannot be rehearsed, or a variable has no value.
        """
        with self.lock:
            if problem := unsupported(self.pipeline):
                raise ServiceError("ValidationException", problem)
            execution = self._new_execution(
                trigger=trigger, detail=detail, variables=self._variables(variables)
            )
            execution.wanted = dict(revisions)
            self._enqueue(self.pipeline.stages[0], execution)
            self._pump()
            return execution

    def _variables(self, given: Mapping[str, str]) -> dict[str, str]:
        declared = self.pipeline.variables
        if wrong := sorted(set(given) - set(declared)):
            raise ServiceError(
                "ValidationException", f"the pipeline has no variable {', '.join(wrong)}"
            )
        values = {name: given.get(name, default) for name, default in declared.items()}
        if missing := sorted(name for name, value in values.items() if value is None):
            raise ServiceError(
                "ValidationException", f"the variable {', '.join(missing)} has no value"
            )
        return {name: str(value) for name, value in values.items()}

    def _new_execution(
        self, *, trigger: str, detail: str, variables: Mapping[str, str]
    ) -> Execution:
        now = Clock().now()
        execution = Execution(
            pipeline=self.pipeline,
            trigger=trigger,
            trigger_detail=detail,
            started=now,
            updated=now,
            variables=variables,
            number=len(self.executions) + 1,
        )
        self.executions.append(execution)
        events.pipeline_changed(execution, IN_PROGRESS)
        return execution

    # Waiting in front of a stage

    def _enqueue(self, stage: Stage, execution: Execution) -> None:
        waiting = self.stages[stage.name].inbound
        waiting.append(execution)
        waiting.sort(key=lambda each: each.number)
        if self.pipeline.mode == SUPERSEDED.upper():
            *older, newest = waiting
            for each in older:
                self._end(each, SUPERSEDED, f"superseded by execution {newest.id}")
            waiting[:] = [newest]

    def _pump(self) -> None:
        """Let waiting executions in, wherever the stage is free and the transition enabled."""
        for stage in self.pipeline.stages:
            state = self.stages[stage.name]
            if state.inbound and state.running is None and state.enabled:
                self._enter(stage, state.inbound.pop(0), keep=frozenset())

    # A stage

    def _enter(
        self, stage: Stage, execution: Execution, *, keep: frozenset[str], resumed: bool = False
    ) -> None:
        state = self.stages[stage.name]
        state.running = state.latest = execution
        state.status = IN_PROGRESS
        if not resumed:
            state.automatic_retries = state.manual_retries = 0
            state.last_retry = ""
        execution.updated = Clock().now()
        events.stage_changed(execution, stage.name, "Resumed" if resumed else IN_PROGRESS)
        self._in_background(lambda: self._run_stage(stage, execution, keep), f"stage-{stage.name}")

    def _in_background(self, work: Callable[[], None], name: str) -> None:
        threading.Thread(target=work, daemon=True, name=f"codepipeline-{name}").start()

    def _run_stage(self, stage: Stage, execution: Execution, keep: frozenset[str]) -> None:
        attempt = execution.attempt
        for group in stage.by_run_order():
            with self.lock:
                if not self._is_in(stage, execution, attempt):
                    return
                runs = [
                    self._start_action(execution, action)
                    for action in group
                    if action.name not in keep
                ]
            for run in runs:
                run.done.wait()
            with self.lock:
                if not self._is_in(stage, execution, attempt):
                    return
                if status := self._early_end(execution, runs):
                    self._end_stage(stage, execution, status)
                    return
        with self.lock:
            if self._is_in(stage, execution, attempt):
                self._end_stage(stage, execution, SUCCEEDED)

    def _is_in(self, stage: Stage, execution: Execution, attempt: int) -> bool:
        """Whether this is still the run of the stage; it is not after it was abandoned."""
        state = self.stages.get(stage.name)
        return state is not None and state.running is execution and execution.attempt == attempt

    def _early_end(self, execution: Execution, runs: list[ActionRun]) -> str:
        if any(run.status == FAILED for run in runs) or execution.is_outdated:
            return FAILED
        return STOPPED if execution.status == STOPPING else ""

    def _start_action(self, execution: Execution, action: Any) -> ActionRun:
        now = Clock().now()
        run = ActionRun(
            execution_id=execution.id,
            version=execution.pipeline.version,
            action=action,
            started=now,
            updated=now,
        )
        execution.runs.append(run)
        self.stages[action.stage].actions[action.name] = run
        self._in_background(lambda: self._run_action(execution, run), f"action-{action.name}")
        return run

    def _run_action(self, execution: Execution, run: ActionRun) -> None:
        settings = read_settings()
        clock = Clock(settings.time_scale)
        runner.perform(
            execution, run, settings, clock, lambda: events.action_changed(execution, run)
        )
        with self.lock:
            if run.abandoned.is_set():
                run.status = ABANDONED
            elif run.status == SUCCEEDED:
                for artifact in run.outputs:
                    execution.artifacts[artifact.name] = artifact
                if run.action.namespace:
                    execution.namespaces[run.action.namespace] = run.output_variables
            events.action_changed(execution, run)
        run.done.set()

    def _end_stage(self, stage: Stage, execution: Execution, status: str) -> None:
        state = self.stages[stage.name]
        state.running, state.status = None, status
        events.stage_changed(execution, stage.name, status)
        match status:
            case "Succeeded":
                self._pass_on(stage, state, execution)
            case "Stopped":
                self._end(execution, STOPPED, execution.stop_reason)
            case _:
                self._stage_failed(stage, state, execution)
        self._pump()

    def _pass_on(self, stage: Stage, state: StageState, execution: Execution) -> None:
        if execution in state.succeeded:
            state.succeeded.remove(execution)
        state.succeeded.append(execution)
        following = execution.pipeline.after(stage)
        if execution.status == STOPPING:
            self._end(execution, STOPPED, execution.stop_reason)
        elif following is None or execution.type == ROLLBACK:
            self._end(execution, SUCCEEDED, "")
        else:
            self._enqueue(following, execution)

    def _stage_failed(self, stage: Stage, state: StageState, execution: Execution) -> None:
        if execution.is_outdated:
            self._end(
                execution,
                FAILED,
                "the pipeline was updated while this execution was in a stage; running actions "
                "were completed, and nothing follows",
            )
            return
        failed = next((run for run in reversed(execution.runs) if run.status == FAILED), None)
        why = f"{failed.action.name}: {failed.error_message}" if failed else ""
        if execution.type != ROLLBACK and execution.status != STOPPING:
            if stage.on_failure == "RETRY" and not state.automatic_retries:
                state.automatic_retries += 1
                state.last_retry = "AutomatedStageRetry"
                self._resume(stage, execution, stage.retry_mode)
                return
            if stage.on_failure == ROLLBACK:
                self._end(execution, FAILED, self._roll_back(stage, execution))
                return
        self._end(execution, FAILED, f"stage {stage.name} failed: {why}"[:1000])

    def _end(self, execution: Execution, status: str, summary: str) -> None:
        execution.status, execution.summary = status, summary
        execution.updated = Clock().now()
        events.pipeline_changed(execution, status)

    # Rolling back

    def _roll_back(self, stage: Stage, failed: Execution) -> str:
        """Roll a failed stage back; return what is to be said of the failed execution."""
        target = self._target(stage, failed)
        if target is None:
            return (
                f"stage {stage.name} failed and was not rolled back: no earlier execution has "
                f"succeeded in it in version {failed.pipeline.version} of the pipeline's "
                "structure; repair it by a new execution"
            )
        execution = self._start_rollback(stage, target, "AutomatedRollback", failed.id)
        return f"stage {stage.name} failed; execution {execution.id} rolls it back to {target.id}"

    def _target(self, stage: Stage, failed: Execution) -> Execution | None:
        candidates = [
            execution
            for execution in self.stages[stage.name].succeeded
            if execution is not failed and self._is_target(execution)
        ]
        return candidates[-1] if candidates else None

    def _is_target(self, execution: Execution) -> bool:
        return execution.type != ROLLBACK and execution.pipeline.version == self.pipeline.version

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

    def _start_rollback(
        self, stage: Stage, target: Execution, trigger: str, detail: str
    ) -> Execution:
        execution = self._new_execution(
            trigger=trigger, detail=detail, variables=dict(target.variables)
        )
        execution.type, execution.rollback_target = ROLLBACK, target.id
        execution.revisions = dict(target.revisions)
        execution.artifacts = dict(target.artifacts)
        execution.namespaces = dict(target.namespaces)
        self._enter(stage, execution, keep=frozenset())
        return execution

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

    def _resume(self, stage: Stage, execution: Execution, mode: str) -> None:
        state = self.stages[stage.name]
        keep = frozenset(
            name
            for name, run in state.actions.items()
            if mode == "FAILED_ACTIONS"
            and run.execution_id == execution.id
            and run.status == SUCCEEDED
        )
        execution.status, execution.summary, execution.stop_reason = IN_PROGRESS, "", ""
        execution.attempt += 1
        events.pipeline_changed(execution, "Resumed")
        self._enter(stage, execution, keep=keep, resumed=True)

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
            self._pump()

    def _stop_waiting(self, execution: Execution) -> None:
        for state in self.stages.values():
            if execution in state.inbound:
                state.inbound.remove(execution)
        self._end(execution, STOPPED, execution.stop_reason)

    def _abandon(self, state: StageState, execution: Execution) -> None:
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

    # Looking up

    def stage(self, name: str) -> Stage:
        """Return a stage.

        Raises:
            ServiceError: there is none of that name.
        """
        if stage := self.pipeline.stage(name):
            return stage
        raise ServiceError(
            "StageNotFoundException", f"pipeline {self.pipeline.name} has no stage {name}"
        )

    def execution(
        self, execution_id: str, error: str = "PipelineExecutionNotFoundException"
    ) -> Execution:
        """Return an execution.

        Raises:
            ServiceError: there is none with that id.
        """
        for execution in self.executions:
            if execution.id == execution_id:
                return execution
        raise ServiceError(error, f"pipeline {self.pipeline.name} has no execution {execution_id}")
