"""Alarms, whose states MiniStack takes from the last data of all metrics of a name."""

from __future__ import annotations

from dpra_constructs.rehearsal.emulator.alarms.definitions import store_whole_definitions
from dpra_constructs.rehearsal.emulator.alarms.evaluation import evaluate_on_the_clock
from dpra_constructs.rehearsal.emulator.alarms.history import keep_history


def alarm_definition() -> None:
    """Take alarms over expressions, and refuse those that the service refuses."""
    store_whole_definitions()


def alarm_state() -> None:
    """Evaluate alarms by the documented rules, on the scaled clock."""
    evaluate_on_the_clock()


def alarm_history() -> None:
    """Write the history as documented, to the millisecond, and send events."""
    keep_history()
