"""Lets versions of functions be slow or fail, as a bad release is.

Which version it is, is told by the code: a rollback brings the old code back, and with it the old
behaviour.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

REASON = "made to fail by the rehearsal"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fault:
    code: str
    of_other_code: bool
    seconds: float
    fails: bool


_FAULTS: dict[tuple[str, str, str], _Fault] = {}


def misbehave(
    functions: Sequence[Mapping[str, str]], of_other_code: bool, seconds: float, fails: bool
) -> None:
    """Let functions misbehave, and no others.

    Args:
        functions: each with its `account`, `region`, `name`, and `code`, a SHA-256.
        of_other_code: whether it is all code but this that misbehaves, or this code.
        seconds: how much longer a call takes.
        fails: whether a call fails.
    """
    _FAULTS.clear()
    for each in functions:
        _FAULTS[each["account"], each["region"], each["name"]] = _Fault(
            code=each["code"], of_other_code=of_other_code, seconds=seconds, fails=fails
        )


def register() -> None:
    """Look at each call of a function."""
    dispatch: Any = lambda_svc._execute_function_dispatch

    def execute(func: Any, config: dict[str, Any], *arguments: Any, **more: Any) -> Any:
        key = (get_account_id(), get_region(), config.get("FunctionName", ""))
        fault = _FAULTS.get(key)
        if fault and (config.get("CodeSha256") != fault.code) == fault.of_other_code:
            time.sleep(fault.seconds)
            if fault.fails:
                body = {"errorMessage": REASON, "errorType": "RuntimeError"}
                return {"error": True, "function_error": "Unhandled", "body": body, "log": REASON}
        return dispatch(func, config, *arguments, **more)

    lambda_svc._execute_function_dispatch = execute
