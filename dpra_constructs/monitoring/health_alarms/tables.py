"""Alarms of DynamoDB tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb

from dpra_constructs import arguments
from dpra_constructs.monitoring.health_alarms.definition import (
    AlarmDefinition,
    Measure,
    check_thresholds,
    given_or_default,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

_NAMESPACE = "AWS/DynamoDB"
# An alarm's expression takes 10 metrics:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
_OPERATIONS = (
    "GetItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableThresholds:
    """Up to where a table is healthy.

    Args:
        throttled_count: how many reads, or writes, a minute may be throttled, 1 or more, so that
            one alone never counts.
        error_count: how many requests a minute may fail in DynamoDB itself, 1 or more.
        latency_ms: how long the slowest kind of operation may take on average in DynamoDB.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in TableThresholds().definitions()]
    ['ReadThrottles', 'WriteThrottles', 'SystemErrors', 'Latency']

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """

    throttled_count: int = 5
    error_count: int = 5
    latency_ms: float = 100

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {"throttled_count": (1, 1e6), "error_count": (1, 1e6), "latency_ms": (1, 60_000)},
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarms."""
        for kind in ("Read", "Write"):
            yield AlarmDefinition(
                id=f"{kind}Throttles",
                says=f"More than {self.throttled_count} {kind.lower()}s a minute are throttled",
                why=f"A version that {kind.lower()}s more, or all from one partition, uses up the "
                "capacity",
                namespace=_NAMESPACE,
                measures={"throttled": Measure(f"{kind}ThrottleEvents", "Sum")},
                expression="throttled",
                threshold=self.throttled_count,
                missing_because="it is published only when some are throttled",
            )
        yield AlarmDefinition(
            id="SystemErrors",
            says=f"More than {self.error_count} requests a minute fail in DynamoDB",
            why="The table cannot be used, whichever version uses it: no time to release",
            namespace=_NAMESPACE,
            measures=_of_operations("SystemErrors", "Sum"),
            expression=f"SUM([{', '.join(_names())}])",
            threshold=self.error_count,
            missing_because="it is published only when some fail",
        )
        yield AlarmDefinition(
            id="Latency",
            says=f"An operation takes longer than {self.latency_ms:g} ms on average",
            why="A version with larger items or scans; DynamoDB publishes no percentile, so one "
            "slow minute is not enough",
            namespace=_NAMESPACE,
            measures=_of_operations("SuccessfulRequestLatency", "Average"),
            expression=f"MAX([{', '.join(_names())}])",
            threshold=self.latency_ms,
            datapoints=3,
            missing_because="no request is not slow",
        )


def table_alarms(
    table: dynamodb.ITable, thresholds: TableThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of a DynamoDB table.

    Args:
        table: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_dynamodb
    >>> key = aws_dynamodb.Attribute(name="name", type=aws_dynamodb.AttributeType.STRING)
    >>> table = aws_dynamodb.Table(Stack(App(), "Api"), "Fruits", partition_key=key)
    >>> [alarm.definition.id for alarm in table_alarms(table)]
    ['ReadThrottles', 'WriteThrottles', 'SystemErrors', 'Latency']
    """
    where = "table_alarms"
    checked = given_or_default(where, thresholds, TableThresholds)
    if not hasattr(table, "table_name"):
        arguments.instance(where, "table", table, dynamodb.Table, "self.table")
    dimensions = [("TableName", table.table_name)]
    return health_alarms(table, "table", checked.definitions(), dimensions)


def _names() -> Sequence[str]:
    return [operation[0].lower() + operation[1:] for operation in _OPERATIONS]


def _of_operations(metric: str, statistic: str) -> dict[str, Measure]:
    return {
        name: Measure(metric, statistic, (("Operation", operation),))
        for name, operation in zip(_names(), _OPERATIONS, strict=True)
    }
