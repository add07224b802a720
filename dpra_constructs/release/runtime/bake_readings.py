"""What the bake reads of a region: when it was deployed to, and its alarm since then."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import names
from .bake_parameters import Bake

# An alarm that changes more often than this in one bake cannot be followed.
_MOST_PAGES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one call saw of one region's alarm.

    Attributes:
        problem: why it could not be read; the rest says nothing then.
        state: OK, ALARM or INSUFFICIENT_DATA.
        reason: CloudWatch's reason for the state.
        alarmed_at: when it first went into ALARM after the deployment, if it did.
        alarm_reason: CloudWatch's reason for that.
        at: when it was read.
    """

    problem: str | None = None
    state: str = ""
    reason: str = ""
    alarmed_at: int | None = None
    alarm_reason: str = ""
    at: int = 0


def deployment_times(codepipeline: Any, bake: Bake, now: int) -> tuple[bool, tuple[int, ...]]:
    """Ask CodePipeline whether this is a rollback, and when each region was deployed to.

    An attempt of this bake that has ended counts too: what it saw does not fail its retry.
    """
    execution = codepipeline.get_pipeline_execution(
        pipelineName=bake.pipeline, pipelineExecutionId=bake.execution
    )["pipelineExecution"]
    ended: dict[str, int] = {}
    earlier_bake, this_bake = 0, now
    for action in _pages(
        lambda more: codepipeline.list_action_executions(
            pipelineName=bake.pipeline,
            filter={"pipelineExecutionId": bake.execution},
            **({"nextToken": more} if more else {}),
        ),
        "actionExecutionDetails",
        "nextToken",
    ):
        if action.get("stageName") != bake.stage:
            continue
        given = action.get("input", {})
        if action.get("actionName") == names.BAKE_ACTION:
            if action.get("status") == "InProgress":
                this_bake = _milliseconds(action["startTime"])
            else:
                earlier_bake = max(earlier_bake, _milliseconds(action["lastUpdateTime"]))
        elif given.get("actionTypeId", {}).get("category") == "Deploy":
            region = given.get("region", "")
            ended[region] = max(ended.get(region, 0), _milliseconds(action["lastUpdateTime"]))
    deployed = tuple(max(ended.get(each, this_bake), earlier_bake) for each in bake.regions)
    return execution.get("executionType") == "ROLLBACK", deployed


def read_alarm(cloudwatch: Any, name: str, deployed: int) -> Reading:
    """Read the state of an alarm, and whether it went into ALARM since the deployment.

    The history shows what happened between two calls; CloudWatch may write it late, so the state's
    own time counts too.
    """
    alarms = [
        alarm
        for alarm in cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["CompositeAlarm"]
        ).get("CompositeAlarms", [])
        if alarm.get("AlarmName") == name
    ]
    if not alarms:
        return Reading(problem="the alarm does not exist")
    state, reason = alarms[0].get("StateValue"), alarms[0].get("StateReason", "")
    if state not in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        return Reading(problem=f"CloudWatch gives its state as {state!r}")
    first: tuple[int, str] | None = None
    since = alarms[0].get("StateTransitionedTimestamp")
    if state == "ALARM" and since and _milliseconds(since) >= deployed:
        first = _milliseconds(since), reason
    for item in _pages(
        lambda more: cloudwatch.describe_alarm_history(
            AlarmName=name,
            # Without it, CloudWatch returns the history of metric alarms alone.
            AlarmTypes=["CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(deployed / 1000, UTC),
            ScanBy="TimestampAscending",
            **({"NextToken": more} if more else {}),
        ),
        "AlarmHistoryItems",
        "NextToken",
    ):
        at = _milliseconds(item["Timestamp"])
        if at < deployed or item.get("AlarmName", name) != name:
            continue
        new_state, new_reason = _transition(item)
        if new_state is None:
            return Reading(problem=f"its history at {time_text(at)} cannot be understood")
        if new_state == "ALARM" and (first is None or at <= first[0]):
            first = at, new_reason
    return Reading(
        state=state,
        reason=reason,
        alarmed_at=first[0] if first else None,
        alarm_reason=first[1] if first else "",
    )


def _transition(item: dict[str, Any]) -> tuple[str | None, str]:
    """Return the new state of a history item, and its reason."""
    summary = item.get("HistorySummary", "")
    try:
        new = json.loads(item["HistoryData"])["newState"]
        return str(new["stateValue"]), str(new.get("stateReason", summary))
    except (KeyError, ValueError, TypeError):
        # CloudWatch cuts data that is too long.
        said = re.search(r" to (OK|ALARM|INSUFFICIENT_DATA)\b", summary)
        return (said[1] if said else None), summary


def _pages(
    call: Callable[[str | None], dict[str, Any]], items: str, token: str
) -> Iterator[dict[str, Any]]:
    more: str | None = None
    for _ in range(_MOST_PAGES):
        page = call(more)
        yield from page.get(items, [])
        more = page.get(token)
        if not more:
            return
    raise RuntimeError(f"{items} has more than {_MOST_PAGES} pages")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def time_text(milliseconds: int) -> str:
    """Return a moment for a message."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
