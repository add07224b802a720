"""Break glass: a person lets a release pass a bake that watches a misbehaving version."""

from __future__ import annotations

from dpra_constructs.rehearsal.faults.bakes import FASTER, bake_of, baked_wave, wait_for_bake
from dpra_constructs.rehearsal.faults.dpra_command import run_dpra
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.release.runtime import names

_REASON = "rehearsed: the other way is worse"


def _bake_overridden(scene: Scene) -> Outcome:
    wave = baked_wave(scene)
    # At this pace a bake of minutes is not over before the command is.
    with scene.waiting_at(wave, FASTER / 10) as emulation:
        bake_of(emulation, wave)
        release = scene.let_in(wave)
        further = []
        if wait_for_bake(emulation, wave, release):
            said = run_dpra(emulation, "override", "--stage", wave, "--reason", _REASON)
            if f"the bake of {wave}" not in said:
                further.append(f"dpra override did not find the bake of {wave}: {said}")
        else:
            further.append(f"{wave} came to no bake")
        record = scene.follow(release)
        bakes = [
            each.summary
            for each in record.actions
            if (each.stage, each.name) == (wave, names.BAKE_ACTION)
        ]
        if not any(_REASON in each for each in bakes):
            further.append(f"the bake does not tell the reason of the override: {bakes}")
        others = scene.follow_others(record)
        if others:
            further.append(f"{len(others)} executions follow the release")
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=further,
            advice=(
                "The release is in production, and its bake says who has to answer for it. Look "
                "at the alarms yourself until they would have settled."
            ),
        )


OVERRIDES = (
    Fault(
        name="bake-overridden",
        description="a person overrides a bake that is not over: the release goes on",
        play=_bake_overridden,
    ),
)
