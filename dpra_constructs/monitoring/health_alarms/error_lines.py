"""An alarm of the lines of a log that report errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from aws_cdk import Names
from aws_cdk import aws_logs as logs
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.health_alarms.definition import (
    AlarmDefinition,
    Measure,
    check_thresholds,
    given_or_default,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

NAMESPACE = "DPRA/ErrorLines"
_FILTER = "ErrorLines"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_LONGEST_PATTERN = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorLineThresholds:
    """Up to where a log is healthy.

    Args:
        line_count: how many lines a minute may report errors, 1 or more, so that one alone never
            counts.

    Raises:
        InvalidArgumentError: the value is not one of those.

    >>> [each.id for each in ErrorLineThresholds(line_count=10).definitions("ApiLog")]
    ['ErrorLines']

    Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
    """

    line_count: int = 5

    def __post_init__(self) -> None:
        """Check the value."""
        check_thresholds(self, {"line_count": (1, 1e6)})

    def definitions(self, metric: str) -> Iterator[AlarmDefinition]:
        """Yield the alarm of what a metric filter counts."""
        yield AlarmDefinition(
            id="ErrorLines",
            says=f"More than {self.line_count} lines of the log a minute report errors",
            why="A version that swallows its errors: it answers, and reports them to its log only",
            namespace=NAMESPACE,
            measures={"lines": Measure(metric, "Sum")},
            expression="lines",
            threshold=self.line_count,
            missing_because="nothing was written to the log",
        )


def error_line_alarms(
    log_group: logs.ILogGroup,
    thresholds: ErrorLineThresholds | None = None,
    *,
    pattern: str = "?ERROR ?CRITICAL ?FATAL ?Traceback",
) -> list[HealthAlarm]:
    """Count the lines of a log that report errors, and make their alarm.

    Args:
        log_group: in the stack that the alarm is to be in.
        thresholds: up to where it is healthy; without it the defaults.
        pattern: of CloudWatch Logs, for the lines that report an error; 1 to 1,024 characters.
            For JSON it is like `{ $.level = "ERROR" }`.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has the alarm already.

    >>> from aws_cdk import App, Stack, aws_logs
    >>> group = aws_logs.LogGroup(Stack(App(), "Api"), "Log")
    >>> [alarm.definition.id for alarm in error_line_alarms(group)]
    ['ErrorLines']
    """
    where = "error_line_alarms"
    checked = given_or_default(where, thresholds, ErrorLineThresholds)
    if not hasattr(log_group, "log_group_name"):
        arguments.instance(where, "log_group", log_group, logs.LogGroup, "self.log_group")
    arguments.text(where, "pattern", pattern)
    if len(pattern) > _LONGEST_PATTERN:
        raise InvalidArgumentError(
            where,
            f"pattern has {len(pattern)} characters, and a metric filter takes {_LONGEST_PATTERN}",
            "look for fewer words",
        )
    # The group's own name may be known at deployment only, and a dimension's value cannot be one.
    metric = Names.unique_resource_name(log_group, max_length=200)
    made = health_alarms(log_group, "log group", checked.definitions(metric), [])
    logs.CfnMetricFilter(
        cast("Construct", log_group),
        _FILTER,
        log_group_name=log_group.log_group_name,
        filter_pattern=pattern,
        metric_transformations=[
            {
                "metricNamespace": NAMESPACE,
                "metricName": metric,
                "metricValue": "1",
                "defaultValue": 0,
                "unit": "Count",
            }
        ],
    )
    return made
