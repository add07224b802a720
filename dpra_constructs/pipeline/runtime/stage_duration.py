"""Records how long a pipeline stage took, when CodePipeline says that it has ended.

The event of the stage names no start of its own (`start-time` is the execution's), so the start is
that of the first of its actions, or of its last retry. The bake is waiting, not work: it does not
count. The metric is a line of the log, in the embedded metric format, so that the function needs
no right to write metrics.
"""

import json
from datetime import datetime
from typing import Any

_BAKE = "Bake"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def worked(codepipeline: Any, event: dict[str, Any]) -> tuple[float, float]:
    """Return how many seconds the stage of an event worked, and how many it baked."""
    detail, end = event["detail"], _time(event["time"])
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=detail["pipeline"],
        filter={"pipelineExecutionId": detail["execution-id"]},
    )
    actions = [
        action
        for page in pages
        for action in page["actionExecutionDetails"]
        if action["stageName"] == detail["stage"]
    ]
    if retried := detail.get("stage-last-retry-attempt-time"):
        start = _time(retried)
    else:
        start = min(action["startTime"] for action in actions)
    baked = sum(
        (action.get("lastUpdateTime", end) - action["startTime"]).total_seconds()
        for action in actions
        if action["actionName"] == _BAKE and action["startTime"] >= start
    )
    # The event's time has no fractions.
    return max(0.0, (end - start).total_seconds() - baked), baked


def metric(event: dict[str, Any], seconds: float, baked: float) -> dict[str, Any]:
    """Return the line of the log for a stage that ended with an event."""
    detail, end = event["detail"], _time(event["time"])
    return {
        "_aws": {
            "Timestamp": round(end.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "DPRA",
                    "Dimensions": [["Pipeline", "Stage"]],
                    "Metrics": [{"Name": "StageDuration", "Unit": "Seconds"}],
                }
            ],
        },
        "Pipeline": detail["pipeline"],
        "Stage": detail["stage"],
        "StageDuration": round(seconds, 1),
        "BakeDuration": round(baked, 1),
        "State": detail["state"],
        "ExecutionId": detail["execution-id"],
    }


def handler(event: dict[str, Any], context: object) -> None:
    """Handle a "CodePipeline Stage Execution State Change"."""
    # Here, so that the module can be imported without boto3.
    import boto3

    print(json.dumps(metric(event, *worked(boto3.client("codepipeline"), event))))
