"""Evaluates the alarms that the emulator holds, as often as CloudWatch does, on its clock."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from dpra_constructs.rehearsal.alarm_evaluation import (
    AlarmDefinition,
    AlarmEvaluationError,
    Datapoint,
    Evaluation,
    Metric,
    evaluate_alarm,
    evaluate_composite_alarm,
    evaluation_interval_seconds,
    read_alarm,
    statistic_set,
)
from dpra_constructs.rehearsal.emulator.alarms import minutes
from dpra_constructs.rehearsal.emulator.state import STILL

# The shortest interval of CloudWatch, and how often this process looks at most.
_INTERVAL_SECONDS = 10
_SHORTEST_TICK_SECONDS = 0.1
_LONGEST_TICK_SECONDS = 5.0
# Enough for every range that is evaluated: the service keeps N periods to a week.
_FURTHER_PERIODS = 2
_DATES = ("queryDate", "startDate")
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"

_Key = tuple[str, str, str]
#: What was read of an alarm, and when it was last evaluated; by account, region and name.
_READ: dict[_Key, tuple[dict[str, Any], AlarmDefinition | None]] = {}
_EVALUATED: dict[_Key, float] = {}


def evaluate_on_the_clock() -> None:
    """Evaluate alarms when they are written, and then on the clock, by the documented rules."""
    cloudwatch._evaluate_alarm = _evaluate
    # New data is seen at the next evaluation, as in the service.
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._composite_rule_state = _composite_state
    threading.Thread(target=_evaluate_always, daemon=True, name="alarms").start()


def _evaluate_always() -> None:
    tick = _INTERVAL_SECONDS / minutes.SCALE
    tick = min(max(tick, _SHORTEST_TICK_SECONDS), _LONGEST_TICK_SECONDS)
    while True:
        time.sleep(tick)
        try:
            # Not while the emulator's state is saved.
            with STILL:
                _evaluate_due()
        except Exception:
            logging.getLogger("cloudwatch").exception("alarms were not evaluated")


def _evaluate_due() -> None:
    now = minutes.scaled(time.time())
    for key, alarm in list(cloudwatch._alarms._data.items()):
        definition = _definition(key, alarm)
        if definition is None:
            continue
        interval = evaluation_interval_seconds(definition)
        if _EVALUATED.get(key) != now // interval:
            _EVALUATED[key] = now // interval
            with request_scope(key[0], key[1]):
                _evaluate(alarm)


def _definition(key: _Key, alarm: dict[str, Any]) -> AlarmDefinition | None:
    """Read an alarm once; None of one that is not evaluated."""
    known = _READ.get(key)
    if known and known[0] == alarm_shape(alarm):
        return known[1]
    try:
        definition = read_alarm(alarm)
    except AlarmEvaluationError as error:
        definition = None
        alarm["StateReason"] = f"Unchecked: the rehearsal does not evaluate it: {error}"
    _READ[key] = (alarm_shape(alarm), definition)
    return definition


def alarm_shape(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an alarm does not change by its evaluation."""
    return {name: value for name, value in alarm.items() if not name.startswith("State")}


def _evaluate(alarm: dict[str, Any]) -> None:
    key = (get_account_id(), get_region(), alarm["AlarmName"])
    definition = _definition(key, alarm)
    if definition is None:
        return
    now = time.time()
    found = evaluate_alarm(
        definition,
        _data(definition, now),
        now=minutes.scaled(now),
        state=alarm["StateValue"],
    )
    if found.state != alarm["StateValue"]:
        _change(alarm, found)


def _data(definition: AlarmDefinition, now: float) -> dict[Metric, list[Datapoint]]:
    """Return what is stored of the metrics, on the scaled line, as far back as is looked at."""
    periods = definition.evaluation_periods + _FURTHER_PERIODS + 1
    oldest = now - definition.period_seconds * periods / minutes.SCALE
    data: dict[Metric, list[Datapoint]] = {}
    for query in definition.queries.values():
        if query.metric is None or query.metric in data:
            continue
        metric = query.metric
        stored = cloudwatch._metrics.get(
            (metric.namespace, metric.name, cloudwatch._dims_key(dict(metric.dimensions)))
        )
        data[metric] = [_datapoint(point) for point in stored or () if point["Timestamp"] >= oldest]
    return data


def _datapoint(point: Mapping[str, Any]) -> Datapoint:
    at, unit = minutes.scaled(point["Timestamp"]), str(point.get("Unit") or "None")
    if stat := point.get("_stat"):
        return statistic_set(
            at,
            sample_count=float(stat["SampleCount"]),
            sum=float(stat["Sum"]),
            minimum=float(stat["Minimum"]),
            maximum=float(stat["Maximum"]),
            unit=unit,
        )
    return Datapoint(at, float(point["Value"]), float(point.get("Count", 1.0)), unit)


def _change(alarm: dict[str, Any], found: Evaluation) -> None:
    before = alarm["StateValue"]
    data = _with_real_dates(found.reason_data)
    alarm["StateValue"], alarm["StateReason"] = found.state, found.reason
    alarm["StateReasonData"] = json.dumps(data)
    alarm["StateUpdatedTimestamp"] = time.time()
    cloudwatch._record_history(
        alarm["AlarmName"], before, found.state, found.reason, "MetricAlarm", data
    )
    cloudwatch._dispatch_alarm_actions(alarm, before, found.state, found.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _with_real_dates(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **data,
        **{name: _real(data[name]) for name in _DATES if name in data},
        "evaluatedDatapoints": [
            {**point, "timestamp": _real(point["timestamp"])}
            for point in data.get("evaluatedDatapoints", ())
        ],
    }


def _real(shown: str) -> str:
    real = minutes.unscaled(datetime.strptime(shown, _DATE_FORMAT).timestamp())
    return datetime.fromtimestamp(real, UTC).isoformat(timespec="milliseconds")


def _composite_state(alarm: Mapping[str, Any]) -> str:
    stores = (cloudwatch._alarms, cloudwatch._composite_alarms)
    states = {name: each["StateValue"] for store in stores for name, each in store.items()}
    return evaluate_composite_alarm(alarm["AlarmRule"], states).state
