"""Conditions as lines of text, of a stage as CloudFormation has it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_KINDS = {"BeforeEntry": "before entry", "OnSuccess": "on success", "OnFailure": "on failure"}
_LONGEST_VALUE = 80


def condition_lines(stage: Mapping[str, Any]) -> Iterator[str]:
    """Return what a stage's conditions ask, and what happens otherwise.

    Args:
        stage: its properties, of which `BeforeEntry`, `OnSuccess` and `OnFailure` are read.

    >>> list(condition_lines({"OnFailure": {"Result": "ROLLBACK"}}))
    ['on failure: ROLLBACK']
    """
    for kind, text in _KINDS.items():
        given = stage.get(kind)
        if not given:
            continue
        if "Result" in given:
            mode = given.get("RetryConfiguration", {}).get("RetryMode")
            yield f"{text}: {' '.join(filter(None, [given['Result'], mode]))}"
        for condition in given.get("Conditions", ()):
            for rule in condition.get("Rules", ()):
                yield f"{text}: {_rule(rule)}, or {condition.get('Result')}"


def _rule(rule: Mapping[str, Any]) -> str:
    configuration = rule.get("Configuration", {})
    told = [f"{key}={_shown(value)}" for key, value in sorted(configuration.items())]
    told += [f"run={_shown(command)}" for command in rule.get("Commands", ())]
    told += [f"{key} {rule[key]}" for key in ("Region",) if key in rule]
    provider = rule["RuleTypeId"]["Provider"]
    return f"{provider} {rule['Name']}{' (' if told else ''}{', '.join(told)}{')' if told else ''}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
