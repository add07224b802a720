"""The marker by which a person overrides a bake or a window: a value of one parameter.

Systems Manager records who has written it, and tells EventBridge. The bake believes a marker that
names its stage and its execution, gives a reason, and is not too old.
"""

import json
from typing import Any

#: What the parameter holds when nobody has overridden anything yet.
NOTHING = "none"
#: How long a marker holds; a bake reads it every minute or so.
VALID_SECONDS = 60 * 60
LONGEST_REASON = 1_000


def marker(*, stage: str, what: str, execution: str, reason: str, now: float) -> str:
    """Return the value.

    Args:
        stage: the pipeline stage.
        what: that is overridden there: "the bake", "the window".
        execution: the execution that goes on, and no other.
        reason: why.
        now: seconds since 1970.
    """
    given = {
        "stage": stage,
        "what": what,
        "execution": execution,
        "reason": reason[:LONGEST_REASON],
        "until": int(now) + VALID_SECONDS,
    }
    return json.dumps(given)


def reason_to_go_on(value: str, *, stage: str, execution: str, now: float) -> str | None:
    """Return the reason of a marker for a stage and an execution, or None if it is for neither.

    >>> value = marker(stage="Prod-rest", what="the bake", execution="e", reason="known", now=0)
    >>> reason_to_go_on(value, stage="Prod-rest", execution="e", now=60)
    'known'
    >>> reason_to_go_on(value, stage="Prod-rest", execution="e", now=3601) is None
    True
    """
    try:
        given: Any = json.loads(value)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    reason, until = given.get("reason"), given.get("until")
    if given.get("stage") != stage or given.get("execution") != execution:
        return None
    if not isinstance(reason, str) or not reason.strip():
        return None
    # One that holds longer than this library writes is not one of its own.
    if isinstance(until, bool) or not isinstance(until, int):
        return None
    return reason if now < until <= now + VALID_SECONDS else None
