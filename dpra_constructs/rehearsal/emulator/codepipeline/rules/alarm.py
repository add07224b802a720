"""CloudWatchAlarm: waits until an alarm is in none of the states that are named.

The service's reference says that it succeeds at once when the alarm is well; what happens when it
is red at first is not described, and here it is waited for as long as `WaitTime` says.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-CloudWatchAlarm.html
"""

from __future__ import annotations

from dpra_constructs.rehearsal.emulator.alarms.minutes import SCALE
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError

_POLL_SECONDS = 60
_SHORTEST_POLL_SECONDS = 0.2


def _wait(context: ActionContext) -> Result:
    configuration = context.configuration
    name = configuration["AlarmName"]
    red = [each.strip() for each in configuration.get("AlarmStates", "ALARM").split(",")]
    waited, poll = 0.0, max(_POLL_SECONDS / SCALE, _SHORTEST_POLL_SECONDS)
    while (state := _state(context, name)) in red:
        if waited * SCALE >= float(configuration.get("WaitTime", "0")) * 60:
            raise ActionFailedError("JobFailed", f"the alarm {name} is in {state}")
        if context.run.abandoned.wait(poll):
            raise ActionFailedError("JobFailed", "the rule was abandoned")
        waited += poll
    return Result(summary=f"the alarm {name} is in {state}")


def _state(context: ActionContext, name: str) -> str:
    cloudwatch = context.actor.client("cloudwatch", context.action.region)
    found = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    if not alarms:
        raise ActionFailedError("ConfigurationError", f"there is no alarm {name}")
    return str(alarms[0]["StateValue"])


CLOUDWATCH_ALARM = ActionType(
    run=_wait,
    keys=frozenset({"AlarmName", "AlarmStates", "WaitTime"}),
    required=frozenset({"AlarmName"}),
)
