"""Faults: what goes wrong with a release, and the end that the pipeline's design promises."""

from __future__ import annotations

from pathlib import Path

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.faults.all_waves import ALL_WAVES
from dpra_constructs.rehearsal.faults.approvals import APPROVALS
from dpra_constructs.rehearsal.faults.artifacts import ARTIFACTS
from dpra_constructs.rehearsal.faults.bakes import BAKES
from dpra_constructs.rehearsal.faults.commits import COMMITS
from dpra_constructs.rehearsal.faults.concurrency import CONCURRENCY
from dpra_constructs.rehearsal.faults.emulator_killed import EMULATOR
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.overrides import OVERRIDES
from dpra_constructs.rehearsal.faults.permissions import PERMISSIONS
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.faults.stopped_lines import STOPPED_LINES
from dpra_constructs.rehearsal.faults.waves import WAVES
from dpra_constructs.rehearsal.faults.windows import WINDOWS
from dpra_constructs.rehearsal.following import Watcher

__all__ = ["FAULTS", "Fault", "Outcome", "Scene", "rehearse_fault"]

FAULTS = {
    fault.name: fault
    for fault in (
        *COMMITS,
        *ARTIFACTS,
        *WAVES,
        *BAKES,
        *STOPPED_LINES,
        *ALL_WAVES,
        *OVERRIDES,
        *WINDOWS,
        *APPROVALS,
        *PERMISSIONS,
        *CONCURRENCY,
        *EMULATOR,
    )
}


def rehearse_fault(
    name: str,
    *,
    folder: Path,
    output: Path,
    watcher: Watcher,
    commit: str = "HEAD",
    pipeline: str | None = None,
) -> Outcome:
    """Let a fault happen to a release of an app, and return what came of it.

    Args:
        name: one of `FAULTS`.
        folder: where the app's `cdk.json` is.
        output: the folder that is written; the states in it are used again for the next fault.
        watcher: what is told.
        commit: the release that is in production before.
        pipeline: its name, where an app has several.

    Raises:
        RehearsalError: there is no such fault, or it cannot happen to this app.
    """
    if name not in FAULTS:
        raise RehearsalError(f"there is no fault {name}; there are: {', '.join(FAULTS)}")
    scene = Scene(folder=folder, output=output, watcher=watcher, commit=commit, pipeline=pipeline)
    return FAULTS[name].play(scene)
