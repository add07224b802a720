"""The alarms that stop a deployment and roll it back: checked, by name, and who may read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.health_alarms import HealthAlarm
from dpra_constructs.monitoring.settle import EVALUATION_DELAY_MINUTES
from dpra_constructs.progressive_deployment.traffic_shift import TrafficShift

# Of a CodeDeploy deployment group, before its quota is raised.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
MOST_ALARMS = 50

#: An alarm, or the name of one that depends on what is deployed.
RollbackAlarm = cloudwatch.IAlarm | cloudwatch.CfnAlarm | str


@dataclass(slots=True)
class RollbackAlarms:
    """The alarms of one deployment, to which more may come."""

    where: str
    scope: Construct
    _given: list[RollbackAlarm] = field(default_factory=list)

    def add(self, alarms: Iterable[RollbackAlarm]) -> None:
        """Add alarms.

        Raises:
            InvalidArgumentError: one is none, or there are more than a deployment takes.
        """
        if isinstance(alarms, str) or not isinstance(alarms, Iterable):
            raise InvalidArgumentError(
                self.where,
                f"alarms={arguments.shown(alarms)} is no sequence of alarms",
                "write it like alarms=[errors_alarm, latency_alarm]",
            )
        for alarm in alarms:
            if isinstance(alarm, str):
                arguments.text(self.where, "alarms", alarm)
            elif not isinstance(alarm, cloudwatch.CfnAlarm) and not hasattr(alarm, "alarm_arn"):
                raise InvalidArgumentError(
                    self.where,
                    f"alarms has {arguments.shown(alarm)}, which is no alarm",
                    "give alarms of aws_cdk.aws_cloudwatch, made or imported, or the name of one",
                )
            if alarm not in self._given:
                self._given.append(alarm)
        if len(self._given) > MOST_ALARMS:
            raise InvalidArgumentError(
                self.where,
                f"{len(self._given)} alarms are to roll a deployment back, and a deployment takes "
                f"{MOST_ALARMS}",
                "give those that show that a new version is bad, or a composite alarm of them",
            )

    @property
    def names(self) -> list[str]:
        """The names of the alarms, as CloudFormation knows them."""
        return [
            alarm
            if isinstance(alarm, str)
            else alarm.ref
            if isinstance(alarm, cloudwatch.CfnAlarm)
            else alarm.alarm_name
            for alarm in self._given
        ]

    def check_time(self, shift: TrafficShift, bake_minutes: int = 0) -> None:
        """Refuse a shift that ends before the slowest of the ready-made alarms can stop it.

        Raises:
            InvalidArgumentError: it does.
        """
        slowest = max((_minutes(each) for each in self._given), default=0)
        watched = shift.minutes + bake_minutes
        if shift.is_progressive and watched < slowest:
            raise InvalidArgumentError(
                self.where,
                f"the shift is {shift}, which ends after {watched} minutes, and its alarms show a "
                f"bad version after {slowest}",
                f"let it take {slowest} minutes or more",
            )

    def read_by(self, role: Construct) -> dict[str, Any]:
        """Return the statement that lets a service read them, and acknowledge what is wide in it.

        CloudWatch returns composite alarms only to permissions on all, so that one of which the
        kind is not known here needs them.
        """
        stack = Stack.of(self.scope)
        resources = []
        for alarm in self._given:
            if isinstance(alarm, cloudwatch.CfnAlarm):
                resources.append(alarm.attr_arn)
            elif isinstance(alarm, cloudwatch.Alarm):
                resources.append(alarm.alarm_arn)
            else:
                Validations.of(role).acknowledge(
                    Acknowledgment(
                        id="AwsSolutions-IAM5[Resource::*]",
                        reason="An alarm is imported, composite or given by name, and CloudWatch "
                        "returns composite alarms only to permissions on *; the action only reads "
                        "alarms, and those of this region alone",
                    )
                )
                return {
                    "Effect": "Allow",
                    "Action": "cloudwatch:DescribeAlarms",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:RequestedRegion": stack.region}},
                }
        return {
            "Effect": "Allow",
            "Action": "cloudwatch:DescribeAlarms",
            "Resource": resources,
        }


def _minutes(alarm: RollbackAlarm) -> int:
    """Return how long an alarm needs to show what is bad from the first minute, 0 if unknown."""
    if not isinstance(alarm, HealthAlarm):
        return 0
    seconds = alarm.definition.period_seconds * alarm.definition.datapoints
    return math.ceil(seconds / 60) + EVALUATION_DELAY_MINUTES
