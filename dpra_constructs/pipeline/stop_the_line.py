"""Lets no release enter production after a wave has failed or was rolled back."""

from __future__ import annotations

import json

from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.notifications import Notifications
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.stage_events import on_stage_events


def stop_the_line(
    scope: Construct,
    *,
    plan: PipelinePlan,
    notifications: Notifications,
    logs: EncryptedLogs,
) -> None:
    """Make the function that disables the transition into the stage before production.

    Args:
        scope: where it is made.
        plan: the plan, with waves.
        notifications: who is told.
        logs: makes the function's log group.
    """
    name, entrance = plan.pipeline.name, plan.entrance
    pipeline = f"arn:{{partition}}:codepipeline:{{region}}:{{account}}:{name}"
    function = release_function(
        scope,
        "StopTheLine",
        pipeline=name,
        module="stop_the_line",
        description=f"Lets no release enter {entrance} after a wave has failed",
        permissions=[
            Permission(
                actions=[
                    "codepipeline:GetPipelineExecution",
                    "codepipeline:GetPipelineState",
                    "codepipeline:ListActionExecutions",
                ],
                resources=[pipeline],
            ),
            Permission(
                actions=["codepipeline:DisableStageTransition"],
                resources=[f"{pipeline}/{entrance}"],
            ),
        ],
        statements_besides=notifications.statements,
        logs=logs,
        environment={
            "ENTRANCE": entrance,
            "WAVES": json.dumps(plan.wave_names),
            **notifications.environment,
        },
    )
    on_stage_events(
        scope,
        "WaveFailed",
        pipeline=name,
        stages=plan.wave_names,
        # A rollback begins as any execution of the stage does; the function tells them apart.
        states=["FAILED", "STARTED"],
        description=f"A wave of {name} failed, or began",
        target="StopTheLine",
        function=function,
    )
