"""What is told of an alarm's states: its history, and events.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, eventbridge

_INITIAL = "Unchecked: Initial alarm creation"
_QUEUE: queue.SimpleQueue[tuple[str, str, dict[str, Any]]] = queue.SimpleQueue()


def keep_history() -> None:
    """Write items as the service does, with milliseconds, and send an event for each state."""
    cloudwatch._record_history = _record
    threading.Thread(target=_send_all, daemon=True, name="alarm-events").start()


def _record(
    name: str,
    old_state: str,
    new_state: str,
    reason: str,
    alarm_type: str = "MetricAlarm",
    reason_data: Any = None,
) -> None:
    now = time.time()
    item = {"AlarmName": name, "AlarmType": alarm_type, "Timestamp": _iso(now)}
    if old_state == new_state and reason == _INITIAL:
        cloudwatch._history_entries().append(
            {
                **item,
                "HistoryItemType": "ConfigurationUpdate",
                "HistorySummary": f'Alarm "{name}" created',
                "HistoryData": json.dumps({"version": "1.0", "type": "Create"}),
            }
        )
        return
    before = _last_state(name) or {"stateValue": old_state}
    after = {"stateValue": new_state, "stateReason": reason}
    if reason_data:
        after["stateReasonData"] = reason_data
    cloudwatch._history_entries().append(
        {
            **item,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {old_state} to {new_state}",
            "HistoryData": json.dumps({"version": "1.0", "oldState": before, "newState": after}),
        }
    )
    alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
    if alarm:
        # With the history's milliseconds, as whoever reads the state compares both.
        alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = round(now, 3)
        _tell(alarm, before, after, now)


def _last_state(name: str) -> dict[str, Any] | None:
    for item in reversed(cloudwatch._history_entries()):
        if item["AlarmName"] == name and item["HistoryItemType"] == "StateUpdate":
            state: dict[str, Any] = json.loads(item["HistoryData"])["newState"]
            return state
    return None


def _tell(alarm: dict[str, Any], before: dict[str, Any], after: dict[str, Any], now: float) -> None:
    detail = {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": _shown(before),
        "state": {**_shown(after), "timestamp": _iso(now).replace("Z", "+0000")},
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [alarm["AlarmArn"]],
    }
    _QUEUE.put((get_account_id(), get_region(), entry))


def _shown(state: dict[str, Any]) -> dict[str, str]:
    data = state.get("stateReasonData")
    shown = {
        "value": state["stateValue"],
        "reason": state.get("stateReason", ""),
        "reasonData": json.dumps(data) if isinstance(data, dict) else data or "",
    }
    return {name: value for name, value in shown.items() if value}


def _configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    if "AlarmRule" in alarm:
        return {"alarmRule": alarm["AlarmRule"], "description": alarm.get("AlarmDescription", "")}
    queries = alarm.get("Metrics") or [
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": alarm.get("Namespace", ""),
                    "MetricName": alarm.get("MetricName", ""),
                    "Dimensions": alarm.get("Dimensions") or [],
                },
                "Period": alarm.get("Period"),
                "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
            },
        }
    ]
    return {
        "description": alarm.get("AlarmDescription", ""),
        "metrics": [_metric(each) for each in queries],
    }


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        shown["metricStat"] = {
            "metric": {
                "namespace": metric.get("Namespace", ""),
                "name": metric.get("MetricName", ""),
                "dimensions": {
                    each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()
                },
            },
            "period": stat.get("Period"),
            "stat": stat.get("Stat"),
        }
    else:
        shown["expression"] = query.get("Expression", "")
    return shown


def _iso(epoch: float) -> str:
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _send_all() -> None:
    while True:
        account, region, entry = _QUEUE.get()
        try:
            with request_scope(account, region):
                eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        except Exception:
            # A target's failure is that target's; alarms go on, as in the service.
            logging.getLogger("cloudwatch").exception("an event was not delivered")
