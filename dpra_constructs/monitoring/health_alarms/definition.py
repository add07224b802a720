"""What an alarm of a resource watches, and why. Pure: the templates and the docs read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

T = TypeVar("T")
NOT_BREACHING = "notBreaching"
BREACHING = "breaching"


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of the resource and its statistic; `dimensions` besides those of the resource."""

    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmDefinition:
    """One alarm.

    Args:
        id: the construct's id below the resource's.
        says: what is wrong when it is in ALARM.
        why: why it is watched, and why like this.
        namespace: of its metrics.
        measures: the metrics, by the name that `expression` has for them.
        expression: metric math; a bare name where a metric is watched as it is.
        threshold: the value that is still good.
        comparison: how a bad value compares with it.
        period_seconds: of a data point.
        periods: how many data points are looked at.
        datapoints: how many of them have to be bad.
        missing: what no data is.
        missing_because: why it is that.
    """

    id: str
    says: str
    why: str
    namespace: str
    measures: Mapping[str, Measure]
    expression: str
    threshold: float
    comparison: str = "GreaterThanThreshold"
    period_seconds: int = 60
    periods: int = 3
    datapoints: int = 2
    missing: str = NOT_BREACHING
    missing_because: str


def check_thresholds(thresholds: Any, limits: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a value outside its limits; None is allowed where it is the default.

    Raises:
        InvalidArgumentError: a value is no number, or not within them.
    """
    for field in fields(thresholds):
        value = getattr(thresholds, field.name)
        if value is None and field.default is None:
            continue
        least, most = limits[field.name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:
            raise InvalidArgumentError(
                type(thresholds).__name__,
                f"{field.name}={arguments.shown(value)} is not a number from {least:g} to {most:g}",
                f"write it like {field.name}={min(most, least + 1):g}",
            )


def given_or_default(where: str, thresholds: T | None, kind: type[T]) -> T:
    """Return thresholds, or those of a kind by default.

    Raises:
        InvalidArgumentError: they are of another kind.
    """
    given = thresholds if thresholds is not None else kind()
    arguments.instance(where, "thresholds", given, kind, f"{kind.__name__}()")
    return given


def error_rate(
    *,
    says: str,
    why: str,
    namespace: str,
    errors: str,
    requests: str,
    percent: float,
    minimum_count: int,
    id: str = "ErrorRate",
    of_both: bool = False,
) -> AlarmDefinition:
    """Define an alarm on how many of 100 requests fail, of which one alone is no rate.

    Args:
        says: what is wrong.
        why: why it is watched.
        namespace: of the metrics.
        errors: the metric that counts what failed.
        requests: the metric that counts all.
        percent: how many of 100 may fail.
        minimum_count: how many have to fail in a minute.
        id: the construct's id.
        of_both: whether what failed is not counted among the requests.
    """
    # When all of them fail, the metric of the others has no data.
    total = "(errors + FILL(requests, 0))" if of_both else "requests"
    return AlarmDefinition(
        id=id,
        says=says,
        why=why,
        namespace=namespace,
        measures={"errors": Measure(errors, "Sum"), "requests": Measure(requests, "Sum")},
        expression=f"IF(errors >= {minimum_count:g}, 100 * errors / {total}, 0)",
        threshold=percent,
        missing_because="no request, or none that failed, is no error",
    )


def latency(
    *, namespace: str, metric: str, percentile: float, limit: float, minimum_count: int, unit: str
) -> AlarmDefinition:
    """Define an alarm on how long most requests take, where there are enough of them.

    Args:
        namespace: of the metric.
        metric: what takes time.
        percentile: how many of 100 requests have to be fast.
        limit: how long they may take, in the metric's unit.
        minimum_count: how many requests a minute are enough.
        unit: of the limit, as it is read.
    """
    return AlarmDefinition(
        id="Latency",
        says=f"{100 - percentile:g} of 100 requests take longer than {limit:g} {unit}",
        why="A version that answers, but too late. With few requests a percentile is the slowest "
        f"of them, so {minimum_count} a minute are needed",
        namespace=namespace,
        measures={
            "slowest": Measure(metric, f"p{percentile:g}"),
            "requests": Measure(metric, "SampleCount"),
        },
        expression=f"IF(requests >= {minimum_count:g}, slowest, 0)",
        threshold=limit,
        missing_because="no request is not slow",
    )
