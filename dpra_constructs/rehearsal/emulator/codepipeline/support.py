"""What an execution may contain: looked through before anything of it runs."""

from __future__ import annotations

from collections.abc import Iterator

from dpra_constructs.rehearsal.emulator.codepipeline import conditions
from dpra_constructs.rehearsal.emulator.codepipeline.actions import ACTION_TYPES
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action, Pipeline, Stage
from dpra_constructs.rehearsal.emulator.codepipeline.rules import RULE_TYPES

_MODES = ("SUPERSEDED", "QUEUED")
_RESULTS = ("FAIL", "ROLLBACK", "RETRY")


def unsupported(pipeline: Pipeline) -> str:
    """Return what of a pipeline cannot be rehearsed, in words; empty when all of it can."""
    problems = list(_of_pipeline(pipeline))
    for stage in pipeline.stages:
        problems.extend(f"stage {stage.name}: {problem}" for problem in _of_stage(stage))
        rules = [rule for each in stage.conditions.values() for rule in each.rules]
        for action in rules:
            problems.extend(
                f"rule {stage.name}/{action.name}: {problem}" for problem in _of_rule(action)
            )
        for action in stage.actions:
            problems.extend(
                f"action {stage.name}/{action.name}: {problem}" for problem in _of_action(action)
            )
            if action.region not in pipeline.stores:
                problems.append(
                    f"action {stage.name}/{action.name}: the region {action.region}, for which "
                    "the pipeline has no artifact store"
                )
    if not problems:
        return ""
    return "this rehearsal does not support " + "; ".join(problems)


def _of_pipeline(pipeline: Pipeline) -> Iterator[str]:
    if pipeline.mode not in _MODES:
        yield f"the execution mode {pipeline.mode}"


def _of_stage(stage: Stage) -> Iterator[str]:
    yield from stage.unsupported
    if stage.on_failure not in _RESULTS:
        yield f"onFailure with the result {stage.on_failure}"
    for condition in stage.conditions.values():
        yield from conditions.problems(condition)


def _of_rule(rule: Action) -> Iterator[str]:
    rule_type = RULE_TYPES.get((rule.owner, rule.category, rule.provider))
    if rule_type is None or rule.version != "1":
        yield f"the rule type {rule.provider}, version {rule.version}"
        return
    for key in rule.unknown:
        yield f"its property {key}"
    yield from rule_type.problems(rule)


def _of_action(action: Action) -> Iterator[str]:
    action_type = ACTION_TYPES.get((action.owner, action.category, action.provider))
    if action_type is None or action.version != "1":
        yield (
            f"the action type {action.owner}/{action.category}/{action.provider}, "
            f"version {action.version}"
        )
        return
    for key in action.unknown:
        yield f"its property {key}"
    yield from action_type.problems(action)
