"""A bake fails after the release has passed other waves: all of production goes back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.execution_record import WAITING, ExecutionRecord
from dpra_constructs.rehearsal.faults.bakes import (
    ALARMED,
    FASTER,
    bake_of,
    functions_of,
    under_load,
    wait_for_bake,
)
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import let_functions_misbehave
from dpra_constructs.release.runtime import names

_WAIT_SECONDS = 120
_HELD = "the rehearsal lets it in during the bake"


def _roll_back_all(scene: Scene) -> Outcome:
    if len(scene.waves) < 2:
        raise RehearsalError(
            "production has one wave, and this fault is about the waves before the one that fails; "
            "rehearse a pipeline with two"
        )
    first, second, wave = scene.waves[0], scene.waves[1], scene.waves[-1]
    with scene.waiting_at(wave, FASTER) as emulation:
        for stage in (first, wave):
            bake_of(emulation, stage)
        machine = rolling_back(emulation)
        target = released_in(emulation)
        [waiting] = emulation.api.stages()[wave]["inboundExecutions"]
        bad = str(waiting["pipelineExecutionId"])
        following, commit = _next_commit_waits_at(scene, emulation, first)
        deployed = [each for each in scene.versions() if each.stage == wave]
        functions = functions_of(emulation, deployed)
        further = []
        with under_load(emulation, deployed, FASTER):
            emulation.api.let_in(wave)
            if not wait_for_bake(emulation, wave, bad):
                further.append(f"{wave} came to no bake")
            # From here on the next commit is in the first wave, which so is busy.
            emulation.api.let_in(first)
            let_functions_misbehave(emulation.endpoint, functions, fails=True)
            record = scene.follow(bad)
        run = _end_of(emulation, machine)
        if scene.follow(following, until=second).is_over:
            further.append(f"the next release does not wait in front of {second}")
        rollbacks = _rollbacks(scene, emulation)
        further += _problems_of_run(emulation, run, rollbacks, scene.waves, target)
        further += _problems_of_transitions(
            emulation, rollbacks, [*([scene.approval] if scene.approval else []), *scene.waves]
        )
        return Outcome(
            executions=[record, *rollbacks.values()],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(first), new=commit),
            status="Failed",
            failing=(wave, names.BAKE_ACTION),
            says=ALARMED,
            further=further,
            advice=(
                "All of production runs the old version. The next release, which was in "
                f"{first} meanwhile, waits in front of {second}: stop it, as it has the bad change "
                "too; then repair it by a new commit, and resume the pipeline."
            ),
        )


def rolling_back(emulation: Emulation) -> str:
    """Return the state machine that rolls all waves back.

    Raises:
        RehearsalError: the pipeline has none.
    """
    steps = emulation.api.client("stepfunctions")
    name = f"{emulation.api.name}-RollBackAll"
    for each in steps.list_state_machines()["stateMachines"]:
        if each["name"] == name:
            return str(each["stateMachineArn"])
    raise RehearsalError(
        f"there is no state machine {name}, which this fault is about; rehearse a pipeline with "
        'ProdWaves(on_bake_failure="roll_back_all")'
    )


def released_in(emulation: Emulation) -> str:
    """Return the execution that is in production everywhere."""
    ended = [each for each in emulation.api.executions() if each["status"] == "Succeeded"]
    return str(ended[0]["pipelineExecutionId"])


def _next_commit_waits_at(scene: Scene, emulation: Emulation, stage: str) -> tuple[str, str]:
    """Take one more commit up to a stage; return its execution and its id."""
    emulation.api.hold(stage, _HELD)
    source = emulation.source.commit_change(
        scene.changed_application(emulation.source, "the next"), "Change it once more"
    )
    execution = emulation.api.start()
    record = scene.follow(execution, until=stage)
    if record.is_over:
        raise RehearsalError(f"the next commit does not reach {stage}: {record.summary}")
    return execution, source.commit


def _end_of(emulation: Emulation, machine: str) -> dict[str, Any]:
    """Wait until the one run of a state machine is over.

    Raises:
        RehearsalError: it does not begin, or does not end.
    """
    steps = emulation.api.client("stepfunctions")
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        for each in steps.list_executions(stateMachineArn=machine)["executions"]:
            if each["status"] != "RUNNING":
                run: dict[str, Any] = steps.describe_execution(executionArn=each["executionArn"])
                return run
        time.sleep(0.2)
    raise RehearsalError(f"{machine} came to no end within {_WAIT_SECONDS} seconds")


def _rollbacks(scene: Scene, emulation: Emulation) -> dict[str, ExecutionRecord]:
    """Follow all rollbacks; return them by their stage, in the order in which they began."""
    begun = sorted(
        (each for each in emulation.api.executions() if each.get("executionType") == "ROLLBACK"),
        key=lambda each: each["startTime"],
    )
    records = [scene.follow(each["pipelineExecutionId"]) for each in begun]
    return {
        next(action.stage for action in record.actions if action.status != WAITING): record
        for record in records
    }


def _problems_of_run(
    emulation: Emulation,
    run: Mapping[str, Any],
    rollbacks: Mapping[str, ExecutionRecord],
    waves: Sequence[str],
    target: str,
) -> list[str]:
    """Return what is not as designed of the state machine's run, and of the rollbacks."""
    *before, failed = waves
    order = [failed, *reversed(before)]
    problems = []
    if list(rollbacks) != order:
        problems.append(
            f"the waves have to go back in the order {', '.join(order)}, and went in the order "
            f"{', '.join(rollbacks)}"
        )
    problems += [
        f"the rollback of {wave} is {each.status}: {each.summary}"
        for wave, each in rollbacks.items()
        if each.status != "Succeeded"
    ]
    report: Mapping[str, str] = json.loads(run.get("output") or "{}").get("report", {})
    wanted = {
        wave: f"rolled back to {target} by {rollbacks[wave].id}"
        for wave in before
        if wave in rollbacks
    }
    if run["status"] != "SUCCEEDED" or report != wanted:
        problems.append(f"the run {run['status']}, and reports {report}, in place of {wanted}")
    if not _waits(emulation, run):
        problems.append(f"{before[0]} was not busy when it was to be rolled back")
    return problems


def _waits(emulation: Emulation, run: Mapping[str, Any]) -> int:
    """Return how often a run of the state machine has waited for a busy wave."""
    history = emulation.api.client("stepfunctions").get_execution_history(
        executionArn=run["executionArn"], maxResults=1000
    )
    return sum(each["type"] == "WaitStateEntered" for each in history["events"])


def _problems_of_transitions(
    emulation: Emulation, rollbacks: Mapping[str, ExecutionRecord], closed: Sequence[str]
) -> list[str]:
    """Return which transitions are open, or were closed after waves began to go back."""
    began = {each["pipelineExecutionId"]: each["startTime"] for each in emulation.api.executions()}
    # The wave that failed goes back by itself.
    first = min((began[each.id] for each in list(rollbacks.values())[1:]), default=None)
    states = emulation.api.stages()
    problems = []
    for stage in closed:
        transition = states[stage]["inboundTransitionState"]
        if transition["enabled"]:
            problems.append(f"the transition into {stage} is still enabled")
        elif first and transition["lastChangedAt"] > first:
            problems.append(f"the transition into {stage} was disabled after the first rollback")
    return problems


ALL_WAVES = (
    Fault(
        name="roll-back-all",
        description="a bake fails while the next commit is in the first wave: all waves go back",
        play=_roll_back_all,
    ),
)
