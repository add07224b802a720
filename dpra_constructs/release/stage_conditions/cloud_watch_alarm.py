"""The rule that looks at an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions.rule import Rule
from dpra_constructs.release.stage_conditions.service_terms import ALARM_STATES

# A bake of its own is an action; a rule of the service has no timeout that could be set.
_LONGEST_WAIT_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class CloudWatchAlarm(Rule):
    """An alarm is in one of some states. The bake of a deployment is not this: see `Wave`.

    Args:
        alarm: its name.
        states: ALARM, OK, INSUFFICIENT_DATA; without them as the service has it for the kind of
            condition.
        wait_minutes: how long it may take to reach one of them, up to a day; without it not at
            all.
        composite: whether it is a composite alarm, for which the permission has no narrower
            resource.

    >>> CloudWatchAlarm("Calm", alarm="db-load", states=["OK"], wait_minutes=5).configuration
    {'AlarmName': 'db-load', 'AlarmStates': 'OK', 'WaitTime': '5'}
    """

    PROVIDER: ClassVar[str] = "CloudWatchAlarm"

    _: KW_ONLY
    alarm: str
    states: Sequence[str] = ()
    wait_minutes: int | None = None
    composite: bool = False

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        alarm = arguments.text(self.where, "alarm", self.alarm)
        if len(alarm) > 255:
            raise InvalidArgumentError(
                self.where,
                f"alarm has {len(alarm)} characters, and a name has at most 255",
                "give the alarm's name",
            )
        states = arguments.texts(self.where, "states", self.states)
        for state in states:
            arguments.one_of(self.where, "states", state, ALARM_STATES)
        arguments.unique(self.where, "states", states)
        object.__setattr__(self, "states", states)
        check = arguments.optional(arguments.count(1, _LONGEST_WAIT_MINUTES))
        check(self.where, "wait_minutes", self.wait_minutes)
        arguments.flag(self.where, "composite", self.composite)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"AlarmName": self.alarm}
        if self.states:
            given["AlarmStates"] = ",".join(self.states)
        if self.wait_minutes is not None:
            given["WaitTime"] = str(self.wait_minutes)
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        if self.composite:
            return (
                Permission(
                    actions=["cloudwatch:DescribeAlarms"],
                    resources=["*"],
                    reason="CloudWatch returns composite alarms only to permissions that are "
                    "scoped to *; the action only reads alarms",
                ),
            )
        alarm = f"arn:{{partition}}:cloudwatch:{self.place}:alarm:{self.alarm}"
        return (Permission(actions=["cloudwatch:DescribeAlarms"], resources=[alarm]),)
