"""Metric alarms: M of N data points, and data that is missing.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dpra_constructs.rehearsal.alarm_evaluation.datapoints import (
    Datapoint,
    Metric,
    percentile_of,
    sample_count,
    statistic_of,
)
from dpra_constructs.rehearsal.alarm_evaluation.definition import (
    BREACHING,
    COMPARISONS,
    IGNORE,
    MISSING,
    AlarmDefinition,
    MetricQuery,
    read_alarm,
)
from dpra_constructs.rehearsal.alarm_evaluation.math_values import Series
from dpra_constructs.rehearsal.alarm_evaluation.metric_math import (
    MathContext,
    evaluate_expression,
)
from dpra_constructs.rehearsal.alarm_evaluation.states import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    Evaluation,
)

# The service reads more periods than it evaluates; how many more is documented by one example,
# in which it reads 5 for 3.
_FURTHER_PERIODS = 2
_DAY_SECONDS = 86_400

Data = Mapping[Metric, Sequence[Datapoint]]


@dataclass(frozen=True, slots=True)
class _Point:
    """A period that has data; `age` is 1 for the latest period."""

    age: int
    value: float
    breaches: bool


def evaluation_interval_seconds(definition: AlarmDefinition) -> int:
    """Return how often the service evaluates an alarm.

    Every minute; every 10 seconds with a period of less than one; every hour when it looks at
    more than a day.
    """
    if definition.period_seconds < 60:
        return 10
    evaluated = definition.period_seconds * definition.evaluation_periods
    return 3600 if evaluated > _DAY_SECONDS else 60


def evaluate_alarm(
    alarm: Mapping[str, Any] | AlarmDefinition,
    data: Data,
    *,
    now: float,
    state: str = INSUFFICIENT_DATA,
) -> Evaluation:
    """Evaluate a metric alarm, as the service does it at the latest full minute.

    Args:
        alarm: its properties in CloudFormation's or the API's shape, or what `read_alarm` made
            of them.
        data: the data points of each metric; those of other metrics do no harm.
        now: seconds since the epoch.
        state: in which it was before; kept where missing data is ignored.

    Raises:
        AlarmEvaluationError: the service would refuse the alarm, or it is not evaluated here.
    """
    definition = alarm if isinstance(alarm, AlarmDefinition) else read_alarm(alarm)
    interval = evaluation_interval_seconds(definition)
    end = now // interval * interval
    series = _watched_series(definition, data, end)
    length = len(series)
    points = [
        _Point(length - index, value, definition.breaches(value))
        for index, value in enumerate(series)
        if value is not None
    ]
    shown = _reason_data(definition, points, end)
    if definition.ignores_low_samples and _has_few_samples(definition, data, end):
        return Evaluation(
            state=state,
            reason="Unchecked: there are too few samples for the percentile, which is ignored",
            reason_data=shown,
        )
    new, filled = _decide(definition, points, state)
    return Evaluation(
        state=new, reason=_reason(definition, points, filled, new, state), reason_data=shown
    )


def _decide(definition: AlarmDefinition, points: list[_Point], state: str) -> tuple[str, int]:
    """Return the state, and how many missing data points were filled in."""
    periods, needed = definition.evaluation_periods, definition.datapoints_to_alarm
    treatment = definition.treat_missing_data
    if len(points) >= periods:
        breaching = sum(point.breaches for point in points[-periods:])
        return (ALARM if breaching >= needed else OK), 0
    filled = periods - len(points)
    breaching = sum(point.breaches for point in points)
    if breaching >= needed:
        return ALARM, filled
    if treatment == BREACHING:
        return (ALARM if breaching + filled >= needed else OK), filled
    if treatment not in (IGNORE, MISSING):
        return OK, filled
    if not points:
        return (state if treatment == IGNORE else INSUFFICIENT_DATA), filled
    if not all(point.breaches for point in points):
        return OK, filled
    if treatment == IGNORE:
        return state, filled
    # Only breaching data points, and as old as the needed number of them: nothing that came
    # later says that it is over.
    return (ALARM if points[0].age >= needed else OK), filled


def _watched_series(definition: AlarmDefinition, data: Data, end: float) -> Series:
    watched = definition.queries[definition.watched]
    metrics = {
        query.id: _series(definition, query, data, end)
        for query in definition.queries.values()
        if query.metric
    }
    if watched.metric:
        return metrics[watched.id]
    return evaluate_expression(
        watched.id,
        MathContext(
            metrics=metrics,
            expressions={
                query.id: query.expression
                for query in definition.queries.values()
                if not query.metric
            },
            period_seconds=definition.period_seconds,
            length=definition.evaluation_periods + _FURTHER_PERIODS,
        ),
    )


def _series(definition: AlarmDefinition, query: MetricQuery, data: Data, end: float) -> Series:
    length = definition.evaluation_periods + _FURTHER_PERIODS
    by_age = _by_age(definition, query, data, end, length)
    return tuple(statistic_of(by_age.get(age, ()), query.statistic) for age in range(length, 0, -1))


def _by_age(
    definition: AlarmDefinition, query: MetricQuery, data: Data, end: float, length: int
) -> dict[int, list[Datapoint]]:
    period = definition.period_seconds
    found: dict[int, list[Datapoint]] = {}
    for point in data.get(query.metric, ()) if query.metric else ():
        if end - length * period <= point.timestamp < end and query.unit in (None, point.unit):
            # The latest period has the age of 1; a period begins with its first second.
            age = length - int((point.timestamp - (end - length * period)) // period)
            found.setdefault(age, []).append(point)
    return found


def _has_few_samples(definition: AlarmDefinition, data: Data, end: float) -> bool:
    query = definition.queries[definition.watched]
    percentile = percentile_of(query.statistic) or 0.0
    fraction = min(percentile, 100 - percentile) / 100
    by_age = _by_age(definition, query, data, end, definition.evaluation_periods)
    seen = sum(sample_count(points) for points in by_age.values())
    return seen * fraction < 10


def _reason(
    definition: AlarmDefinition, points: list[_Point], filled: int, state: str, before: str
) -> str:
    periods, needed = definition.evaluation_periods, definition.datapoints_to_alarm
    words = COMPARISONS[definition.comparison][1]
    if not points:
        treated = {
            IGNORE: f"ignored, and the state {before} is kept",
            BREACHING: "treated as [Breaching]",
            MISSING: "unknown",
        }.get(definition.treat_missing_data, "treated as [NonBreaching]")
        kind = "Insufficient Data" if state == INSUFFICIENT_DATA else "Threshold Crossed"
        return f"{kind}: no datapoints were received for {filled} periods; they were {treated}."
    evaluated = points[-periods:]
    breaching = [point for point in evaluated if point.breaches]
    chosen = (
        breaching
        if state == ALARM and breaching
        else [point for point in evaluated if not point.breaches] or evaluated
    )
    values = ", ".join(f"{point.value:g}" for point in reversed(chosen))
    negation = "" if chosen[0].breaches else "not "
    text = (
        f"Threshold Crossed: {len(chosen)} out of the last {periods} datapoints [{values}] "
        f"{'was' if len(chosen) == 1 else 'were'} {negation}{words} the threshold "
        f"({definition.threshold:g})"
    )
    if filled:
        text += f"; {filled} missing, treated as {definition.treat_missing_data}"
    return f"{text} (minimum {needed} for ALARM)."


def _reason_data(definition: AlarmDefinition, points: list[_Point], end: float) -> dict[str, Any]:
    period = definition.period_seconds
    statistic = definition.queries[definition.watched].statistic
    start = end - (points[0].age if points else definition.evaluation_periods) * period
    return {
        "version": "1.0",
        "queryDate": _shown(end),
        "startDate": _shown(start),
        **({"statistic": statistic} if statistic else {}),
        "period": period,
        "recentDatapoints": [point.value for point in points],
        "threshold": definition.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _shown(end - point.age * period), "value": point.value}
            for point in reversed(points[-definition.evaluation_periods :])
        ],
    }


def _shown(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
