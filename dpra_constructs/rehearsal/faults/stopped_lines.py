"""A failed wave stops the line: what waits for it, and how it resumes."""

from __future__ import annotations

import time

from dpra_constructs.rehearsal.faults.bakes import (
    FASTER,
    baked_wave,
    errors_in_bake,
)
from dpra_constructs.rehearsal.faults.dpra_command import run_dpra
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import let_functions_misbehave

_WAIT_SECONDS = 120


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


STOPPED_LINES = (
    Fault(
        name="line-stopped",
        description="a failed wave stops the line: the next release waits until it is resumed",
        play=_line_stopped_and_resumed,
    ),
)
