"""The health of one deployed target, as the pipeline's bake reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, Stack, Stage, Token, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.health_alarms import HealthAlarm
from dpra_constructs.monitoring.settle import SHORTEST_MINUTES, settle_minutes
from dpra_constructs.release.runtime import names
from dpra_constructs.target_constructs import check_place, role_of_pipeline

_LONGEST_SETTLE_MINUTES = 23 * 60
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
_MOST_ALARMS = 100
_OF_STAGE = "_dpra_deployment_health"


class DeploymentHealth(Construct):
    """Says by one alarm whether a target is healthy; a bake fails on it (DPRA-GAMMA-MONITORING).

    A composite alarm, in ALARM when any of the alarms is, and a role through which the pipeline's
    bake reads it, and nothing else can be done. One in each `cdk.Stage`.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        alarms: 1 to 100: ready-made ones, like `function_alarms(function)`, a team's own of
            `aws_cdk`, those of cdk-monitoring-constructs, or imported ones.
        settle: how long after a deployment the alarms may still show the old version, 5 minutes
            to 23 hours; needed where an alarm's periods cannot be read here, because it is
            imported or composite. Without it the longest period x evaluation periods, and 2
            minutes.

    Raises:
        InvalidArgumentError: an argument is not one of those, the stack is not in the target's
            account and region, or there is a second one in the `cdk.Stage`.

    >>> from aws_cdk import App, Stack, aws_cloudwatch
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Api", env=target.env)
    >>> errors = aws_cloudwatch.Metric(namespace="Fruit", metric_name="Errors")
    >>> alarm = errors.create_alarm(stack, "Errors", threshold=1, evaluation_periods=2)
    >>> DeploymentHealth(stack, "Health", target=target, alarms=[alarm]).settle_minutes
    12

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-combining.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        alarms: Iterable[cloudwatch.IAlarm | cloudwatch.CfnAlarm],
        settle: Duration | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        watched = _alarms(where, alarms)
        minutes = _settle_minutes(where, watched, settle)
        stack = Stack.of(scope)
        check_place(where, stack, target)
        stage = Stage.of(scope)
        if first := self.of(stage):
            raise InvalidArgumentError(
                where,
                f"{first.node.path} is the health of this target already, and both would have the "
                "same names",
                "give all alarms to that one",
            )
        super().__init__(scope, id)
        # Kept at the stage, whose constructs then need not be searched.
        setattr(stage, _OF_STAGE, self)
        place = (target.pipeline.name, target.environment, target.region)
        #: The target whose health this is.
        self.target = target
        #: The alarms that it is made of.
        self.watched = watched
        #: How long after a deployment the alarms may still show the version before, in minutes.
        self.settle_minutes = minutes
        #: The composite alarm.
        self.alarm = cloudwatch.CompositeAlarm(
            self,
            "Alarm",
            composite_alarm_name=names.health_alarm_name(*place),
            alarm_description=f"{target.environment} of {target.pipeline.name} in {target.region}: "
            "the pipeline's bake fails on it and rolls back",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                    for alarm in watched
                )
            ),
        )
        #: The role that the bake assumes.
        self.gate_role = gate_role(self, stack.partition, target)

    @staticmethod
    def of(stage: Stage | None) -> DeploymentHealth | None:
        """Return the health of a `cdk.Stage`, or None where it has none."""
        health = getattr(stage, _OF_STAGE, None)
        return health if isinstance(health, DeploymentHealth) else None


def _alarms(where: str, given: object) -> tuple[cloudwatch.IAlarm | cloudwatch.CfnAlarm, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidArgumentError(
            where,
            f"alarms={arguments.shown(given)} is no sequence of alarms",
            "write it like alarms=[errors_alarm, latency_alarm]",
        )
    alarms = tuple(given)
    if not 1 <= len(alarms) <= _MOST_ALARMS:
        raise InvalidArgumentError(
            where,
            f"alarms has {len(alarms)}, and a composite alarm takes 1 to {_MOST_ALARMS}",
            "name the alarms that show that a deployment is bad",
        )
    for alarm in alarms:
        if not isinstance(alarm, cloudwatch.CfnAlarm) and not hasattr(alarm, "alarm_arn"):
            raise InvalidArgumentError(
                where,
                f"alarms has {arguments.shown(alarm)}, which is no alarm",
                "give alarms of aws_cdk.aws_cloudwatch, made or imported",
            )
    return alarms


def _settle_minutes(
    where: str,
    alarms: tuple[cloudwatch.IAlarm | cloudwatch.CfnAlarm, ...],
    settle: Duration | None,
) -> int:
    if settle is not None:
        return arguments.whole(
            where, "settle", settle, at_least=SHORTEST_MINUTES, at_most=_LONGEST_SETTLE_MINUTES
        )
    evaluated = []
    for alarm in alarms:
        if isinstance(alarm, HealthAlarm):
            evaluated.append((alarm.definition.period_seconds, alarm.definition.periods))
            continue
        definition = alarm.node.default_child if isinstance(alarm, cloudwatch.Alarm) else alarm
        if not isinstance(definition, cloudwatch.CfnAlarm):
            raise InvalidArgumentError(
                where,
                f"the periods of alarm {alarm.node.id!r} are not known here, as it is imported or "
                "composite",
                "say how long it takes to show a new version, like settle=Duration.minutes(7)",
            )
        evaluated.append(_evaluated(where, alarm, definition))
    minutes = settle_minutes(evaluated)
    if minutes > _LONGEST_SETTLE_MINUTES:
        raise InvalidArgumentError(
            where,
            f"its alarms need {minutes} minutes to show a new version, and a bake takes at most "
            f"{_LONGEST_SETTLE_MINUTES}",
            "watch alarms with shorter periods",
        )
    return minutes


def _evaluated(where: str, alarm: IConstruct, definition: cloudwatch.CfnAlarm) -> tuple[int, int]:
    """Return an alarm's longest period in seconds, and how many periods it evaluates."""
    periods = definition.evaluation_periods
    seconds = list(_periods(alarm, definition))
    if not seconds or any(
        Token.is_unresolved(each) or not isinstance(each, int | float)
        for each in (periods, *seconds)
    ):
        raise InvalidArgumentError(
            where,
            f"the periods of alarm {alarm.node.id!r} are not numbers that are known at synthesis",
            "say how long it takes to show a new version, like settle=Duration.minutes(7)",
        )
    return int(max(seconds)), int(periods or 1)


def _periods(alarm: IConstruct, definition: cloudwatch.CfnAlarm) -> Iterator[Any]:
    if definition.period is not None:
        yield definition.period
        return
    for query in Stack.of(alarm).resolve(definition.metrics) or ():
        if not isinstance(query, Mapping):
            continue
        if "period" in query:
            yield query["period"]
        if isinstance(stat := query.get("metricStat"), Mapping):
            yield stat.get("period")


def gate_role(scope: Construct, partition: str, target: DeploymentTarget) -> iam.Role:
    """Make the role through which the pipeline's bake reads the health alarm of a target."""
    role = iam.Role(
        scope,
        "GateRole",
        role_name=names.gate_role_name(target.pipeline.name, target.environment, target.region),
        description=f"Lets the pipeline {target.pipeline.name} read its health alarm",
        assumed_by=role_of_pipeline(
            partition,
            target,
            names.bake_role_name(target.pipeline.name, target.pipeline.region),
        ),
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"],
            resources=["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": target.region}},
        )
    )
    Validations.of(role).acknowledge(
        Acknowledgment(
            id="AwsSolutions-IAM5[Resource::*]",
            reason="CloudWatch returns composite alarms and their history only to "
            "permissions that are scoped to *; both actions only read alarms",
        )
    )
    return role
