"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.rehearsal.alarm_evaluation import AlarmEvaluationError
from dpra_constructs.rehearsal.alarm_evaluation.math_values import Series
from dpra_constructs.rehearsal.alarm_evaluation.metric_math import MathContext, evaluate_expression

N = None


def evaluated(expression: str, **metrics: Series) -> Series:
    length = len(next(iter(metrics.values()), (N,)))
    context = MathContext(
        metrics=metrics, expressions={"e1": expression}, period_seconds=60, length=length
    )
    return evaluate_expression("e1", context)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        # The examples of the documentation.
        ("(metric1 < metric2)", (0, 0, 1, 0)),
        ("(metric1 >= 30)", (1, 0, 0, 0)),
        ("(metric1 > 15 AND metric2 > 15)", (1, 0, 0, 0)),
        ("metric1 > 15 && metric2 > 15", (1, 0, 0, 0)),
        ("metric1 > 25 OR metric2 > 15", (1, 0, 1, 0)),
        ("metric1 > 25 || metric2 > 15", (1, 0, 1, 0)),
        ("metric1 == 20", (0, 1, 0, 0)),
        ("metric1 != 20", (1, 0, 1, 1)),
        # Precedence.
        ("metric1 + 2 * 3", (36, 26, 6, 6)),
        ("(metric1 + 2) * 3", (96, 66, 6, 6)),
        ("-metric1 ^ 2 + 1", (-899, -399, 1, 1)),
        ("2 ^ 3 ^ 2 + metric1", (542, 532, 512, 512)),
        ("metric1 - 5 - 5", (20, 10, -10, -10)),
        ("1.5e1 + .5 + metric1", (45.5, 35.5, 15.5, 15.5)),
        # Missing values.
        ("metric2 * 2", (40, N, 40, N)),
        ("metric1 + metric2", (50, 20, 20, 0)),
        ("metric1 / metric2", (1.5, N, 0, N)),
        ("1 / 0 + metric1", (N, N, N, N)),
        # Functions.
        ("FILL(metric2, 7)", (20, 7, 20, 7)),
        ("FILL(metric2, REPEAT)", (20, 20, 20, 20)),
        ("FILL(metric2, metric1)", (20, 20, 20, 0)),
        ("FILL(metric3, LINEAR)", (N, 4, 6, 8)),
        ("SUM([metric1, metric2])", (50, 20, 20, 0)),
        ("SUM([metric2, metric2])", (40, N, 40, N)),
        ("AVG([metric1, metric2])", (25, 10, 10, 0)),
        ("MAX([metric1, metric2])", (30, 20, 20, 0)),
        ("MIN([metric1, metric2])", (20, 20, 0, 0)),
        ("SUM(METRICS())", (50, 24, 20, 8)),
        ('SUM(METRICS("2"))', (20, N, 20, N)),
        ("SUM(METRICS() / 2)", (25, 12, 10, 4)),
        ("metric1 / SUM(metric1)", (0.6, 0.4, 0, 0)),
        ("metric1 * 0 + MAX(metric2) - MIN(metric2) + AVG(metric3)", (6, 6, 6, 6)),
        ("DATAPOINT_COUNT([metric1, metric2])", (2, 1, 2, 1)),
        ("metric1 * 0 + DATAPOINT_COUNT(metric2)", (2, 2, 2, 2)),
        ("metric1 * 0 + METRIC_COUNT(METRICS())", (3, 3, 3, 3)),
        ("metric1 / PERIOD(metric1)", (0.5, 1 / 3, 0, 0)),
        ("ABS(metric1 - 20)", (10, 0, 20, 20)),
        ("CEIL(metric1 / 40)", (1, 1, 0, 0)),
        ("FLOOR(metric1 / 30)", (1, 0, 0, 0)),
        ("DIFF(metric1)", (N, -10, -20, 0)),
        ("RATE(metric3)", (N, N, N, 4 / 120)),
        ("TIME_SERIES(5)", (5, 5, 5, 5)),
        ("IF(metric1 > 15, 1, 0)", (1, 1, 0, 0)),
        ("IF(metric1 < 400, metric2)", (20, 0, 20, 0)),
        ("IF(1, metric2, metric1)", (20, N, 20, N)),
        ("IF(0, metric2)", (N, N, N, N)),
    ],
)
def test_expressions_are_evaluated_as_documented(
    expression: str, result: tuple[float | None, ...]
) -> None:
    found = evaluated(
        expression, metric1=(30, 20, 0, 0), metric2=(20, N, 20, N), metric3=(N, 4, N, 8)
    )
    assert found == pytest.approx(result)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("IF(m1, m2, m3)", (30, 0, 20, N, N)),
        ("IF(m1, 5, m3)", (5, 5, 20, N, N)),
        ("IF(m1, m2, 5)", (30, 0, 5, 5, N)),
        ("IF(m1, m2)", (30, 0, N, N, N)),
    ],
)
def test_if_is_evaluated_as_in_the_tables_of_the_documentation(
    expression: str, result: Series
) -> None:
    found = evaluated(expression, m1=(1, 1, 0, 0, N), m2=(30, N, 0, 0, 30), m3=(0, 0, 20, N, 20))
    assert found == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("m1 +", "something is missing at its end"),
        ("m1 m1", "'m1' is not expected there"),
        ("m1 ? 2", "'? 2' is not understood"),
        ("(m1", "')' is missing"),
        ("[m1", "']' is missing"),
        ("[m1, 2]", "an array has time series, not numbers"),
        ("m1 + )", "')' is not expected there"),
        ("m2 * 2", "there is no m2; there is: m1, e1"),
        ("SEARCH(m1)", "the function SEARCH is not evaluated here; these are: METRICS, ABS"),
        ("IF(m1)", "IF does not take these arguments"),
        ("FILL(m1)", "FILL does not take these arguments"),
        ("TIME_SERIES(m1)", "TIME_SERIES does not take these arguments"),
        ("IF(1, 2, 3)", "IF does not take these arguments"),
        ('SUM(METRICS("x"))', "no metric has an id with 'x'"),
        ("SUM(5) + m1", "SUM of a number; it takes time series"),
        ("ABS(5) + m1", "5.0 is a number where metric math needs a time series"),
        ("SUM(m1)", "is a number; an alarm watches one time series"),
        ("[m1, m1]", "is several time series; an alarm watches one time series"),
        ("SUM([m1, m1] + [m1])", "+ has arrays of 2 and 1 time series"),
        ("e1 + m1", "refers to itself"),
    ],
)
def test_what_is_no_expression_of_an_alarm_is_refused(expression: str, message: str) -> None:
    with pytest.raises(AlarmEvaluationError) as caught:
        evaluated(expression, m1=(1.0, 2.0))
    assert message in str(caught.value)


def test_an_expression_may_refer_to_another() -> None:
    context = MathContext(
        metrics={"errors": (1.0,), "requests": (4.0,)},
        expressions={"rate": "errors / requests", "percent": "rate * 100"},
        period_seconds=60,
        length=1,
    )
    assert evaluate_expression("percent", context) == (25.0,)


numbers = st.integers(-20, 20).map(float)
Compute = Callable[[float, float], float]
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "<": lambda left, right: float(left < right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}


def _combined(
    sign: str, left: tuple[str, Compute], right: tuple[str, Compute]
) -> tuple[str, Compute]:
    apply, one, other = _OPERATORS[sign], left[1], right[1]
    return f"({left[0]} {sign} {right[0]})", lambda a, b: apply(one(a, b), other(a, b))


leaves: st.SearchStrategy[tuple[str, Compute]] = st.one_of(
    st.just(("a", lambda a, b: a)),
    st.just(("b", lambda a, b: b)),
    st.integers(0, 9).map(lambda n: (str(n), lambda a, b: float(n))),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(sorted(_OPERATORS)), inner, inner).map(lambda t: _combined(*t)),
        inner.map(lambda e: (f"-{e[0]}", lambda a, b: -e[1](a, b))),
    ),
    max_leaves=12,
)


@given(
    expression=expressions,
    a=st.lists(numbers, min_size=3, max_size=3),
    b=st.lists(numbers, min_size=3, max_size=3),
)
def test_any_expression_has_the_value_of_its_parts_in_each_period(
    expression: tuple[str, Compute], a: list[float], b: list[float]
) -> None:
    text, compute = expression
    found = evaluated(f"a * 0 + {text}", a=tuple(a), b=tuple(b))
    assert found == pytest.approx([compute(*pair) for pair in zip(a, b, strict=True)])


@given(text=st.text('ab1+-*/()[], <>=&|IFSUM"', max_size=20))
def test_any_text_is_an_expression_or_an_error_that_says_so(text: str) -> None:
    try:
        found = evaluated(text, a=(1.0, N), b=(2.0, 3.0))
    except AlarmEvaluationError:
        return
    assert len(found) == 2
