"""Writes the conditions of all stages, and lets the pipeline check their rules."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_codepipeline as codepipeline

from dpra_constructs.build_actions import BuildAction, Permission
from dpra_constructs.pipeline.permissions import acknowledge_permissions, statements
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.stage_conditions import SOURCE_ARTIFACT


def attach_conditions(
    pipeline: codepipeline.Pipeline, plan: PipelinePlan, stage_names: Sequence[str]
) -> None:
    """Put the conditions on the stages of a pipeline, which is built.

    aws_cdk gives the pipeline's role nothing for a rule, takes no role by its ARN, and takes more
    rules than the service does. So they are written into the pipeline's definition, all at once.

    Args:
        pipeline: the pipeline.
        plan: its plan, with the conditions.
        stage_names: those of all pipeline stages, in their order.
    """
    conditions = {stage.name: stage.conditions for stage in plan.stages}
    rules = [rule for each in conditions.values() for one in each for rule in one.rules]
    if any(rule.input_artifacts for rule in rules):
        artifacts = _artifacts(pipeline, plan, stage_names)
        conditions = {name: each.reading(artifacts) for name, each in conditions.items()}
    written = {
        str(stage_names.index(name)): each.properties
        for name, each in conditions.items()
        if each.properties
    }
    if not written:
        return
    definition = pipeline.node.default_child
    assert isinstance(definition, codepipeline.CfnPipeline)
    definition.add_property_override("Stages", written)
    needed: dict[Permission, None] = {}
    for rule in rules:
        needed.update(dict.fromkeys(rule.permissions(plan.pipeline.name)))
    for statement in statements(pipeline, tuple(needed)):
        pipeline.add_to_role_policy(statement)
    acknowledge_permissions(pipeline.role, needed)


def _artifacts(
    pipeline: codepipeline.Pipeline, plan: PipelinePlan, stage_names: Sequence[str]
) -> dict[str, str]:
    """Return what CDK Pipelines calls the source and the build's outputs."""
    stages = pipeline.stages
    made = {
        properties.action_name: [str(each.artifact_name) for each in properties.outputs or ()]
        for stage in (stages[0], stages[stage_names.index("Build")])
        for properties in (action.action_properties for action in stage.actions)
    }
    found = {SOURCE_ARTIFACT: made[stages[0].actions[0].action_properties.action_name][0]}
    for action in plan.build_actions:
        if isinstance(action, BuildAction):
            found.update(zip(action.outputs, made[action.name], strict=True))
        elif action.output:
            found[action.output] = made[action.name][0]
    return found
