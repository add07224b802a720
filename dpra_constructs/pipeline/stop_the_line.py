"""Lets no release enter production after a wave has failed or was rolled back."""

from __future__ import annotations

import json

from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.notifications import Notifications
from dpra_constructs.pipeline.permissions import allow
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.roll_back_all import roll_back_all
from dpra_constructs.pipeline.stage_events import on_stage_events
from dpra_constructs.release.pipeline_permissions import EXECUTION_FACTS, resource_of


def stop_the_line(
    scope: Construct,
    *,
    plan: PipelinePlan,
    notifications: Notifications,
    logs: EncryptedLogs,
    dead_letters: DeadLetters,
) -> None:
    """Make the function that disables the transition into the stage before production.

    Where the plan says so, it also has the waves before the failed one rolled back.

    Args:
        scope: where it is made.
        plan: the plan, with waves.
        notifications: who is told.
        logs: makes the function's log group.
        dead_letters: get the events that it does not handle.
    """
    name, entrance = plan.pipeline.name, plan.entrance
    # With a single wave there is none before the one that fails.
    machine = None
    if plan.rolls_all_back and len(plan.wave_names) > 1:
        machine = roll_back_all(scope, plan=plan, notifications=notifications, logs=logs)
    start = [allow(["states:StartExecution"], [machine.ref])] if machine else []
    pipeline = resource_of(name)
    function = release_function(
        scope,
        "StopTheLine",
        pipeline=name,
        module="stop_the_line",
        description=f"Lets no release enter {entrance} after a wave has failed",
        permissions=[
            Permission(
                actions=EXECUTION_FACTS,
                resources=[pipeline],
            ),
            Permission(
                actions=["codepipeline:DisableStageTransition"],
                resources=[f"{pipeline}/{entrance}"],
            ),
        ],
        statements_besides=[*notifications.statements, *start],
        dead_letters=dead_letters,
        logs=logs,
        environment={
            "ENTRANCE": entrance,
            "WAVES": json.dumps(plan.wave_names),
            **({"ROLL_BACK_ALL_ARN": machine.ref} if machine else {}),
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
        dead_letters=dead_letters,
    )
