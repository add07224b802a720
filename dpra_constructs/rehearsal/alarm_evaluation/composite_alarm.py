"""Composite alarms: a rule over the states of other alarms.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from dpra_constructs.rehearsal.alarm_evaluation.states import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    AlarmEvaluationError,
    Evaluation,
)

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*
            (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^()"\s](?:[^()"]*[^()"\s])?))\s*\)
      | (?P<word>AND|OR|NOT|TRUE|FALSE)\b
      | (?P<bracket>[()])
    )""",
    re.VERBOSE,
)
_Rule = Callable[[Mapping[str, str]], bool]


def child_alarms(rule: str) -> tuple[str, ...]:
    """Return the alarms that a rule names, by name or ARN as written, in their order.

    >>> child_alarms('ALARM("errors") OR NOT OK(latency) OR ALARM(errors)')
    ('errors', 'latency')

    Raises:
        AlarmEvaluationError: it is no rule.
    """
    return tuple(dict.fromkeys(_parse(rule)[1]))


def evaluate_composite_alarm(rule: str, states: Mapping[str, str]) -> Evaluation:
    """Evaluate a composite alarm: `ALARM` when its rule is true, otherwise `OK`.

    Args:
        rule: `AlarmRule`.
        states: of the alarms that the rule names, by name or ARN; an alarm that is not there has
            `INSUFFICIENT_DATA`.

    >>> evaluate_composite_alarm("ALARM(a) AND NOT ALARM(b)", {"a": "ALARM", "b": "OK"}).state
    'ALARM'

    Raises:
        AlarmEvaluationError: it is no rule.
    """
    holds, children = _parse(rule)
    state = ALARM if holds(states) else OK
    shown = ", ".join(f"{name} is {_state(states, name)}" for name in dict.fromkeys(children))
    return Evaluation(
        state=state,
        reason=f"the rule {rule} is {'TRUE' if state == ALARM else 'FALSE'}: {shown}"[:1023],
        reason_data={
            "triggeringAlarms": [
                {"name": name, "state": {"value": _state(states, name)}}
                for name in dict.fromkeys(children)
                if _state(states, name) == state
            ]
        },
    )


def _state(states: Mapping[str, str], reference: str) -> str:
    found = states.get(reference)
    if found is None and reference.startswith("arn:"):
        found = states.get(reference.partition(":alarm:")[2])
    return found or INSUFFICIENT_DATA


def _parse(rule: str) -> tuple[_Rule, list[str]]:
    return _Parser(rule).parse()


class _Parser:
    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._tokens = list(self._tokenize())
        self._next = 0
        self._children: list[str] = []

    def parse(self) -> tuple[_Rule, list[str]]:
        holds = self._disjunction()
        if self._next < len(self._tokens):
            raise self._error(f"{self._tokens[self._next][0]!r} is not expected there")
        return holds, self._children

    def _tokenize(self) -> Iterator[tuple[str, str]]:
        """Yield (kind, name): of a word or bracket the kind is the text itself."""
        position = 0
        while self._rule[position:].strip():
            match = _TOKEN.match(self._rule, position)
            if not match:
                raise self._error(f"{self._rule[position:].strip()!r} is not understood")
            if match["state"]:
                name = match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
                yield match["state"], name
            else:
                yield match["word"] or match["bracket"], ""
            position = match.end()

    def _error(self, problem: str) -> AlarmEvaluationError:
        return AlarmEvaluationError(
            f"AlarmRule {self._rule!r}: {problem}; a rule is made of ALARM(name), OK(name), "
            "INSUFFICIENT_DATA(name), TRUE and FALSE with AND, OR, NOT and parentheses"
        )

    def _take(self, *kinds: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next][0] in kinds:
            self._next += 1
            return True
        return False

    def _disjunction(self) -> _Rule:
        parts = [self._conjunction()]
        while self._take("OR"):
            parts.append(self._conjunction())
        return lambda states: any(part(states) for part in parts)

    def _conjunction(self) -> _Rule:
        parts = [self._negation()]
        while self._take("AND"):
            parts.append(self._negation())
        return lambda states: all(part(states) for part in parts)

    def _negation(self) -> _Rule:
        if self._take("NOT"):
            negated = self._negation()
            return lambda states: not negated(states)
        if self._take("("):
            inner = self._disjunction()
            if not self._take(")"):
                raise self._error("a parenthesis is not closed")
            return inner
        if self._take("TRUE"):
            return lambda states: True
        if self._take("FALSE"):
            return lambda states: False
        if self._take(ALARM, OK, INSUFFICIENT_DATA):
            wanted, name = self._tokens[self._next - 1]
            self._children.append(name)
            return lambda states: _state(states, name) == wanted
        raise self._error("an alarm's state is missing")
