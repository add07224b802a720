"""What alarms are stored with: metric math too, and what else decides their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from dpra_constructs.rehearsal.alarm_evaluation import (
    AlarmEvaluationError,
    NotEvaluatedError,
    read_alarm,
)

# What MiniStack does not keep, and what it makes up for an alarm over an expression.
_KEPT = ("Metrics", "EvaluateLowSampleCountPercentile", "ThresholdMetricId")
_MADE_UP = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")
_ANY_METRIC = {"MetricName": "-", "Namespace": "-"}


def store_whole_definitions() -> None:
    """Keep and check all that an alarm is made of, by the API and in templates."""
    put: Any = cloudwatch._put_metric_alarm
    record: Any = provisioners._cw_metric_alarm_record

    def put_metric_alarm(
        params: dict[str, Any], given: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Any:
        if not is_cbor and not is_json:
            return put(params, given, is_cbor, is_json)
        if problem := _problem(given):
            return cloudwatch._error(
                "ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor
            )
        answer = put(params, given, is_cbor, is_json)
        alarm = cloudwatch._alarms.get(given.get("AlarmName", ""))
        if answer[0] < 400 and alarm:
            _complete(alarm, given)
            cloudwatch._evaluate_alarm(alarm)
        return answer

    def metric_alarm_record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        # Threshold is left out for anomaly detection, which is not evaluated.
        threshold = properties.get("Threshold", 0)
        if problem := _problem(properties):
            raise ValueError(problem)
        shown = {**properties, "Threshold": threshold}
        if properties.get("Metrics"):
            shown = {**shown, **_ANY_METRIC}
            del shown["Metrics"]
        alarm: dict[str, Any] = record(name, shown)
        _complete(alarm, properties)
        return alarm

    cloudwatch._put_metric_alarm = put_metric_alarm
    provisioners._cw_metric_alarm_record = metric_alarm_record


def _problem(given: Mapping[str, Any]) -> str:
    try:
        read_alarm(given)
    except NotEvaluatedError:
        # The service takes it; its state says that it is not evaluated.
        return ""
    except AlarmEvaluationError as error:
        return str(error)
    return ""


def _complete(alarm: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name in _KEPT:
        if given.get(name):
            alarm[name] = given[name]
    if given.get("Metrics"):
        for name in _MADE_UP:
            alarm.pop(name, None)
