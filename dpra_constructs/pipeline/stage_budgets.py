"""Tells people when a pipeline stage took longer than its time budget, its bake not counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import allow, pipeline_arn
from dpra_constructs.pipeline.release_functions import RUNTIME
from dpra_constructs.pipeline.service_roles import service_role
from dpra_constructs.pipeline.stage_events import on_stage_events

NAMESPACE = "DPRA"
METRIC = "StageDuration"
_FUNCTION = Path(__file__).parent / "runtime" / "stage_duration.py"


def watch_budgets(
    scope: Construct,
    *,
    pipeline: str,
    minutes: Mapping[str, int],
    logs: EncryptedLogs,
    dead_letters: DeadLetters,
) -> dict[str, cloudwatch.CfnAlarm]:
    """Make an alarm for each stage that has a time budget; nothing polls.

    When a stage ends, EventBridge calls a function that records how long it took.

    Args:
        scope: where it is made.
        pipeline: the pipeline's name.
        minutes: the budgets, by the stage's name.
        logs: makes the function's log group.
        dead_letters: get the events that it does not handle.
    """
    function = _function(scope, pipeline, pipeline_arn(scope, pipeline), logs, dead_letters)
    on_stage_events(
        scope,
        "StageEnded",
        pipeline=pipeline,
        stages=list(minutes),
        states=["SUCCEEDED", "FAILED"],
        description=f"Records how long stages of {pipeline} took",
        target="StageDuration",
        function=function,
        dead_letters=dead_letters,
    )
    return {
        stage: cloudwatch.CfnAlarm(
            scope,
            f"TimeBudget-{stage}",
            alarm_name=f"{pipeline}-TimeBudget-{stage}",
            alarm_description=f"Stage {stage} of the pipeline {pipeline} took longer than "
            f"{budget} minutes, its bake not counted (DPRA-{stage.upper()}-TIME).",
            namespace=NAMESPACE,
            metric_name=METRIC,
            dimensions=[
                {"name": "Pipeline", "value": pipeline},
                {"name": "Stage", "value": stage},
            ],
            statistic="Maximum",
            period=60,
            evaluation_periods=1,
            threshold=budget * 60,
            comparison_operator="GreaterThanThreshold",
            # Its changes are events: `Notify` tells them with the execution that they are of.
            treat_missing_data="notBreaching",
        )
        for stage, budget in minutes.items()
    }


def _function(
    scope: Construct,
    pipeline: str,
    pipeline_arn: str,
    logs: EncryptedLogs,
    dead_letters: DeadLetters,
) -> lambda_.CfnFunction:
    name = f"{pipeline}-StageDuration"
    group = logs.of_function(name)
    role = service_role(
        scope,
        "StageDurationRole",
        service="lambda.amazonaws.com",
        policy="Record",
        statements=[
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group.attr_arn]),
            allow(["codepipeline:ListActionExecutions"], [pipeline_arn]),
            dead_letters.statement,
        ],
    )
    return lambda_.CfnFunction(
        scope,
        "StageDuration",
        function_name=name,
        description="Records how long a stage of the pipeline took",
        runtime=RUNTIME,
        handler="index.handler",
        # In the template: no asset has to be published before the pipeline is updated.
        code={"zipFile": _FUNCTION.read_text("utf-8")},
        role=role.attr_arn,
        dead_letter_config=dead_letters.of_function,
        timeout=30,
        memory_size=128,
    )
