from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.rehearsal.alarm_evaluation import (
    AlarmEvaluationError,
    child_alarms,
    evaluate_composite_alarm,
)

ARN = "arn:aws:cloudwatch:us-west-2:444444444444:alarm:errors"


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("TRUE", "ALARM"),
        ("FALSE", "OK"),
        ("ALARM(red)", "ALARM"),
        ('ALARM("red")', "ALARM"),
        ("OK(red)", "OK"),
        ("ALARM(red) AND ALARM(green)", "OK"),
        ("ALARM(red) AND NOT ALARM(green)", "ALARM"),
        ("(ALARM(red) OR ALARM(green)) AND OK(green)", "ALARM"),
        ("ALARM(red) OR ALARM(green) AND FALSE", "ALARM"),
        ("NOT NOT ALARM(red)", "ALARM"),
        ("NOT (ALARM(red) OR TRUE)", "OK"),
        ("INSUFFICIENT_DATA(grey)", "ALARM"),
        ("INSUFFICIENT_DATA(absent)", "ALARM"),
        ("ALARM(with a space)", "ALARM"),
        (r'ALARM("with \"quotes\" (and more)")', "ALARM"),
    ],
)
def test_rules_are_evaluated_as_documented(rule: str, state: str) -> None:
    states = {
        "red": "ALARM",
        "green": "OK",
        "grey": "INSUFFICIENT_DATA",
        "with a space": "ALARM",
        'with "quotes" (and more)': "ALARM",
    }
    assert evaluate_composite_alarm(rule, states).state == state


def test_an_alarm_is_found_by_its_arn() -> None:
    assert evaluate_composite_alarm(f'ALARM("{ARN}")', {"errors": "ALARM"}).state == "ALARM"
    assert child_alarms(f'ALARM("{ARN}")') == (ARN,)


def test_the_reason_says_the_state_of_each_alarm() -> None:
    found = evaluate_composite_alarm("ALARM(a) OR ALARM(b)", {"a": "OK", "b": "ALARM"})
    assert found.reason == "the rule ALARM(a) OR ALARM(b) is TRUE: a is OK, b is ALARM"
    assert found.reason_data == {"triggeringAlarms": [{"name": "b", "state": {"value": "ALARM"}}]}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", "an alarm's state is missing"),
        ("ALARM(a) OR", "an alarm's state is missing"),
        ("ALARM(a) ALARM(b)", "'ALARM' is not expected there"),
        ("(ALARM(a)", "a parenthesis is not closed"),
        ("RED(a)", "'RED(a)' is not understood"),
        ("ALARM()", "'ALARM()' is not understood"),
    ],
)
def test_what_is_no_rule_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(AlarmEvaluationError) as caught:
        evaluate_composite_alarm(rule, {})
    assert str(caught.value) == (
        f"AlarmRule {rule!r}: {problem}; a rule is made of ALARM(name), OK(name), "
        "INSUFFICIENT_DATA(name), TRUE and FALSE with AND, OR, NOT and parentheses"
    )


States = dict[str, str]
Rule = tuple[str, Callable[[States], bool]]


def _leaf(state: str, name: str) -> Rule:
    return f'{state}("{name}")', lambda states: states[name] == state


def _both(sign: str, left: Rule, right: Rule) -> Rule:
    one, other = left[1], right[1]
    if sign == "AND":
        return f"({left[0]} AND {right[0]})", lambda states: one(states) and other(states)
    return f"({left[0]} OR {right[0]})", lambda states: one(states) or other(states)


def _not(inner: Rule) -> Rule:
    holds = inner[1]
    return f"NOT {inner[0]}", lambda states: not holds(states)


state = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])
rules = st.recursive(
    st.tuples(state, st.sampled_from("abc")).map(lambda t: _leaf(*t)),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["AND", "OR"]), inner, inner).map(lambda t: _both(*t)),
        inner.map(_not),
    ),
    max_leaves=10,
)


@given(rule=rules, states=st.fixed_dictionaries({"a": state, "b": state, "c": state}))
def test_any_rule_has_the_value_of_its_parts(rule: Rule, states: States) -> None:
    text, holds = rule
    assert evaluate_composite_alarm(text, states).state == ("ALARM" if holds(states) else "OK")
