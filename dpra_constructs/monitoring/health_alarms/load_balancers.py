"""Alarms of application load balancers and their target groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from dpra_constructs import arguments
from dpra_constructs.monitoring.health_alarms.definition import (
    AlarmDefinition,
    Measure,
    check_thresholds,
    error_rate,
    given_or_default,
    latency,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

_NAMESPACE = "AWS/ApplicationELB"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerThresholds:
    """Up to where an application load balancer is healthy.

    Args:
        error_percent: how many of 100 requests the load balancer itself may answer with 5xx, 0
            to 100: it does when no target takes them.
        minimum_count: how many requests a minute have to fail before it is a rate; 2 or more, so
            that one never is.
        rejected_count: how many connections a minute may be rejected, 1 or more.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in LoadBalancerThresholds().definitions()]
    ['ErrorRate', 'RejectedConnections']

    Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """

    error_percent: float = 1
    minimum_count: int = 2
    rejected_count: int = 1

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {"error_percent": (0, 100), "minimum_count": (2, 1e6), "rejected_count": (1, 1e6)},
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarms."""
        yield error_rate(
            says=f"More than {self.error_percent:g} of 100 requests are answered with 5xx by the "
            "load balancer",
            why="No target takes the request; what was answered like this is not counted as a "
            "request",
            namespace=_NAMESPACE,
            errors="HTTPCode_ELB_5XX_Count",
            requests="RequestCount",
            percent=self.error_percent,
            minimum_count=self.minimum_count,
            of_both=True,
        )
        yield AlarmDefinition(
            id="RejectedConnections",
            says=f"More than {self.rejected_count} connections a minute are rejected",
            why="The load balancer is full: connections stay open longer than before",
            namespace=_NAMESPACE,
            measures={"rejected": Measure("RejectedConnectionCount", "Sum")},
            expression="rejected",
            threshold=self.rejected_count,
            missing_because="it is published only when there are some",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroupThresholds:
    """Up to where the targets of an application load balancer are healthy.

    Args:
        error_percent: how many of 100 requests the targets may answer with 5xx, 0 to 100.
        minimum_count: how many requests a minute have to fail before it is a rate; 2 or more, so
            that one never is.
        latency_ms: in how many milliseconds `latency_percentile` of the requests have to be
            answered.
        latency_percentile: 50 to 99.9.
        latency_minimum_count: how many requests a minute make a percentile; 2 or more.
        unhealthy_count: how many targets may fail their health check for three minutes, 0 or more.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in TargetGroupThresholds(error_percent=0.5).definitions()]
    ['ErrorRate', 'Latency', 'UnhealthyTargets']

    Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """

    error_percent: float = 1
    minimum_count: int = 2
    latency_ms: float = 1_000
    latency_percentile: float = 90
    latency_minimum_count: int = 10
    unhealthy_count: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {
                "error_percent": (0, 100),
                "minimum_count": (2, 1e6),
                "latency_ms": (1, 900_000),
                "latency_percentile": (50, 99.9),
                "latency_minimum_count": (2, 1e6),
                "unhealthy_count": (0, 1e6),
            },
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarms."""
        yield error_rate(
            says=f"More than {self.error_percent:g} of 100 requests are answered with 5xx by the "
            "targets",
            why="What a user sees of a version that fails",
            namespace=_NAMESPACE,
            errors="HTTPCode_Target_5XX_Count",
            requests="RequestCount",
            percent=self.error_percent,
            minimum_count=self.minimum_count,
        )
        yield latency(
            namespace=_NAMESPACE,
            metric="TargetResponseTime",
            percentile=self.latency_percentile,
            # The metric is in seconds.
            limit=self.latency_ms / 1_000,
            minimum_count=self.latency_minimum_count,
            unit="s",
        )
        yield AlarmDefinition(
            id="UnhealthyTargets",
            says=f"More than {self.unhealthy_count} targets fail their health check",
            why="A target of the version does not come up, or goes down; for three minutes, so "
            "that one that starts is not meant",
            namespace=_NAMESPACE,
            measures={"unhealthy": Measure("UnHealthyHostCount", "Minimum")},
            expression="unhealthy",
            threshold=self.unhealthy_count,
            datapoints=3,
            missing_because="a group that has no targets has no unhealthy ones; requests to it are "
            "errors of the load balancer",
        )


def load_balancer_alarms(
    load_balancer: elbv2.IApplicationLoadBalancer,
    thresholds: LoadBalancerThresholds | None = None,
) -> list[HealthAlarm]:
    """Make the alarms of an application load balancer; its target groups have their own.

    Args:
        load_balancer: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_ec2, aws_elasticloadbalancingv2
    >>> stack = Stack(App(), "Web")
    >>> balancer = aws_elasticloadbalancingv2.ApplicationLoadBalancer(
    ...     stack, "Balancer", vpc=aws_ec2.Vpc(stack, "Network"))
    >>> [alarm.definition.id for alarm in load_balancer_alarms(balancer)]
    ['ErrorRate', 'RejectedConnections']
    """
    where = "load_balancer_alarms"
    checked = given_or_default(where, thresholds, LoadBalancerThresholds)
    arguments.instance(
        where, "load_balancer", load_balancer, elbv2.ApplicationLoadBalancer, "self.balancer"
    )
    assert isinstance(load_balancer, elbv2.ApplicationLoadBalancer)
    dimensions = [("LoadBalancer", load_balancer.load_balancer_full_name)]
    return health_alarms(load_balancer, "load balancer", checked.definitions(), dimensions)


def target_group_alarms(
    target_group: elbv2.ApplicationTargetGroup, thresholds: TargetGroupThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of the targets of an application load balancer.

    Args:
        target_group: in the stack that the alarms are to be in, and with a listener.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_ec2, aws_elasticloadbalancingv2
    >>> stack = Stack(App(), "Web")
    >>> balancer = aws_elasticloadbalancingv2.ApplicationLoadBalancer(
    ...     stack, "Balancer", vpc=aws_ec2.Vpc(stack, "Network"))
    >>> group = balancer.add_listener("Http", port=80, open=False).add_targets("Tasks", port=80)
    >>> [alarm.definition.id for alarm in target_group_alarms(group)]
    ['ErrorRate', 'Latency', 'UnhealthyTargets']
    """
    where = "target_group_alarms"
    checked = given_or_default(where, thresholds, TargetGroupThresholds)
    arguments.instance(
        where, "target_group", target_group, elbv2.ApplicationTargetGroup, "self.targets"
    )
    dimensions = [
        ("TargetGroup", target_group.target_group_full_name),
        ("LoadBalancer", target_group.first_load_balancer_full_name),
    ]
    return health_alarms(target_group, "target group", checked.definitions(), dimensions)
