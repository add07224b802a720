"""Refuses a plan that CodePipeline would not take, or CDK Pipelines would split. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline.limits import Limits
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage, Purpose

# CDK makes two actions for each stack: it prepares a change set and executes it.
_ACTIONS_PER_STACK = 2
# The source, the self-mutation, and file and image publishing.
_OTHER_ACTIONS = 4


def check_planned(plan: PipelinePlan, stacks: Mapping[str, int], limits: Limits) -> None:
    """Refuse what is too much.

    Args:
        plan: the plan.
        stacks: how many stacks the application has, by the target's stage id.
        limits: the quotas.

    Raises:
        InvalidArgumentError: there are too many stages or actions.
    """
    where = f'DeploymentPipeline "{plan.pipeline.name}"'
    if len(plan.stages) > limits.stages_per_pipeline:
        raise InvalidArgumentError(
            where,
            f"has {len(plan.stages)} pipeline stages, and CodePipeline takes "
            f"{limits.stages_per_pipeline}",
            "join waves",
        )
    total = _OTHER_ACTIONS
    for stage in plan.stages:
        count = _actions(plan, stage, stacks)
        if count > limits.actions_per_stage:
            raise InvalidArgumentError(
                where,
                f"pipeline stage {stage.name!r} would have {count} actions, and CodePipeline "
                f"takes {limits.actions_per_stage}",
                "run several tools in one build action"
                if stage.purpose is Purpose.BUILD
                else f"deploy to fewer than its {len(stage.targets)} regions at once, or put "
                "the application into fewer stacks",
            )
        total += count
    if total > limits.actions_per_pipeline:
        raise InvalidArgumentError(
            where,
            f"would have {total} actions, and CodePipeline takes {limits.actions_per_pipeline}",
            "put the application into fewer stacks, or release its parts by several pipelines",
        )


def _actions(plan: PipelinePlan, stage: PlannedStage, stacks: Mapping[str, int]) -> int:
    match stage.purpose:
        case Purpose.BUILD:
            return len(plan.build_runs) + plan.seals
        case Purpose.APPROVE:
            return len(plan.approval.actions) if plan.approval else 0
        case Purpose.OPEN:
            return 1
        case Purpose.DEPLOY:
            in_targets = sum(
                _ACTIONS_PER_STACK * stacks[target.stage_id]
                + len(stage.tests)
                + len(stage.migrations)
                + len(stage.deployments)
                for target in stage.targets
            )
            # What orders groups is no action, and CDK Pipelines counts it as one.
            ordering = max(0, len(stage.groups) - 1)
            return in_targets + ordering + plan.seals + (stage.bake_minutes is not None)
        case _:
            return 0
