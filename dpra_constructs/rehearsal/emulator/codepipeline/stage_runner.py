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

from dpra_constructs.rehearsal.emulator.codepipeline import conditions, events, runner
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import (
    Stage,
    read_pipeline,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ServiceError
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    ABANDONED,
    FAILED,
    IN_PROGRESS,
    ROLLBACK,
    SKIPPED,
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


class StageRunner:
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
        self,
        stage: Stage,
        execution: Execution,
        *,
        keep: frozenset[str],
        resumed: bool = False,
        unchecked: frozenset[str] = frozenset(),
    ) -> None:
        state = self.stages[stage.name]
        state.running = state.latest = execution
        state.status = IN_PROGRESS
        if not resumed:
            state.automatic_retries = state.manual_retries = 0
            state.last_retry = ""
        execution.updated = Clock().now()
        events.stage_changed(execution, stage.name, "Resumed" if resumed else IN_PROGRESS)
        self._in_background(
            lambda: self._run_stage(stage, execution, keep, unchecked), f"stage-{stage.name}"
        )

    def _in_background(self, work: Callable[[], None], name: str) -> None:
        threading.Thread(target=work, daemon=True, name=f"codepipeline-{name}").start()

    def _run_stage(
        self, stage: Stage, execution: Execution, keep: frozenset[str], unchecked: frozenset[str]
    ) -> None:
        attempt = execution.attempt
        if "beforeEntry" not in unchecked:
            refused = self._check(stage, execution, "beforeEntry", attempt)
            if refused is None or refused:
                return
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
                status = self._early_end(execution, runs)
            if status == FAILED:
                self._check(stage, execution, "onFailure", attempt)
            if status:
                with self.lock:
                    if self._is_in(stage, execution, attempt):
                        self._end_stage(stage, execution, status)
                return
        if "onSuccess" not in unchecked:
            refused = self._check(stage, execution, "onSuccess", attempt)
            if refused is None or refused:
                return
        with self.lock:
            if self._is_in(stage, execution, attempt):
                self._end_stage(stage, execution, SUCCEEDED)

    def _check(self, stage: Stage, execution: Execution, kind: str, attempt: int) -> bool | None:
        """Check a condition, and end the stage if it does not hold.

        Returns whether the stage was ended by it; None when it is not this run's stage any more.
        """
        condition = stage.conditions.get(kind)
        if condition is None:
            return False
        with self.lock:
            if not self._is_in(stage, execution, attempt):
                return None
            checked = conditions.begin(condition, execution)
            self.stages[stage.name].conditions[kind] = checked
            execution.rule_runs.extend(checked.rules)
        conditions.check(checked, execution, self.lock)
        with self.lock:
            if not self._is_in(stage, execution, attempt):
                return None
            if kind == "onFailure" or (checked.is_met and execution.status != STOPPING):
                return False
            status = FAILED
            if execution.status == STOPPING:
                status = STOPPED
            elif condition.result == "SKIP":
                status = SKIPPED
            self._end_stage(stage, execution, status, refused=checked)
            return True

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

    def _end_stage(
        self,
        stage: Stage,
        execution: Execution,
        status: str,
        refused: conditions.ConditionRun | None = None,
    ) -> None:
        state = self.stages[stage.name]
        state.running, state.status = None, status
        events.stage_changed(execution, stage.name, status)
        match status:
            case "Succeeded":
                if execution in state.succeeded:
                    state.succeeded.remove(execution)
                state.succeeded.append(execution)
                self._pass_on(stage, execution)
            case "Skipped":
                self._pass_on(stage, execution)
            case "Stopped":
                self._end(execution, STOPPED, execution.stop_reason)
            case _:
                self._stage_failed(stage, state, execution, refused)
        self._pump()

    def _pass_on(self, stage: Stage, execution: Execution) -> None:
        following = execution.pipeline.after(stage)
        if execution.status == STOPPING:
            self._end(execution, STOPPED, execution.stop_reason)
        elif following is None or execution.type == ROLLBACK:
            self._end(execution, SUCCEEDED, "")
        else:
            self._enqueue(following, execution)

    def _stage_failed(
        self,
        stage: Stage,
        state: StageState,
        execution: Execution,
        refused: conditions.ConditionRun | None,
    ) -> None:
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
        if refused:
            why = f"{refused.condition.kind}: {refused.summary}"
        if execution.type != ROLLBACK and execution.status != STOPPING:
            if stage.on_failure == "RETRY" and not state.automatic_retries:
                state.automatic_retries += 1
                state.last_retry = "AutomatedStageRetry"
                self._resume(stage, execution, stage.retry_mode)
                return
            if self._rolls_back(stage, state, refused):
                self._end(execution, FAILED, self._roll_back(stage, execution))
                return
        self._end(execution, FAILED, f"stage {stage.name} failed: {why}"[:1000])

    def _rolls_back(
        self, stage: Stage, state: StageState, refused: conditions.ConditionRun | None
    ) -> bool:
        if refused and refused.condition.result == ROLLBACK:
            return True
        if "onFailure" in stage.conditions:
            # What the API's reference says of these: the result holds when they are met.
            checked = state.conditions.get("onFailure")
            return (
                checked is not None and checked.execution_id == state.latest_id and checked.is_met
            )
        return stage.on_failure == ROLLBACK

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

    # Running a stage again

    def _resume(
        self,
        stage: Stage,
        execution: Execution,
        mode: str,
        unchecked: frozenset[str] = frozenset(),
    ) -> None:
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
        self._enter(stage, execution, keep=keep, resumed=True, unchecked=unchecked)

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
