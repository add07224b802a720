"""In which order build actions run: after those whose outputs they read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

Action = BuildAction | PipelineAction

# A CodeBuild action takes 1 to 5 input artifacts, of which the source is one, and 0 to 5 output
# artifacts: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-action-artifacts.html
_MOST_INPUTS = 4
_MOST_OUTPUTS = 5
_ONE_DIRECTORY = "put several into one directory"
# Where the action is the synth, which without `inputs` reads all.
_FEWER_INPUTS = {
    False: _ONE_DIRECTORY,
    True: f"name those that the application needs, like CdkSynth(inputs=[...]), or "
    f"{_ONE_DIRECTORY}",
}


def inputs_of(action: Action) -> tuple[str, ...]:
    """Return the names of the outputs that an action reads."""
    if isinstance(action, BuildAction):
        return tuple(action.inputs)
    return (action.input,) if action.input else ()


def outputs_of(action: Action) -> Mapping[str, str]:
    """Return the directories that an action hands on, by their names."""
    return action.outputs if isinstance(action, BuildAction) else {}


def with_inputs(synth: BuildAction, actions: Iterable[Action]) -> BuildAction:
    """Return the synth action with its inputs: those it names, else all outputs but SBOMs.

    >>> build = BuildAction("Package", commands=["make"], outputs={"dist": "dist"})
    >>> with_inputs(BuildAction("Synth", commands=["cdk synth"]), [build]).inputs
    ('dist',)
    """
    made = dict.fromkeys(
        name
        for action in actions
        if tuple(action.meets) != (Requirement.BUILD_SBOM,)
        for name in outputs_of(action)
    )
    return synth if synth.inputs else replace(synth, inputs=tuple(made))


def in_order(actions: Iterable[Action]) -> tuple[tuple[int, Action], ...]:
    """Return each action with its run order, from 1, in the order given within each.

    The outputs that they read are known, and nothing reads its own: see `check_order`.

    >>> scan = BuildAction("Scan", commands=["make scan"], inputs=["dist"])
    >>> build = BuildAction("Package", commands=["make"], outputs={"dist": "dist"})
    >>> [(order, action.name) for order, action in in_order([scan, build])]
    [(1, 'Package'), (2, 'Scan')]
    """
    by_name = {action.name: action for action in actions}
    producers = _producers(by_name.values())
    sorter = TopologicalSorter(
        {name: {producers[each] for each in inputs_of(action)} for name, action in by_name.items()}
    )
    sorter.prepare()
    ordered: list[tuple[int, Action]] = []
    order = 0
    while sorter.is_active():
        order += 1
        ready = set(sorter.get_ready())
        ordered.extend((order, action) for name, action in by_name.items() if name in ready)
        sorter.done(*ready)
    return tuple(ordered)


def check_order(where: str, actions: Sequence[Action], synth: BuildAction) -> None:
    """Refuse inputs that nothing makes, actions that wait for each other, and too many of either.

    Raises:
        InvalidArgumentError: it is so.
    """
    outputs = [(name, each) for action in actions for name, each in outputs_of(action).items()]
    artifacts = [each.output for each in actions if not isinstance(each, BuildAction)]
    names = [*(name for name, _ in outputs), *artifacts]
    arguments.unique(where, "the names of the actions' outputs", names)
    arguments.unique(
        where, "the directories of the actions' outputs", [each for _, each in outputs]
    )
    producers = _producers(actions)
    for action in (*actions, synth):
        own = f'{where}: action "{action.name}"'
        inputs = inputs_of(action)
        for name in inputs:
            if name not in producers:
                raise InvalidArgumentError(
                    own,
                    f"its input {name!r} is no output of another action; outputs are "
                    f"{', '.join(sorted(producers)) or 'none'}",
                    f'give the action that makes it outputs={{"{name}": "the directory"}}',
                )
        _check_count(own, "reads", inputs, _MOST_INPUTS, _FEWER_INPUTS[action is synth])
        _check_count(own, "has", tuple(outputs_of(action)), _MOST_OUTPUTS, _ONE_DIRECTORY)
    _check_cycles(where, actions, producers)


def _check_cycles(where: str, actions: Sequence[Action], producers: Mapping[str, str]) -> None:
    graph = {action.name: {producers[each] for each in inputs_of(action)} for action in actions}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = " <- ".join(reversed(error.args[1]))
        raise InvalidArgumentError(
            where,
            f"actions wait for each other's outputs: {cycle}",
            "remove one of these inputs",
        ) from None


def _check_count(where: str, verb: str, names: tuple[str, ...], most: int, fix: str) -> None:
    if len(names) > most:
        raise InvalidArgumentError(
            where,
            f"it {verb} {len(names)} outputs ({', '.join(names)}), and CodePipeline takes {most}",
            fix,
        )


def _producers(actions: Iterable[Action]) -> dict[str, str]:
    return {name: action.name for action in actions for name in outputs_of(action)}
