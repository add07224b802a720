"""Metric math: expressions over time series.

A time series here is a tuple with a value, or None, for each period, the oldest first.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dpra_constructs.rehearsal.alarm_evaluation import math_functions
from dpra_constructs.rehearsal.alarm_evaluation.math_values import (
    Array,
    Series,
    Value,
    binary,
    negative,
)
from dpra_constructs.rehearsal.alarm_evaluation.states import (
    AlarmEvaluationError,
    NotEvaluatedError,
)

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
      | (?P<name>[A-Za-z][A-Za-z0-9_]*)
      | "(?P<text>[^"]*)" | '(?P<text2>[^']*)'
      | (?P<sign><=|>=|==|!=|&&|\|\||[-+*/^<>(),\[\]])
    )""",
    re.VERBOSE,
)
_SAME = {"AND": "&&", "OR": "||"}
# From loose to tight.
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))


@dataclass(frozen=True, kw_only=True, slots=True)
class MathContext:
    """What an expression may refer to.

    Args:
        metrics: the time series of the metrics, by id.
        expressions: other expressions, by id.
        period_seconds: of the time series.
        length: how many periods they have.
    """

    metrics: Mapping[str, Series]
    expressions: Mapping[str, str]
    period_seconds: int
    length: int


def evaluate_expression(id: str, context: MathContext) -> Series:
    """Evaluate an expression to the time series that an alarm watches.

    Args:
        id: of the expression.
        context: what it may refer to.

    >>> context = MathContext(metrics={"errors": (1.0, None, 4.0), "requests": (10.0, 5.0, 0.0)},
    ...     expressions={"rate": "100 * errors / requests"}, period_seconds=60, length=3)
    >>> evaluate_expression("rate", context)
    (10.0, 0.0, None)

    Raises:
        AlarmEvaluationError: the service would refuse it, or it is not evaluated here.
    """
    value = _value(id, context, ())
    if isinstance(value, float | Array):
        what = "a number" if isinstance(value, float) else "several time series"
        raise AlarmEvaluationError(
            f"the expression {context.expressions[id]!r} is {what}; an alarm watches one time "
            "series"
        )
    return tuple(each if each is not None and math.isfinite(each) else None for each in value)


def check_expressions(expressions: Mapping[str, str], metrics: Iterable[str], watched: str) -> None:
    """Look whether expressions can be evaluated, whatever their data is.

    Args:
        expressions: by id.
        metrics: the ids of the metrics.
        watched: the id of the expression that an alarm watches.

    Raises:
        AlarmEvaluationError: one cannot.
    """
    context = MathContext(
        metrics=dict.fromkeys(metrics, (1.0,)), expressions=expressions, period_seconds=60, length=1
    )
    for id in expressions:
        _value(id, context, ())
    if watched in expressions:
        evaluate_expression(watched, context)


def _value(id: str, context: MathContext, above: tuple[str, ...]) -> Value:
    if id in context.metrics:
        return context.metrics[id]
    expression = context.expressions[id]
    if id in above:
        raise AlarmEvaluationError(f"the expression {expression!r} refers to itself")
    return _Parser(expression, context, (*above, id)).evaluate()


class _Parser:
    """Evaluates while it parses: expressions are short, and evaluated once a minute."""

    def __init__(self, expression: str, context: MathContext, above: tuple[str, ...]) -> None:
        self._expression, self._context, self._above = expression, context, above
        self._tokens: list[tuple[str, str]] = []
        self._next = 0

    def evaluate(self) -> Value:
        self._tokenize()
        value = self._level(0)
        if self._next < len(self._tokens):
            raise self._error(f"{self._tokens[self._next][1]!r} is not expected there")
        return value

    def _tokenize(self) -> None:
        position = 0
        while self._expression[position:].strip():
            match = _TOKEN.match(self._expression, position)
            if not match:
                raise self._error(f"{self._expression[position:].strip()!r} is not understood")
            kind = str(match.lastgroup)
            text = match[kind]
            if text in _SAME and kind == "name":
                kind, text = "sign", _SAME[text]
            self._tokens.append(("text" if kind == "text2" else kind, text))
            position = match.end()

    def _error(self, problem: str) -> AlarmEvaluationError:
        return AlarmEvaluationError(f"the expression {self._expression!r}: {problem}")

    def _take(self, *signs: str) -> str:
        if self._next < len(self._tokens):
            kind, text = self._tokens[self._next]
            if kind == "sign" and text in signs:
                self._next += 1
                return text
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"{sign!r} is missing")

    def _level(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._negation()
        value = self._level(level + 1)
        while sign := self._take(*_LEVELS[level]):
            value = binary(sign, value, self._level(level + 1))
        return value

    def _negation(self) -> Value:
        if self._take("-"):
            return negative(self._negation())
        self._take("+")
        base = self._operand()
        return binary("^", base, self._negation()) if self._take("^") else base

    def _operand(self) -> Value:
        if self._take("("):
            value = self._level(0)
            self._expect(")")
            return value
        if self._take("["):
            return self._array()
        if self._next >= len(self._tokens):
            raise self._error("something is missing at its end")
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            return float(text)
        if kind == "name":
            return self._call(text) if self._take("(") else self._reference(text)
        raise self._error(f"{text!r} is not expected there")

    def _array(self) -> Value:
        members: list[Series] = []
        while True:
            member = self._level(0)
            if isinstance(member, float):
                raise self._error("an array has time series, not numbers")
            members.extend(member.members if isinstance(member, Array) else (member,))
            if not self._take(","):
                break
        self._expect("]")
        return Array(tuple(members))

    def _reference(self, id: str) -> Value:
        if id not in self._context.metrics and id not in self._context.expressions:
            known = ", ".join([*self._context.metrics, *self._context.expressions])
            raise self._error(f"there is no {id}; there is: {known}")
        return _value(id, self._context, self._above)

    def _call(self, name: str) -> Value:
        if name == "METRICS":
            return self._metrics()
        arguments: list[Value | str] = []
        if not self._take(")"):
            while True:
                arguments.append((name == "FILL" and self._word()) or self._level(0))
                if not self._take(","):
                    break
            self._expect(")")
        function = math_functions.FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(["METRICS", *math_functions.FUNCTIONS])
            raise NotEvaluatedError(
                f"the expression {self._expression!r}: the function {name} is not evaluated here; "
                f"these are: {known}"
            )
        try:
            return function(self._context.period_seconds, self._context.length, *arguments)
        except TypeError:
            raise self._error(f"{name} does not take these arguments") from None

    def _word(self) -> str:
        """Take a word that is an argument itself: how FILL fills."""
        if self._next < len(self._tokens) and self._tokens[self._next] in (
            ("name", "REPEAT"),
            ("name", "LINEAR"),
        ):
            self._next += 1
            return self._tokens[self._next - 1][1]
        return ""

    def _metrics(self) -> Value:
        part = ""
        if self._next < len(self._tokens) and self._tokens[self._next][0] == "text":
            part = self._tokens[self._next][1]
            self._next += 1
        self._expect(")")
        found = tuple(series for id, series in self._context.metrics.items() if part in id)
        if not found:
            raise self._error(f"no metric has an id with {part!r}")
        return Array(found)
