"""The seam of the executor: what it knows of a type of action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline import artifacts
from dpra_constructs.rehearsal.emulator.codepipeline.actors import Actor
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action, Pipeline
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    ActionRun,
    Artifact,
    Execution,
    Revision,
)
from dpra_constructs.rehearsal.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a successful action gives: shown texts, variables, and a source's revision."""

    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Revision | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionContext:
    """What an action has while it runs.

    Args:
        configuration: with variables resolved.
        inputs: the input artifacts, already in the action's region.
        actor: the action's role.
        log: the action's own log file.
        folder: a folder of its own, which is removed afterwards.
    """

    pipeline: Pipeline
    execution: Execution
    run: ActionRun
    configuration: Mapping[str, str]
    inputs: Mapping[str, Artifact]
    actor: Actor
    settings: Settings
    clock: Clock
    log: Path
    folder: Path

    @property
    def action(self) -> Action:
        """The action's declaration."""
        return self.run.action

    def read(self, name: str, actor: Actor | None = None) -> bytes:
        """Read an input artifact, with the action's role unless another is given."""
        artifact = self.inputs.get(name)
        if artifact is None:
            raise ActionFailedError(
                "ConfigurationError",
                f"{name} is no input artifact of the action; it has: "
                f"{', '.join(self.inputs) or 'none'}",
            )
        return artifacts.get(actor or self.actor, artifact, self.action.region)

    def read_file(self, location: str) -> bytes:
        """Read a file of an artifact, given as `Artifact::path`."""
        name, _, path = location.partition("::")
        body = self.read(name)
        return artifacts.member(self.inputs[name], body, path)

    def write(self, name: str, body: Any, actor: Actor | None = None) -> None:
        """Write an output artifact, with the action's role unless another is given."""
        artifact = artifacts.new_artifact(self.pipeline, name, self.action.region)
        artifacts.put(actor or self.actor, self.pipeline, artifact, self.action.region, body)
        self.run.outputs = (*self.run.outputs, artifact)

    def note(self, text: str) -> None:
        """Write a line to the action's log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(text.rstrip("\n") + "\n")


def _nothing(action: Action) -> Iterable[str]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionType:
    """A type of action.

    Args:
        run: does the work; returns its result, or raises `ActionFailedError`.
        keys: every configuration key that is supported; another one is an error by name.
        required: those that must be there.
        check: further problems of an action, found before anything runs.
        own_timeout: whether the type observes `TimeoutInMinutes` by itself.
    """

    run: Callable[[ActionContext], Result]
    keys: frozenset[str]
    required: frozenset[str] = frozenset()
    check: Callable[[Action], Iterable[str]] = _nothing
    own_timeout: bool = False

    def problems(self, action: Action) -> Iterable[str]:
        """Name everything of an action that this rehearsal does not do."""
        for key in sorted(set(action.configuration) - self.keys):
            yield f"its configuration key {key}"
        for key in sorted(self.required - set(action.configuration)):
            yield f"that its configuration has no {key}"
        if action.timeout_minutes is not None and not self.own_timeout:
            yield f"TimeoutInMinutes of a {action.provider} action"
        yield from self.check(action)
