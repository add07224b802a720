"""Tells people when a pipeline stage took longer than its time budget, its bake not counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.stage_events import on_stage_events

NAMESPACE = "DPRA"
METRIC = "StageDuration"
_FUNCTION = Path(__file__).parent / "runtime" / "stage_duration.py"


def notifications_topic(
    scope: Construct, key: kms.Key, pipeline: str, notify: Sequence[str]
) -> sns.Topic:
    """Make the topic to which the pipeline's alarms publish: encrypted, TLS only."""
    topic = sns.Topic(scope, "Notifications", master_key=key, enforce_ssl=True)
    for address in notify:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    stack = Stack.of(scope)
    alarms = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=f"{pipeline}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    conditions = {
        "StringEquals": {"aws:SourceAccount": stack.account},
        "ArnLike": {"aws:SourceArn": alarms},
    }
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    by_alarms = [iam.ServicePrincipal("cloudwatch.amazonaws.com")]
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=by_alarms,
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=conditions,
        )
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=by_alarms,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            # In a key's own policy it stands for the key.
            resources=["*"],
            conditions=conditions,
        )
    )
    return topic


def watch_budgets(
    scope: Construct,
    *,
    pipeline: str,
    minutes: Mapping[str, int],
    topic: sns.Topic,
    logs: EncryptedLogs,
) -> dict[str, cloudwatch.CfnAlarm]:
    """Make an alarm for each stage that has a time budget; nothing polls.

    When a stage ends, EventBridge calls a function that records how long it took.

    Args:
        scope: where it is made.
        pipeline: the pipeline's name.
        minutes: the budgets, by the stage's name.
        topic: where the alarms publish.
        logs: makes the function's log group.
    """
    stack = Stack.of(scope)
    arn = stack.format_arn(service="codepipeline", resource=pipeline)
    function = _function(scope, pipeline, arn, logs)
    on_stage_events(
        scope,
        "StageEnded",
        pipeline=pipeline,
        stages=list(minutes),
        states=["SUCCEEDED", "FAILED"],
        description=f"Records how long stages of {pipeline} took",
        target="StageDuration",
        function_name=function.ref,
        function_arn=function.attr_arn,
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
                cloudwatch.CfnAlarm.DimensionProperty(name="Pipeline", value=pipeline),
                cloudwatch.CfnAlarm.DimensionProperty(name="Stage", value=stage),
            ],
            statistic="Maximum",
            period=60,
            evaluation_periods=1,
            threshold=budget * 60,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[topic.topic_arn],
        )
        for stage, budget in minutes.items()
    }


def _function(
    scope: Construct, pipeline: str, pipeline_arn: str, logs: EncryptedLogs
) -> lambda_.CfnFunction:
    name = f"{pipeline}-StageDuration"
    group = logs.of_function(name)
    role = iam.Role(
        scope,
        "StageDurationRole",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={
            "Record": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                        resources=[group.attr_arn],
                    ),
                    iam.PolicyStatement(
                        actions=["codepipeline:ListActionExecutions"], resources=[pipeline_arn]
                    ),
                ]
            )
        },
    )
    return lambda_.CfnFunction(
        scope,
        "StageDuration",
        function_name=name,
        description="Records how long a stage of the pipeline took",
        runtime=lambda_.Runtime.PYTHON_3_14.name,
        handler="index.handler",
        # In the template: no asset has to be published before the pipeline is updated.
        code=lambda_.CfnFunction.CodeProperty(zip_file=_FUNCTION.read_text("utf-8")),
        role=role.role_arn,
        timeout=30,
        memory_size=128,
    )
