"""Publishes the delivery metrics when an execution ends.

The event only says that something has ended: what is published is read from the pipeline's
history, and each value is that of the moment at which an execution ended. So an event that comes
twice, late, out of order, or never and is followed by another, leads to the same values at the
same times, and nothing has to be stored. The last few ends are published again each time; the
metrics are to be read by statistics that a repetition does not change: Maximum, Minimum.

The metrics are lines of the log in the embedded metric format, so that the function needs no right
to write metrics:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from .calculations import Execution, Metrics, Point, points
from .history import read

NAMESPACE = "DPRA"
DIMENSION = "Pipeline"
#: The metrics by their names in CloudWatch, with their units.
UNITS = {
    "LeadTime": "Seconds",
    "DeployFrequency": "None",
    "MeanTimeBetweenFailures": "Seconds",
    "MeanTimeToRecovery": "Seconds",
    "ChangeFailureRate": "Percent",
    "Deployments": "Count",
    "Rollbacks": "Count",
}
# CloudWatch takes values of the last two weeks; events may come a day late.
_PUBLISHED_AGAIN = timedelta(days=7)
_MOST_POINTS = 25
# How often, and with what pauses, the history is asked whether it knows what the event says.
_PAUSES_SECONDS = (2, 4, 8)
# What has been read while this copy of the function lives.
_known: dict[str, Execution] = {}


def publish(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    pipeline: str,
    production: Collection[str],
    window: timedelta,
    emit: Callable[[str], None] = print,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    known: dict[str, Execution] | None = None,
) -> int:
    """Publish the metrics at the latest ends of executions; return how many.

    Args:
        event: "CodePipeline Pipeline Execution State Change".
        codepipeline: a client in the pipeline's region.
        pipeline: its name.
        production: the names of the pipeline stages that change production; empty where it has no
            production.
        window: how far each value looks back.
        emit: takes a line of the log.
        clock: seconds since 1970.
        sleep: waits for seconds.
        known: what earlier calls have read; is added to.
    """
    now = datetime.fromtimestamp(clock(), UTC)
    again = now - _PUBLISHED_AGAIN
    id = event.get("detail", {}).get("execution-id")
    for pause in (*_PAUSES_SECONDS, 0):
        # Points look back over the window, and follow commits over twice that.
        history = read(
            codepipeline,
            pipeline,
            since=again - 2 * window,
            production=production,
            known=known,
        )
        # The history may learn of an end later than EventBridge does. An execution that goes on
        # because a stage is retried will send another event.
        if all(each.is_finished for each in history if each.id == id):
            break
        sleep(pause)
    made = points(
        history,
        window=window,
        since=again,
        at_most=_MOST_POINTS,
        has_production=bool(production),
    )
    for point in made:
        emit(json.dumps(line(pipeline, point)))
    return len(made)


def line(pipeline: str, point: Point) -> dict[str, Any]:
    """Return the line of the log for the end of an execution."""
    execution = point.execution
    shown = values(point.metrics)
    return {
        "_aws": {
            "Timestamp": round(execution.ended.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [[DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in shown],
                }
            ],
        },
        DIMENSION: pipeline,
        **shown,
        "ExecutionId": execution.id,
        "ExecutionType": execution.type,
        "Status": execution.status,
        "Started": execution.started.isoformat(timespec="seconds"),
        "Ended": execution.ended.isoformat(timespec="seconds"),
        "Revisions": " ".join(commit.id for commit in execution.revisions),
    }


def values(metrics: Metrics) -> dict[str, float]:
    """Return the metrics by their names in CloudWatch; what has no value is left out."""
    rate = metrics.change_failure_rate
    shown = {
        "LeadTime": metrics.lead_time_seconds,
        "DeployFrequency": metrics.deploy_frequency_per_day,
        "MeanTimeBetweenFailures": metrics.mtbf_seconds,
        "MeanTimeToRecovery": metrics.mttr_seconds,
        "ChangeFailureRate": None if rate is None else 100 * rate,
        "Deployments": metrics.deployments,
        "Rollbacks": metrics.rollbacks,
    }
    return {name: value for name, value in shown.items() if value is not None}


def handler(event: dict[str, Any], context: Any) -> int:
    """Run in Lambda: `PIPELINE`, `PRODUCTION` (a JSON list) and `WINDOW_DAYS` say what to read."""
    import boto3
    from botocore.config import Config

    # Many calls, of an API that does not allow many at once.
    patient = Config(
        connect_timeout=5, read_timeout=20, retries={"mode": "adaptive", "total_max_attempts": 8}
    )
    return publish(
        event,
        codepipeline=boto3.client("codepipeline", config=patient),
        pipeline=os.environ["PIPELINE"],
        production=json.loads(os.environ["PRODUCTION"]),
        window=timedelta(days=int(os.environ["WINDOW_DAYS"])),
        known=_known,
    )
