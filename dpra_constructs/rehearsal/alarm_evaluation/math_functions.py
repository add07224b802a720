"""The functions of metric math; each is told the period in seconds and the number of periods.

One that is given what it does not take raises TypeError.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

from dpra_constructs.rehearsal.alarm_evaluation.math_values import (
    Array,
    Series,
    Value,
    each_series,
)
from dpra_constructs.rehearsal.alarm_evaluation.states import AlarmEvaluationError

Function: TypeAlias = Callable[..., Value]


def _present(series: Series) -> list[float]:
    return [value for value in series if value is not None]


def _reduced(name: str, reduce: Callable[[Sequence[float]], float], *, zero: bool) -> Function:
    """Return a function: a number of one time series, a time series of several.

    `zero` says whether a missing value of several is 0; otherwise it is left out.
    """

    def apply(period: int, length: int, value: Value) -> Value:
        if isinstance(value, float):
            raise AlarmEvaluationError(f"{name} of a number; it takes time series")
        if isinstance(value, Array):
            return tuple(
                _column(column, reduce, zero) for column in zip(*value.members, strict=True)
            )
        present = _present(value)
        return float(reduce(present)) if present else 0.0

    return apply


def _column(
    column: Sequence[float | None], reduce: Callable[[Sequence[float]], float], zero: bool
) -> float | None:
    present = [value for value in column if value is not None]
    if not present:
        return None
    return float(reduce([value or 0.0 for value in column] if zero else present))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _each(change: Callable[[float], float]) -> Function:
    def apply(period: int, length: int, value: Value) -> Value:
        return each_series(
            value, lambda series: tuple(None if v is None else float(change(v)) for v in series)
        )

    return apply


def _difference(divide: bool) -> Function:
    """Return the difference to the value before; by the seconds in between, where divided."""

    def of_series(period: int, series: Series) -> Series:
        result: list[float | None] = []
        before: tuple[int, float] | None = None
        for index, value in enumerate(series):
            if value is None or before is None:
                result.append(None)
            else:
                seconds = (index - before[0]) * period
                result.append((value - before[1]) / (seconds if divide else 1))
            if value is not None:
                before = index, value
        return tuple(result)

    def apply(period: int, length: int, value: Value) -> Value:
        return each_series(value, lambda series: of_series(period, series))

    return apply


def _fill(period: int, length: int, value: Value, filler: Value | str) -> Value:
    if isinstance(filler, str):
        return each_series(value, _repeated if filler == "REPEAT" else _interpolated)
    if isinstance(filler, Array):
        raise TypeError
    if isinstance(filler, float):
        filler = (filler,) * length
    by_period = filler
    return each_series(
        value,
        lambda series: tuple(
            other if one is None else one for one, other in zip(series, by_period, strict=True)
        ),
    )


def _repeated(series: Series) -> Series:
    result: list[float | None] = []
    for value in series:
        result.append(result[-1] if value is None and result else value)
    return tuple(result)


def _interpolated(series: Series) -> Series:
    result = list(series)
    known = [index for index, value in enumerate(series) if value is not None]
    for start, end in pairwise(known):
        first, last = series[start] or 0.0, series[end] or 0.0
        for index in range(start + 1, end):
            result[index] = first + (last - first) * (index - start) / (end - start)
    return tuple(result)


def _if(
    period: int, length: int, condition: Value, chosen: Value, otherwise: Value | None = None
) -> Value:
    if isinstance(condition, Array) or isinstance(chosen, Array) or isinstance(otherwise, Array):
        raise TypeError
    if all(isinstance(each, float) for each in (condition, chosen, otherwise)):
        raise TypeError
    conditions = (condition,) * length if isinstance(condition, float) else condition
    return tuple(
        None
        if holds is None
        else (_at(chosen, index) or 0.0)
        if holds and not isinstance(condition, float)
        else _at(chosen if holds else otherwise, index)
        for index, holds in enumerate(conditions)
    )


def _at(value: float | Series | None, index: int) -> float | None:
    return value[index] if isinstance(value, tuple) else value


def _datapoint_count(period: int, length: int, value: Value) -> Value:
    if isinstance(value, Array):
        return tuple(
            float(sum(each is not None for each in column))
            for column in zip(*value.members, strict=True)
        )
    if isinstance(value, float):
        raise TypeError
    return float(len(_present(value)))


def _metric_count(period: int, length: int, value: Value) -> Value:
    return float(len(value.members)) if isinstance(value, Array) else 1.0


def _period(period: int, length: int, value: Value) -> Value:
    return float(period)


def _time_series(period: int, length: int, value: Value) -> Value:
    if not isinstance(value, float):
        raise TypeError
    return (value,) * length


FUNCTIONS: dict[str, Function] = {
    "ABS": _each(abs),
    "AVG": _reduced("AVG", _mean, zero=True),
    "CEIL": _each(math.ceil),
    "DATAPOINT_COUNT": _datapoint_count,
    "DIFF": _difference(divide=False),
    "FILL": _fill,
    "FLOOR": _each(math.floor),
    "IF": _if,
    "MAX": _reduced("MAX", max, zero=False),
    "METRIC_COUNT": _metric_count,
    "MIN": _reduced("MIN", min, zero=False),
    "PERIOD": _period,
    "RATE": _difference(divide=True),
    "SUM": _reduced("SUM", sum, zero=True),
    "TIME_SERIES": _time_series,
}
