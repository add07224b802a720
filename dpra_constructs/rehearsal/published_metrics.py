"""Reads back the delivery metrics that the pipeline's own function has published."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from dpra_constructs.delivery_metrics.runtime.publish import DIMENSION, NAMESPACE, UNITS
from dpra_constructs.rehearsal.pipeline_api import PipelineApi

# EventBridge calls the function after the last stage has ended.
_SECONDS = 20.0
_PAUSE_SECONDS = 0.5
# Published with every value there is.
_ALWAYS = "Deployments"


def read_published_metrics(
    api: PipelineApi, *, seconds: float = _SECONDS
) -> Mapping[str, float] | None:
    """Return the metrics by their names in CloudWatch; None where the pipeline has no function.

    Args:
        api: the pipeline.
        seconds: how long to wait for the first value.
    """
    try:
        api.client("lambda").get_function(FunctionName=f"{api.name}-DeliveryMetrics")
    except ClientError:
        return None
    end = time.monotonic() + seconds
    while True:
        found = {name: value for name in UNITS if (value := _latest(api, name)) is not None}
        if _ALWAYS in found or time.monotonic() > end:
            return found
        time.sleep(_PAUSE_SECONDS)


def _latest(api: PipelineApi, name: str) -> float | None:
    now = datetime.now(UTC)
    answer = api.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": DIMENSION, "Value": api.name}],
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None
