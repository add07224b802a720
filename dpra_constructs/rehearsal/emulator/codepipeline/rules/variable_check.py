"""VariableCheck: compares a variable, which is resolved as in an action's configuration.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-VariableCheck.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError

_OPERATORS = {
    "EQ": lambda given, value: given == value,
    "NE": lambda given, value: given != value,
    "CONTAINS": lambda given, value: value in given,
    "MATCHES": lambda given, value: re.fullmatch(value, given) is not None,
}


def _check(context: ActionContext) -> Result:
    configuration = context.configuration
    given, value = configuration["Variable"], configuration["Value"]
    operator = configuration["Operator"]
    if not _OPERATORS[operator](given, value):
        raise ActionFailedError(
            "JobFailed",
            f"{context.action.configuration['Variable']} is {given!r}, which is not "
            f"{operator} {value!r}",
        )
    return Result(summary=f"{given!r} {operator} {value!r}")


def _problems(action: Action) -> Iterable[str]:
    operator = action.configuration.get("Operator", "EQ")
    if operator not in _OPERATORS:
        yield f"the operator {operator}"


VARIABLE_CHECK = ActionType(
    run=_check,
    keys=frozenset({"Variable", "Value", "Operator"}),
    required=frozenset({"Variable", "Value", "Operator"}),
    check=_problems,
)
