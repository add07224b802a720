"""What an alarm watches, read from its properties in CloudFormation's or the API's shape."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpra_constructs.rehearsal.alarm_evaluation.datapoints import (
    Metric,
    check_statistic,
    percentile_of,
)
from dpra_constructs.rehearsal.alarm_evaluation.metric_math import check_expressions
from dpra_constructs.rehearsal.alarm_evaluation.states import (
    AlarmEvaluationError,
    NotEvaluatedError,
)

#: How a value is compared with the threshold, and the words for it.
COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
MISSING = "missing"
IGNORE = "ignore"
BREACHING = "breaching"
NOT_BREACHING = "notBreaching"
_TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)
_UNSUPPORTED = (
    "ThresholdMetricId",
    "EvaluationCriteria",
    "EvaluationInterval",
    "WarmUpConfiguration",
)
_SHORT_PERIODS_SECONDS = (10, 20, 30)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricQuery:
    """A metric with its statistic, or an expression over others.

    Args:
        id: by which expressions name it.
        metric: what it reads; None for an expression.
        statistic: of the metric.
        unit: that alone is read; None for all.
        expression: metric math; empty for a metric.
    """

    id: str
    metric: Metric | None = None
    statistic: str = ""
    unit: str | None = None
    expression: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmDefinition:
    """What an alarm watches, and when it is in `ALARM`.

    Args:
        queries: the metrics and expressions by id.
        watched: the id of the one that is compared with the threshold.
        period_seconds: of each data point.
        evaluation_periods: how many of the last data points are looked at (N).
        datapoints_to_alarm: how many of them have to breach (M).
        threshold: what they are compared with.
        comparison: a key of `COMPARISONS`.
        treat_missing_data: `missing`, `ignore`, `breaching` or `notBreaching`.
        ignores_low_samples: whether a percentile of too few values changes no state.
    """

    queries: Mapping[str, MetricQuery]
    watched: str
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    treat_missing_data: str
    ignores_low_samples: bool

    def breaches(self, value: float) -> bool:
        """Whether a data point is outside of the threshold."""
        return COMPARISONS[self.comparison][0](value, self.threshold)


def read_alarm(properties: Mapping[str, Any]) -> AlarmDefinition:
    """Read an alarm's properties.

    Args:
        properties: of `AWS::CloudWatch::Alarm`, resolved, or as `DescribeAlarms` returns them.

    Raises:
        NotEvaluatedError: it is not evaluated here.
        AlarmEvaluationError: the service would refuse it.
    """
    for name in _UNSUPPORTED:
        if properties.get(name):
            raise NotEvaluatedError(f"alarms with {name} are not evaluated here")
    if "WallClockWindow" in (properties.get("EvaluationWindow") or {}):
        raise NotEvaluatedError("alarms with a wall clock window are not evaluated here")
    comparison = str(properties.get("ComparisonOperator"))
    if comparison not in COMPARISONS:
        raise NotEvaluatedError(
            f"ComparisonOperator {comparison!r} is not evaluated here; {', '.join(COMPARISONS)} are"
        )
    if properties.get("Threshold") is None:
        raise AlarmEvaluationError("the alarm has no Threshold")
    queries, watched, period = (
        _of_expression(properties["Metrics"])
        if properties.get("Metrics")
        else _of_metric(properties)
    )
    periods = _count(properties, "EvaluationPeriods", None)
    needed = _count(properties, "DatapointsToAlarm", periods)
    if needed > periods:
        raise AlarmEvaluationError(
            f"DatapointsToAlarm {needed} is more than EvaluationPeriods {periods}"
        )
    return AlarmDefinition(
        queries=queries,
        watched=watched,
        period_seconds=period,
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        threshold=float(properties["Threshold"]),
        comparison=comparison,
        treat_missing_data=_treatment(properties, queries),
        ignores_low_samples=properties.get("EvaluateLowSampleCountPercentile") == IGNORE
        and percentile_of(queries[watched].statistic) is not None,
    )


def _treatment(properties: Mapping[str, Any], queries: Mapping[str, MetricQuery]) -> str:
    treatment = str(properties.get("TreatMissingData") or MISSING)
    if treatment not in _TREATMENTS:
        raise AlarmEvaluationError(
            f"TreatMissingData {treatment!r} is none of {', '.join(_TREATMENTS)}"
        )
    if any(query.metric and query.metric.namespace == "AWS/DynamoDB" for query in queries.values()):
        # Whatever the alarm says.
        return IGNORE
    return treatment


def _count(properties: Mapping[str, Any], name: str, default: int | None) -> int:
    value = properties.get(name)
    if value is None and default is not None:
        return default
    try:
        count = int(value or 0)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        raise AlarmEvaluationError(f"{name} {value!r} is no whole number from 1 up")
    return count


def _of_metric(properties: Mapping[str, Any]) -> tuple[dict[str, MetricQuery], str, int]:
    if not properties.get("MetricName"):
        raise AlarmEvaluationError("the alarm has neither MetricName nor Metrics")
    statistic = properties.get("ExtendedStatistic") or properties.get("Statistic")
    query = _metric_query("m1", properties, str(statistic), properties.get("Unit"))
    return {"m1": query}, "m1", _period(properties.get("Period"))


def _metric_query(
    id: str, metric: Mapping[str, Any], statistic: str, unit: str | None
) -> MetricQuery:
    check_statistic(statistic)
    return MetricQuery(
        id=id,
        metric=Metric(
            str(metric.get("Namespace", "")),
            str(metric["MetricName"]),
            tuple(
                (str(each["Name"]), str(each["Value"])) for each in metric.get("Dimensions") or ()
            ),
        ),
        statistic=statistic,
        unit=unit or None,
    )


def _of_expression(
    given: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, MetricQuery], str, int]:
    queries: dict[str, MetricQuery] = {}
    periods: set[int] = set()
    returned = []
    for each in given:
        id = str(each["Id"])
        if each.get("AccountId"):
            raise NotEvaluatedError(
                f"{id} reads a metric of account {each['AccountId']}, which is not done here"
            )
        if stat := each.get("MetricStat"):
            periods.add(_period(stat.get("Period")))
            queries[id] = _metric_query(id, stat["Metric"], str(stat["Stat"]), stat.get("Unit"))
        else:
            queries[id] = MetricQuery(id=id, expression=str(each.get("Expression") or ""))
            if each.get("Period"):
                periods.add(_period(each["Period"]))
        if str(each.get("ReturnData", True)).lower() != "false":
            returned.append(id)
    if len(returned) != 1:
        raise AlarmEvaluationError(
            f"ReturnData is true for {', '.join(returned) or 'none'}; it has to be for exactly "
            "one of the Metrics"
        )
    if len(periods) != 1:
        raise NotEvaluatedError(
            f"the Metrics have the periods {sorted(periods)}; only one is evaluated here"
        )
    check_expressions(
        {query.id: query.expression for query in queries.values() if not query.metric},
        [query.id for query in queries.values() if query.metric],
        returned[0],
    )
    return queries, returned[0], periods.pop()


def _period(value: Any) -> int:
    try:
        period = int(value)
    except (TypeError, ValueError):
        period = 0
    if period not in _SHORT_PERIODS_SECONDS and (period < 60 or period % 60):
        raise AlarmEvaluationError(
            f"Period {value!r} is neither 10, 20 or 30 nor a multiple of 60 seconds"
        )
    return period
