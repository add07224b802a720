"""Decides which actions of the build stage run here, and why the others do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run.action_run import referenced
from dpra_constructs.local_run.build_stage import BuildStageView, StageAction


class SelectionError(DpraError):
    """An action is asked for that is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The actions of a run, in their order, and the reasons of those that are skipped."""

    actions: tuple[StageAction, ...]
    skipped: Mapping[str, str]


def select_actions(
    view: BuildStageView, *, only: Collection[str] = (), skip: Collection[str] = ()
) -> Selection:
    """Return what runs.

    Args:
        view: the build stage.
        only: names of actions; those whose artifacts or variables they need come with them.
            Empty is all.
        skip: names of actions that do not run, nor do those that need something of them.

    Raises:
        SelectionError: a name is not that of an action.
    """
    names = [action.name for action in view.actions]
    for name in (*only, *skip):
        if name not in names:
            raise SelectionError(
                f"there is no action {name} in the stage {view.stage} of {view.pipeline}; "
                f"there are: {', '.join(names)}"
            )
    wanted = _with_needed(view, set(only)) if only else set(names)
    chosen = tuple(action for action in view.actions if action.name in wanted)
    skipped: dict[str, str] = {}
    for action in chosen:
        reason = _reason(action, skip)
        for needed, what in _needs(view, action).items():
            if needed in skipped and not reason:
                reason = f"needs {what} of {needed}, which is skipped"
        if reason:
            skipped[action.name] = reason
    return Selection(actions=chosen, skipped=skipped)


def _reason(action: StageAction, skip: Collection[str]) -> str:
    if action.name in skip:
        return "--skip"
    if action.provider != "CodeBuild":
        return f"{action.provider} runs in AWS only"
    return "publishes" if action.publishes else ""


def _with_needed(view: BuildStageView, names: set[str]) -> set[str]:
    by_name = {action.name: action for action in view.actions}
    found: set[str] = set()
    while names:
        found |= names
        names = {needed for name in names for needed in _needs(view, by_name[name])} - found
    return found


def _needs(view: BuildStageView, action: StageAction) -> dict[str, str]:
    """Return the actions of the stage that an action needs, and what it needs of each."""
    namespaces = {namespace for namespace, _ in referenced(action)}
    needed: dict[str, str] = {}
    for other in view.actions:
        if shared := sorted(set(other.outputs) & set(action.inputs)):
            needed[other.name] = f"the artifact {shared[0]}"
        elif other.namespace and other.namespace in namespaces:
            needed[other.name] = "a variable"
    return needed
