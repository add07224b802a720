"""The states of an alarm, and what an evaluation says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dpra_constructs.errors import RehearsalError

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlarmEvaluationError(RehearsalError):
    """An alarm is not one that the service takes, or cannot be evaluated here."""


class NotEvaluatedError(AlarmEvaluationError):
    """The service takes such an alarm; it is not evaluated here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The state of an alarm.

    Args:
        state: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        reason: in words, as `StateReason` has it.
        reason_data: the same for programs, as `StateReasonData` has it.
    """

    state: str
    reason: str
    reason_data: Mapping[str, Any] = field(default_factory=dict)
