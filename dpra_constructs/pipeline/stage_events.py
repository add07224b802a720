"""Calls a function when a pipeline stage begins or ends; nothing polls."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


def on_stage_events(
    scope: Construct,
    id: str,
    *,
    pipeline: str,
    stages: Sequence[str],
    states: Sequence[str],
    description: str,
    target: str,
    function_name: str,
    function_arn: str,
) -> events.CfnRule:
    """Make the rule, and let it call the function.

    Args:
        scope: where it is made.
        id: the rule's id.
        pipeline: the pipeline's name.
        stages: the names of the pipeline stages.
        states: STARTED, SUCCEEDED, FAILED and so on.
        description: what it is for.
        target: what the rule calls its target.
        function_name: the function's name.
        function_arn: its ARN.
    """
    arn = Stack.of(scope).format_arn(service="codepipeline", resource=pipeline)
    rule = events.CfnRule(
        scope,
        id,
        description=description,
        event_pattern={
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Stage Execution State Change"],
            "resources": [arn],
            "detail": {"pipeline": [pipeline], "stage": list(stages), "state": list(states)},
        },
        targets=[events.CfnRule.TargetProperty(id=target, arn=function_arn)],
    )
    lambda_.CfnPermission(
        scope,
        f"{id}Permission",
        action="lambda:InvokeFunction",
        function_name=function_name,
        principal="events.amazonaws.com",
        source_arn=rule.attr_arn,
    )
    return rule
