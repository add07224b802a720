"""What is stored of a metric, and the statistics of a period."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dpra_constructs.rehearsal.alarm_evaluation.states import NotEvaluatedError

_BASIC = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Metric:
    """The identity of a metric: data with other dimensions is another metric.

    Args:
        namespace: for example `AWS/Lambda`.
        name: for example `Errors`.
        dimensions: pairs of name and value, in any order.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))


@dataclass(frozen=True, slots=True)
class Datapoint:
    """A value that was published, once or several times.

    Args:
        timestamp: seconds since the epoch.
        value: the value; the mean one, of a statistic set.
        count: how often it was seen.
        unit: for example `Milliseconds`.
        lowest: of a statistic set; the value itself where it is left out.
        highest: of a statistic set; the value itself where it is left out.
    """

    timestamp: float
    value: float
    count: float = 1.0
    unit: str = "None"
    lowest: float | None = None
    highest: float | None = None

    @property
    def minimum(self) -> float:
        """The lowest value that it stands for."""
        return self.value if self.lowest is None else self.lowest

    @property
    def maximum(self) -> float:
        """The highest value that it stands for."""
        return self.value if self.highest is None else self.highest


def statistic_set(
    timestamp: float,
    *,
    sample_count: float,
    sum: float,
    minimum: float,
    maximum: float,
    unit: str = "None",
) -> Datapoint:
    """Return the data point of a statistic set, as `PutMetricData` takes it.

    >>> statistic_set(0, sample_count=4, sum=10, minimum=1, maximum=5).value
    2.5
    """
    mean = sum / sample_count if sample_count else 0.0
    return Datapoint(timestamp, mean, sample_count, unit, minimum, maximum)


def check_statistic(statistic: str) -> None:
    """Look whether a statistic can be calculated.

    Raises:
        NotEvaluatedError: it cannot.
    """
    if statistic not in _BASIC and not _PERCENTILE.fullmatch(statistic):
        raise NotEvaluatedError(
            f"the statistic {statistic!r} is not evaluated here; {', '.join(_BASIC)} and "
            "percentiles such as p99.9 are"
        )


def percentile_of(statistic: str) -> float | None:
    """Return the percentage of a percentile, or None for another statistic.

    >>> percentile_of("p99.9"), percentile_of("Sum")
    (99.9, None)
    """
    match = _PERCENTILE.fullmatch(statistic)
    return float(match[1]) if match else None


def sample_count(points: Iterable[Datapoint]) -> float:
    """Return how many values were published."""
    return sum(point.count for point in points)


def statistic_of(points: Sequence[Datapoint], statistic: str) -> float | None:
    """Return a statistic of a period's data, or None where there is none.

    A percentile does not exist where a value is negative, or where a statistic set does not say
    what its values were.

    >>> points = [Datapoint(0, 1), Datapoint(1, 2), Datapoint(2, 9)]
    >>> statistic_of(points, "Average"), statistic_of(points, "p50")
    (4.0, 2.0)
    """
    points = [point for point in points if point.count > 0]
    if not points:
        return None
    count = sample_count(points)
    match statistic:
        case "SampleCount":
            return count
        case "Sum":
            return sum(point.value * point.count for point in points)
        case "Average":
            return sum(point.value * point.count for point in points) / count
        case "Minimum":
            return min(point.minimum for point in points)
        case "Maximum":
            return max(point.maximum for point in points)
    check_statistic(statistic)
    percentile = percentile_of(statistic)
    if percentile is None or any(
        point.minimum < 0 or point.minimum != point.maximum for point in points
    ):
        return None
    return _percentile(sorted((point.value, point.count) for point in points), percentile / 100)


def _percentile(samples: Sequence[tuple[float, float]], fraction: float) -> float:
    """Interpolate between the two nearest ranks."""
    rank = fraction * max(sum(count for _, count in samples) - 1, 0)
    low = _at_rank(samples, int(rank))
    high = _at_rank(samples, int(rank) + 1)
    return low + (rank - int(rank)) * (high - low)


def _at_rank(samples: Sequence[tuple[float, float]], rank: int) -> float:
    seen = 0.0
    for value, count in samples:
        seen += count
        if rank < seen:
            return value
    return samples[-1][0]
