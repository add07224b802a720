"""Conditions of a stage: their rules run together, and all have to succeed.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works-conditions.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from dpra_constructs.rehearsal.emulator.codepipeline import runner
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Condition
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    ABANDONED,
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    SUCCEEDED,
    ActionRun,
    Execution,
    new_id,
)
from dpra_constructs.rehearsal.settings import read_settings

OVERRIDDEN = "Overridden"


@dataclass(kw_only=True, slots=True)
class ConditionRun:
    """A condition that is, or was, checked for an execution."""

    condition: Condition
    execution_id: str
    updated: float
    id: str = field(default_factory=new_id)
    status: str = IN_PROGRESS
    rules: list[ActionRun] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Whether the execution may go on."""
        return self.status in (SUCCEEDED, OVERRIDDEN)

    @property
    def summary(self) -> str:
        """What the rules say that do not hold, or that are waited for."""
        wanted = {IN_PROGRESS: IN_PROGRESS}.get(self.status, FAILED)
        return "; ".join(
            f"{run.action.name}: {said}"
            for run in self.rules
            if run.status == wanted and (said := run.error_message or run.summary)
        )[:1000]

    def end(self, status: str) -> None:
        """End it before its rules do."""
        self.status, self.updated = status, Clock().now()
        for run in self.rules:
            run.abandoned.set()


def begin(condition: Condition, execution: Execution) -> ConditionRun:
    """Return a condition with its rules, which do not run yet."""
    now = Clock().now()
    return ConditionRun(
        condition=condition,
        execution_id=execution.id,
        updated=now,
        rules=[
            ActionRun(
                execution_id=execution.id,
                version=execution.pipeline.version,
                action=rule,
                started=now,
                updated=now,
            )
            for rule in condition.rules
        ],
    )


def check(
    checked: ConditionRun, execution: Execution, lock: AbstractContextManager[object]
) -> None:
    """Run the rules, and wait until all have ended, or the condition was ended."""
    threads = [
        threading.Thread(target=_run, args=(checked, execution, run, lock), daemon=True)
        for run in checked.rules
    ]
    for thread in threads:
        thread.start()
    for run in checked.rules:
        # What is given up is not waited for: a function may answer late, or never.
        while not run.done.wait(0.1) and checked.status == IN_PROGRESS:
            pass
    with lock:
        if checked.status == IN_PROGRESS:
            failed = any(run.status != SUCCEEDED for run in checked.rules)
            checked.status = FAILED if failed else SUCCEEDED
            checked.updated = Clock().now()


def _run(
    checked: ConditionRun,
    execution: Execution,
    run: ActionRun,
    lock: AbstractContextManager[object],
) -> None:
    settings = read_settings()
    # As that of actions: functions answer in real time.
    runner.perform(execution, run, settings, Clock(settings.time_scale), lambda: None)
    with lock:
        if checked.status in (ABANDONED, CANCELLED, OVERRIDDEN):
            run.status = ABANDONED
    run.done.set()


def problems(condition: Condition) -> Iterator[str]:
    """Name what of a condition the service does not take."""
    allowed = {
        "beforeEntry": ("FAIL", "SKIP"),
        "onSuccess": ("FAIL", "ROLLBACK"),
        "onFailure": ("ROLLBACK",),
    }[condition.kind]
    if condition.result not in allowed:
        yield f"{condition.kind} with the result {condition.result or 'that is left out'}"
    for rule in condition.rules if condition.result == "SKIP" else ():
        if rule.provider not in ("LambdaInvoke", "VariableCheck"):
            yield f"{condition.kind} with the result SKIP and a {rule.provider} rule"
    if not 1 <= len(condition.rules) <= 5:
        yield f"{condition.kind} with {len(condition.rules)} rules"
