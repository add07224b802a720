"""The bake of every stage that has one: its action, and the one function that runs them all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import Stage, pipelines
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import DeploymentHealth, ExternalHealth
from dpra_constructs.pipeline.invoke_step import InvokeStep, invoked_function
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.release.bake_action import BakeAction
from dpra_constructs.release.health_sources import HealthSource
from dpra_constructs.release.runtime import names
from dpra_constructs.release.runtime.health_sources import VARIABLE

# Longer than a call takes when nothing answers; usually it takes seconds.
_TIMEOUT_SECONDS = 300
_MEMORY_MIB = 1024
# All variables of a function have 4 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST_VARIABLE_BYTES = 4_000


def bake_actions(plan: PipelinePlan, applications: Mapping[str, Stage]) -> dict[str, BakeAction]:
    """Return the bakes of a plan, by the name of their pipeline stage.

    Args:
        plan: the plan.
        applications: the team's `cdk.Stage` for each target, by its stage id.

    Raises:
        InvalidArgumentError: a target of a stage that bakes has no `DeploymentHealth`, or the
            bake is shorter than its alarms need.
    """
    return {
        stage.name: BakeAction(
            pipeline=plan.pipeline.name,
            stage=stage.name,
            environment=stage.targets[0].environment,
            account=stage.targets[0].account,
            regions=[target.region for target in stage.targets],
            bake_minutes=stage.bake_minutes,
            settle_minutes=_settle_minutes(plan, stage, applications),
        )
        for stage in plan.stages
        if stage.bake_minutes is not None
    }


def _settle_minutes(
    plan: PipelinePlan, stage: PlannedStage, applications: Mapping[str, Stage]
) -> int:
    """Return how long the slowest of a stage's targets needs to show a new version."""
    found = {
        target.stage_id: DeploymentHealth.of(applications[target.stage_id])
        or ExternalHealth.of(applications[target.stage_id])
        for target in stage.targets
    }
    if missing := [stage_id for stage_id, health in found.items() if health is None]:
        raise InvalidArgumentError(
            f'DeploymentPipeline "{plan.pipeline.name}"',
            f"{stage.name} bakes for {stage.bake_minutes} minutes, and {', '.join(missing)} has no "
            "DeploymentHealth whose alarm it could watch",
            "put DeploymentHealth(stack, ..., target=target, alarms=[...]) into a stack of the "
            "application, or leave the bake out and waive what it is required for",
        )
    return max(
        *(health.settle_minutes for health in found.values() if health),
        *(source.settle_minutes for source in stage.health_sources),
        0,
    )


def _told(pipeline: PipelineIdentity, sources: Mapping[str, Sequence[HealthSource]]) -> str:
    """Return what the bake's function is told of the health sources, by stage; "" for nothing.

    In a variable of the function: UserParameters are too short for it, and what stands there is
    part of the pipeline's structure.

    Raises:
        InvalidArgumentError: it is more than a function takes.
    """
    told = {stage: [source.told for source in given] for stage, given in sources.items() if given}
    text = json.dumps(told, separators=(",", ":")) if told else ""
    if (length := len(text.encode())) > _LONGEST_VARIABLE_BYTES:
        raise InvalidArgumentError(
            f'DeploymentPipeline "{pipeline.name}"',
            f"what its health sources say takes {length} bytes, and a function's variable takes "
            f"{_LONGEST_VARIABLE_BYTES}",
            "name fewer of them, or join monitors into a composite monitor",
        )
    return text


def bake_function(
    scope: Construct,
    pipeline: PipelineIdentity,
    actions: Iterable[BakeAction],
    logs: EncryptedLogs,
    sources: Mapping[str, Sequence[HealthSource]] | None = None,
) -> lambda_.CfnFunction:
    """Make the one function that runs the bakes of a pipeline.

    Args:
        scope: where it is made.
        pipeline: whose bakes.
        actions: all of them.
        logs: makes its log group.
        sources: by the name of a pipeline stage, what it reads beside the health alarms.
    """
    told = _told(pipeline, sources or {})
    return release_function(
        scope,
        names.BAKE_ACTION,
        pipeline=pipeline.name,
        module="bake",
        description=f"Watches the health of what the pipeline {pipeline.name} deploys",
        permissions=[
            *(each for action in actions for each in action.permissions),
            *(
                each
                for given in (sources or {}).values()
                for source in given
                for each in source.permissions
            ),
        ],
        environment={VARIABLE: told} if told else None,
        logs=logs,
        # The gate roles trust it by this name.
        role_name=names.bake_role_name(pipeline.name, pipeline.region),
        timeout_seconds=_TIMEOUT_SECONDS,
        memory_mib=_MEMORY_MIB,
    )


class Bakes:
    """Makes the function, and the step of each stage that bakes; nothing where none does."""

    def __init__(
        self,
        scope: Construct,
        plan: PipelinePlan,
        actions: Mapping[str, BakeAction],
        pipeline: codepipeline.Pipeline,
        logs: EncryptedLogs,
    ) -> None:
        self._actions = actions
        if not actions:
            return
        sources = {stage.name: stage.health_sources for stage in plan.stages}
        function = bake_function(scope, plan.pipeline, actions.values(), logs, sources)
        self._function = invoked_function(scope, names.BAKE_ACTION, function, pipeline)

    def steps(self, stage: PlannedStage) -> list[pipelines.Step]:
        """Return the last step of a stage, if it bakes: a post step of a wave comes after all."""
        action = self._actions.get(stage.name)
        if not action:
            return []
        return [InvokeStep(names.BAKE_ACTION, self._function, action.user_parameters)]
