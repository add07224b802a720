"""The alarms themselves, made below the resource that they watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.health_alarms.definition import AlarmDefinition, Measure


class HealthAlarm(cloudwatch.CfnAlarm):
    """A ready-made alarm: of CloudFormation's type, and taken wherever the CDK takes an alarm.

    `definition` says what it watches and why; other actions are set at `alarm_actions`.
    """

    def __init__(
        self,
        scope: Construct,
        definition: AlarmDefinition,
        dimensions: Sequence[tuple[str, str]],
        name: str | None = None,
    ) -> None:
        #: What it watches.
        self.definition = definition
        super().__init__(
            scope,
            f"{definition.id}Alarm",
            alarm_name=name,
            alarm_description=f"{definition.says}.",
            metrics=[
                # Its own id may not be that of a metric.
                {
                    "id": "watched",
                    "expression": definition.expression,
                    "label": definition.says,
                    "returnData": True,
                },
                *(
                    _query(id, measure, definition, dimensions)
                    for id, measure in definition.measures.items()
                ),
            ],
            threshold=definition.threshold,
            comparison_operator=definition.comparison,
            evaluation_periods=definition.periods,
            datapoints_to_alarm=definition.datapoints,
            treat_missing_data=definition.missing,
        )


def health_alarms(
    scope: IConstruct,
    what: str,
    definitions: Iterable[AlarmDefinition],
    dimensions: Sequence[tuple[str, str]],
    name: str | None = None,
) -> list[HealthAlarm]:
    """Make the alarms of a resource below it.

    Args:
        scope: the resource.
        what: its kind.
        definitions: what each alarm watches.
        dimensions: of all metrics.
        name: what the alarms' names begin with; without it CloudFormation makes them.

    Raises:
        InvalidArgumentError: it has such alarms already.
    """
    # What stands for a resource by its interface is a construct too.
    parent = cast("Construct", scope)
    made = []
    for definition in definitions:
        if scope.node.try_find_child(f"{definition.id}Alarm"):
            raise InvalidArgumentError(
                f"{what} {scope.node.path!r}",
                f"has the alarm {definition.id} already",
                "make its alarms once, and keep the list",
            )
        own = f"{name}-{definition.id}" if name else None
        made.append(HealthAlarm(parent, definition, dimensions, own))
    return made


def _query(
    id: str,
    measure: Measure,
    definition: AlarmDefinition,
    dimensions: Sequence[tuple[str, str]],
) -> dict[str, object]:
    return {
        "id": id,
        "returnData": False,
        "metricStat": {
            "metric": {
                "namespace": definition.namespace,
                "metricName": measure.metric,
                "dimensions": [
                    {"name": name, "value": value}
                    for name, value in (*dimensions, *measure.dimensions)
                ],
            },
            "period": definition.period_seconds,
            "stat": measure.statistic,
        },
    }
