"""Saves the executors with the emulator's state, while no stage runs.

An execution that waits in front of a stage can be saved, so that a rehearsal can start there.
"""

from __future__ import annotations

from typing import Any

from dpra_constructs.rehearsal.emulator import state
from dpra_constructs.rehearsal.emulator.codepipeline import pipelines


def register() -> None:
    """Let the executors be saved and loaded with the rest."""
    state.STATE["pipelines"] = (_take, _restore)


def _take() -> dict[Any, Any]:
    taken: dict[Any, Any] = {}
    for key, executor in pipelines.all_executors().items():
        with executor.lock:
            running = [name for name, stage in executor.stages.items() if stage.running]
            if running:
                raise state.StateError(
                    f"pipeline {executor.pipeline.name} runs stage {', '.join(running)}; wait "
                    "for it, then save"
                )
            taken[key] = executor
    return taken


def _restore(saved: dict[Any, Any]) -> None:
    pipelines.restore(saved)
