"""A failed wave stops the line: what waits for it, what is rolled back with it, how it resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.faults.bakes import (
    ALARMED,
    FASTER,
    bake_of,
    baked_wave,
    errors_in_bake,
    functions_of,
    under_load,
    wait_for_bake,
)
from dpra_constructs.rehearsal.faults.dpra_command import run_dpra
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import let_functions_misbehave
from dpra_constructs.release.runtime import names

_WAIT_SECONDS = 120
_HELD = "the rehearsal lets it in during the bake"


def _line_stopped_and_resumed(scene: Scene) -> Outcome:
    wave = baked_wave(scene)
    with scene.waiting_at(wave, FASTER) as emulation:
        stopped = errors_in_bake(scene, emulation, wave)
        further = [*stopped.deviations()]
        reason = _wait_until_stopped(emulation, scene.approval)
        if not reason:
            further.append(f"the transition into {scene.approval} is still enabled")
        let_functions_misbehave(emulation.endpoint, [])
        repaired = emulation.source.commit_change(
            scene.changed_application(emulation.source, "repaired"), "Repair the application"
        )
        release = emulation.api.start()
        if scene.follow(release, until=scene.approval).is_over:
            further.append(f"the next release did not wait in front of {scene.approval}")
        said = run_dpra(emulation, "resume")
        if reason not in said:
            further.append(f"dpra resume did not show why the line was stopped: {said}")
        record = scene.follow(release)
        return Outcome(
            executions=[record, *stopped.executions],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages, new=repaired.commit),
            status="Succeeded",
            further=further,
            advice="Nothing to repair: the repaired release is in production.",
        )


def _wait_until_stopped(emulation: Emulation, approval: str) -> str:
    """Return the reason why nothing enters a stage; empty when it does."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        transition = emulation.api.stages()[approval]["inboundTransitionState"]
        if not transition["enabled"]:
            return str(transition.get("disabledReason") or "no reason given")
        time.sleep(0.2)
    return ""


def _roll_back_all(scene: Scene) -> Outcome:
    if len(scene.waves) < 2:
        raise RehearsalError(
            "production has one wave, and this fault is about the waves before the one that fails; "
            "rehearse a pipeline with two"
        )
    first, wave = scene.waves[:2]
    with scene.waiting_at(wave, FASTER) as emulation:
        for stage in (first, wave):
            bake_of(emulation, stage)
        machine = _machine(emulation)
        [bad] = [
            each["pipelineExecutionId"]
            for each in emulation.api.stages()[wave]["inboundExecutions"]
        ]
        following, commit = _next_commit_waits_at(scene, emulation, first)
        deployed = [each for each in scene.versions() if each.stage == wave]
        functions = functions_of(emulation, deployed)
        further = []
        with under_load(emulation, deployed, FASTER):
            emulation.api.let_in(wave)
            if not wait_for_bake(emulation, wave, bad):
                further.append(f"{wave} came to no bake")
            # From here on it is in the first wave, which so is busy.
            emulation.api.let_in(first)
            let_functions_misbehave(emulation.endpoint, functions, fails=True)
            record = scene.follow(bad)
        run = _end_of(emulation, machine)
        report: Mapping[str, str] = json.loads(run.get("output") or "{}").get("report", {})
        if run["status"] != "SUCCEEDED" or not report.get(first, "").startswith("rolled back to "):
            further.append(f"{first} is not rolled back: {run['status']}, {report}")
        if _tries(emulation, run) < 2:
            further.append(f"{first} was not busy with the next release when it was rolled back")
        waiting = scene.follow(following, until=wave)
        if waiting.is_over:
            further.append(f"the next release is {waiting.status}, and has to wait for {wave}")
        others = [each for each in scene.follow_others(record) if each.type == "ROLLBACK"]
        if [each.status for each in others] != ["Succeeded", "Succeeded"]:
            further.append(
                f"the rollbacks of {wave} and {first} have to succeed: "
                f"{[f'{each.id} {each.status}' for each in others]}"
            )
        states = emulation.api.stages()
        further += [
            f"the transition into {each} is still enabled"
            for each in (scene.approval, *scene.waves)
            if each and states[each]["inboundTransitionState"]["enabled"]
        ]
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(first), new=commit),
            status="Failed",
            failing=(wave, names.BAKE_ACTION),
            says=ALARMED,
            further=further,
            advice=(
                "All of production runs the old version. The next release, which was in "
                f"{first} meanwhile, waits in front of {wave}: stop it, as it has the bad change "
                "too; then repair it by a new commit, and resume the pipeline."
            ),
        )


def _machine(emulation: Emulation) -> str:
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


def _tries(emulation: Emulation, run: Mapping[str, Any]) -> int:
    """Return how often a run of the state machine has waited and tried again, and once more."""
    history = emulation.api.client("stepfunctions").get_execution_history(
        executionArn=run["executionArn"], maxResults=1000
    )
    waits = [each for each in history["events"] if each["type"] == "WaitStateEntered"]
    return 1 + len(waits)


STOPPED_LINES = (
    Fault(
        name="line-stopped",
        description="a failed wave stops the line: the next release waits until it is resumed",
        play=_line_stopped_and_resumed,
    ),
    Fault(
        name="roll-back-all",
        description="a bake fails while the next commit is in the first wave: all waves go back",
        play=_roll_back_all,
    ),
)
