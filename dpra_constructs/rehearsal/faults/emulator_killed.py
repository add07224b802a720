"""The emulator dies in the middle of a wave."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene


def _killed(scene: Scene) -> Outcome:
    scene.prepare()
    wave = scene.waves[0]
    said = ""
    with scene.waiting_at(wave) as emulation:
        execution_id = scene.let_in(wave)
        os.kill(_process(emulation.endpoint), signal.SIGKILL)
        try:
            scene.follow(execution_id)
        except RehearsalError as error:
            said = str(error)
    # What was saved is what there is: the state in front of the wave.
    with scene.waiting_at(wave):
        record = scene.follow(scene.let_in(wave))
        return Outcome(
            executions=[record],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=[] if "the emulator ended" in said else [f"the message was: {said!r}"],
            advice=f"Start again at the saved stage: dpra rehearse --from-stage {wave}.",
        )


def _process(endpoint: str) -> int:
    """Return the emulator's process, which has its port in its environment."""
    port = endpoint.rpartition(":")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_emulator = (
                b"dpra_constructs.rehearsal.emulator" in (folder / "cmdline").read_bytes()
                and f"GATEWAY_PORT={port}".encode() in (folder / "environ").read_bytes()
            )
        except OSError:
            continue
        if is_emulator:
            return int(folder.name)
    raise RehearsalError("the emulator's process was not found; this fault needs Linux")


EMULATOR = (
    Fault(
        name="emulator-killed",
        description="the emulator is killed in a wave: a clear message, and a saved state to go on",
        play=_killed,
    ),
)
