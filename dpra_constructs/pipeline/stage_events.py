"""Calls a function when a pipeline stage begins or ends, or something else happens; nothing
polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.pipeline.permissions import pipeline_arn


def on_stage_events(
    scope: Construct,
    id: str,
    *,
    pipeline: str,
    stages: Sequence[str],
    states: Sequence[str],
    description: str,
    target: str,
    function: lambda_.CfnFunction,
    dead_letters: DeadLetters,
) -> events.CfnRule:
    """Make the rule for events of pipeline stages, and let it call the function.

    Args:
        scope: where it is made.
        id: the rule's id.
        pipeline: the pipeline's name.
        stages: the names of the pipeline stages.
        states: STARTED, SUCCEEDED, FAILED and so on.
        description: what it is for.
        target: what the rule calls its target.
        function: what is called.
        dead_letters: gets what does not reach it.
    """
    return call_on(
        scope,
        id,
        pattern={
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Stage Execution State Change"],
            "resources": [pipeline_arn(scope, pipeline)],
            "detail": {"pipeline": [pipeline], "stage": list(stages), "state": list(states)},
        },
        description=description,
        target=target,
        function=function,
        dead_letters=dead_letters,
    )


def call_on(
    scope: Construct,
    id: str,
    *,
    pattern: Mapping[str, Any],
    description: str,
    target: str,
    function: lambda_.CfnFunction,
    dead_letters: DeadLetters,
    state: str | None = None,
) -> events.CfnRule:
    """Make the rule for events of a pattern, and let it call the function.

    Args:
        scope: where it is made.
        id: the rule's id.
        pattern: of EventBridge.
        description: what it is for.
        target: what the rule calls its target.
        function: what is called.
        dead_letters: gets what does not reach it.
        state: the rule's, ENABLED unless given.
    """
    rule = events.CfnRule(
        scope,
        id,
        description=description,
        event_pattern=pattern,
        state=state,
        targets=[dead_letters.target(target, function.attr_arn)],
    )
    arn = rule.attr_arn
    dead_letters.take_from(arn)
    lambda_.CfnPermission(
        scope,
        f"{id}Permission",
        action="lambda:InvokeFunction",
        function_name=function.ref,
        principal="events.amazonaws.com",
        source_arn=arn,
    )
    return rule
