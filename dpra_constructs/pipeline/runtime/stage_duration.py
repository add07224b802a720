"""Records how long a pipeline stage took, when CodePipeline says that it has ended.

The event of the stage names no start of its own (`start-time` is the execution's), so the start is
that of the first of its actions, or of its last retry. The metric is a line of the log, in the
embedded metric format, so that the function needs no right to write metrics.
"""

import json
from datetime import datetime
from typing import Any


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def started(codepipeline: Any, detail: dict[str, Any]) -> datetime:
    """Return when the stage of an event started."""
    if retried := detail.get("stage-last-retry-attempt-time"):
        return _time(retried)
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=detail["pipeline"],
        filter={"pipelineExecutionId": detail["execution-id"]},
    )
    starts: list[datetime] = [
        action["startTime"]
        for page in pages
        for action in page["actionExecutionDetails"]
        if action["stageName"] == detail["stage"]
    ]
    return min(starts)


def metric(event: dict[str, Any], start: datetime) -> dict[str, Any]:
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
        # The event's time has no fractions.
        "StageDuration": max(0.0, round((end - start).total_seconds(), 1)),
        "State": detail["state"],
        "ExecutionId": detail["execution-id"],
    }


def handler(event: dict[str, Any], context: object) -> None:
    """Handle a "CodePipeline Stage Execution State Change"."""
    # Here, so that the module can be imported without boto3.
    import boto3

    start = started(boto3.client("codepipeline"), event["detail"])
    print(json.dumps(metric(event, start)))
