"""Lets no release enter production after a wave has failed or was rolled back."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.stage_events import on_stage_events


def publishing(topic: sns.Topic, key: kms.Key) -> list[iam.PolicyStatement]:
    """Return what it takes to publish to a topic that a key encrypts."""
    return [
        iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]),
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
        ),
    ]


def stop_the_line(
    scope: Construct,
    *,
    plan: PipelinePlan,
    topic: sns.Topic,
    key: kms.Key,
    logs: EncryptedLogs,
) -> None:
    """Make the function that disables the transition into the stage before production.

    Args:
        scope: where it is made.
        plan: the plan, with waves.
        topic: who is told.
        key: encrypts the topic.
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
        statements_besides=publishing(topic, key),
        logs=logs,
        environment={
            "ENTRANCE": entrance,
            "WAVES": json.dumps(plan.wave_names),
            "TOPIC_ARN": topic.topic_arn,
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
        function_name=function.ref,
        function_arn=function.attr_arn,
    )
