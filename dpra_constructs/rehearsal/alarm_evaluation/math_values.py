"""The values of metric math, and its operators.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dpra_constructs.rehearsal.alarm_evaluation.states import AlarmEvaluationError

#: A value, or None, for each period, the oldest first.
Series: TypeAlias = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Several time series."""

    members: tuple[Series, ...]


Value: TypeAlias = float | Series | Array


def _power(base: float, exponent: float) -> float | None:
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else float(result)


def _quotient(dividend: float, divisor: float) -> float | None:
    return dividend / divisor if divisor else None


def _truth(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(compare(left, right))


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "^": _power,
    "<": _truth(operator.lt),
    "<=": _truth(operator.le),
    ">": _truth(operator.gt),
    ">=": _truth(operator.ge),
    "==": _truth(operator.eq),
    "!=": _truth(operator.ne),
    "&&": _truth(lambda left, right: bool(left) and bool(right)),
    "||": _truth(lambda left, right: bool(left) or bool(right)),
}


def each_series(value: Value, change: Callable[[Series], Series]) -> Value:
    """Change a time series, or each one of an array."""
    if isinstance(value, float):
        raise AlarmEvaluationError(f"{value} is a number where metric math needs a time series")
    if isinstance(value, Array):
        return Array(tuple(change(member) for member in value.members))
    return change(value)


def negative(value: Value) -> Value:
    """Negate a value."""
    if isinstance(value, float):
        return -value
    return each_series(value, lambda series: tuple(None if v is None else -v for v in series))


def binary(sign: str, left: Value, right: Value) -> Value:
    """Apply an operator.

    Where one of two time series has a value, the other's missing one is 0; where none has, the
    result has none. A division by 0 gives no value.

    >>> binary("+", (1.0, None, None), (2.0, 2.0, None))
    (3.0, 2.0, None)
    """
    if isinstance(left, Array) and isinstance(right, Array):
        if len(left.members) != len(right.members):
            raise AlarmEvaluationError(
                f"{sign} has arrays of {len(left.members)} and {len(right.members)} time series"
            )
        pairs = zip(left.members, right.members, strict=True)
        return Array(tuple(_of_series(sign, one, other) for one, other in pairs))
    if isinstance(left, Array):
        return Array(tuple(_of_series(sign, one, right) for one in left.members))
    if isinstance(right, Array):
        return Array(tuple(_of_series(sign, left, other) for other in right.members))
    if isinstance(left, float) and isinstance(right, float):
        result = _OPERATORS[sign](left, right)
        # A number that does not exist leaves no data point of what it is used in.
        return math.nan if result is None else float(result)
    return _of_series(sign, left, right)


def _of_series(sign: str, left: float | Series, right: float | Series | Array) -> Series:
    if isinstance(right, Array):
        raise AlarmEvaluationError(f"{sign} has an array inside of an array")
    apply = _OPERATORS[sign]
    if isinstance(left, float):
        number = left
        return tuple(_unless_missing(v, lambda v: apply(number, v)) for v in _series(right))
    if isinstance(right, float):
        number = right
        return tuple(_unless_missing(v, lambda v: apply(v, number)) for v in left)
    return tuple(
        None if one is None and other is None else _finite(apply(one or 0.0, other or 0.0))
        for one, other in zip(left, right, strict=True)
    )


def _unless_missing(value: float | None, change: Callable[[float], float | None]) -> float | None:
    result = None if value is None else change(value)
    return _finite(result)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _series(value: float | Series) -> Series:
    if isinstance(value, float):
        raise AlarmEvaluationError("a number stands where metric math needs a time series")
    return value
