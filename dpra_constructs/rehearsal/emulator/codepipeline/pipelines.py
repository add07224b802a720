"""The pipelines that CloudFormation has made, each with its executor."""

from __future__ import annotations

import threading
from typing import Any

from ministack.core.responses import get_account_id, get_region

from dpra_constructs.rehearsal.emulator.codepipeline.executor import PipelineExecutor
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ServiceError
from dpra_constructs.rehearsal.emulator.resource_types import PIPELINES, Attributes
from dpra_constructs.rehearsal.emulator.state import StateError

_EXECUTORS: dict[tuple[str, str, str], PipelineExecutor] = {}
_LOCK = threading.Lock()


def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, Attributes]:
    """Create a pipeline, as CloudFormation asks for it."""
    physical_id, attributes = PIPELINES.create(logical_id, properties, stack_name)
    with _LOCK:
        _EXECUTORS[_key(physical_id)] = PipelineExecutor(PIPELINES.records[physical_id])
    return physical_id, attributes


def update(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
) -> tuple[str, Attributes]:
    """Change a pipeline, or replace it under a new name."""
    if new.get("Name") and new["Name"] != physical_id:
        return create(new["Name"], new, stack_name)
    updated, attributes = PIPELINES.update(physical_id, old, new, stack_name)
    attributes = {**attributes, "Version": str(PIPELINES.records[physical_id]["version"])}
    _executor(physical_id).update(PIPELINES.records[physical_id])
    return updated, attributes


def delete(physical_id: str, properties: dict[str, Any]) -> None:
    """Delete a pipeline, and stop what runs in it."""
    with _LOCK:
        executor = _EXECUTORS.pop(_key(physical_id), None)
    if executor:
        executor.abandon_all()
    PIPELINES.delete(physical_id, properties)


def record_of(name: str) -> dict[str, Any]:
    """Return the record of a pipeline in the request's account and region.

    Raises:
        ServiceError: there is none of that name.
    """
    record: dict[str, Any] | None = PIPELINES.records.get(name)
    if record is None:
        raise ServiceError(
            "PipelineNotFoundException",
            f"Account '{get_account_id()}' does not have a pipeline with name '{name}'",
        )
    return record


def all_records() -> list[dict[str, Any]]:
    """Return all records of the request's account and region."""
    return list(PIPELINES.records.values())


def executor_of(name: str) -> PipelineExecutor:
    """Return a pipeline's executor.

    Raises:
        ServiceError: there is no pipeline of that name.
    """
    record_of(name)
    return _executor(name)


def take() -> dict[tuple[str, str, str], PipelineExecutor]:
    """Return all executors, to be saved.

    Raises:
        StateError: an action is running, and what it does outside of the emulator is not saved.
    """
    with _LOCK:
        executors = dict(_EXECUTORS)
    for (_, _, name), executor in executors.items():
        if running := executor.running():
            raise StateError(
                f"pipeline {name} runs in {', '.join(running)}; disable the transition into the "
                "stage to be saved at, and wait until the execution stands before it"
            )
    return executors


def restore(saved: dict[tuple[str, str, str], PipelineExecutor]) -> None:
    """Take saved executors back."""
    with _LOCK:
        _EXECUTORS.update(saved)


def _executor(name: str) -> PipelineExecutor:
    with _LOCK:
        return _EXECUTORS[_key(name)]


def _key(name: str) -> tuple[str, str, str]:
    return get_account_id(), get_region(), name
