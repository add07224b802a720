"""Alarms of ECS services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs

from dpra_constructs import arguments
from dpra_constructs.monitoring.health_alarms.definition import (
    BREACHING,
    AlarmDefinition,
    Measure,
    check_thresholds,
    given_or_default,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

_NAMESPACE = "AWS/ECS"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceThresholds:
    """Up to where an ECS service is healthy.

    Args:
        cpu_percent: how much of its CPU it may use on average, 1 to 100.
        memory_percent: how much of its memory it may use on average, 1 to 100.
        running_count: how many tasks have to run, 1 or more.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in ServiceThresholds(running_count=2).definitions()]
    ['Cpu', 'Memory', 'RunningTasks']

    Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    """

    cpu_percent: float = 85
    memory_percent: float = 85
    running_count: int = 1

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {"cpu_percent": (1, 100), "memory_percent": (1, 100), "running_count": (1, 1e4)},
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarms."""
        for id, metric, percent, why in (
            (
                "Cpu",
                "CPUUtilization",
                self.cpu_percent,
                "A version that needs more than it has; for three minutes, so that a start is not "
                "meant",
            ),
            (
                "Memory",
                "MemoryUtilization",
                self.memory_percent,
                "A version that leaks memory, before its tasks are killed",
            ),
        ):
            yield AlarmDefinition(
                id=id,
                says=f"The service uses more than {percent:g} % of its {id.replace('Cpu', 'CPU')}",
                why=why,
                namespace=_NAMESPACE,
                measures={"used": Measure(metric, "Average")},
                expression="used",
                threshold=percent,
                datapoints=3,
                missing_because="no task uses nothing; that none runs is seen by RunningTasks",
            )
        yield AlarmDefinition(
            id="RunningTasks",
            says=f"Fewer than {self.running_count} tasks of the service run",
            why="A version whose tasks end as soon as they start; each running task reports its "
            "CPU once a minute, so their number is how often it was reported",
            namespace=_NAMESPACE,
            measures={"running": Measure("CPUUtilization", "SampleCount")},
            expression="running",
            threshold=self.running_count,
            comparison="LessThanThreshold",
            datapoints=3,
            missing=BREACHING,
            missing_because="no data is no running task",
        )


def service_alarms(
    service: ecs.BaseService, thresholds: ServiceThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of an ECS service; its target group has its own.

    Args:
        service: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_ec2, aws_ecs
    >>> stack = Stack(App(), "Web")
    >>> task = aws_ecs.FargateTaskDefinition(stack, "Task")
    >>> image = aws_ecs.ContainerImage.from_registry("registry.acme.example/fruit")
    >>> container = task.add_container("Fruit", image=image)
    >>> cluster = aws_ecs.Cluster(stack, "Cluster", vpc=aws_ec2.Vpc(stack, "Network"))
    >>> service = aws_ecs.FargateService(
    ...     stack, "Service", cluster=cluster, task_definition=task, min_healthy_percent=100)
    >>> [alarm.definition.id for alarm in service_alarms(service)]
    ['Cpu', 'Memory', 'RunningTasks']
    """
    where = "service_alarms"
    checked = given_or_default(where, thresholds, ServiceThresholds)
    arguments.instance(where, "service", service, ecs.BaseService, "self.service")
    dimensions = [
        ("ClusterName", service.cluster.cluster_name),
        ("ServiceName", service.service_name),
    ]
    return health_alarms(service, "service", checked.definitions(), dimensions)
