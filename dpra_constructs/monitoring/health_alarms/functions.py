"""Alarms of Lambda functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_

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

_NAMESPACE = "AWS/Lambda"


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionThresholds:
    """Up to where a function is healthy.

    Args:
        error_percent: how many of 100 calls may throw, 0 to 100.
        throttled_percent: how many of 100 calls may be turned away, 0 to 100.
        minimum_count: how many calls a minute have to throw, or to be turned away, before it is a
            rate; 2 or more, so that one never is.
        latency_ms: in how many milliseconds `latency_percentile` of the calls have to end.
        latency_percentile: 50 to 99.9.
        latency_minimum_count: how many calls a minute make a percentile; 2 or more.
        concurrent_count: how many calls may run at once; not watched without it, as the limit is
            the account's or the function's own.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in FunctionThresholds(latency_ms=300).definitions()]
    ['ErrorRate', 'Throttles', 'Latency']

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    error_percent: float = 1
    throttled_percent: float = 1
    minimum_count: int = 2
    latency_ms: float = 1_000
    latency_percentile: float = 90
    latency_minimum_count: int = 10
    concurrent_count: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {
                "error_percent": (0, 100),
                "throttled_percent": (0, 100),
                "minimum_count": (2, 1e6),
                "latency_ms": (1, 900_000),
                "latency_percentile": (50, 99.9),
                "latency_minimum_count": (2, 1e6),
                "concurrent_count": (1, 1e6),
            },
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarms."""
        yield error_rate(
            says=f"More than {self.error_percent:g} of 100 calls of the function throw",
            why="A version that throws, times out or runs out of memory",
            namespace=_NAMESPACE,
            errors="Errors",
            requests="Invocations",
            percent=self.error_percent,
            minimum_count=self.minimum_count,
        )
        yield error_rate(
            id="Throttles",
            says=f"More than {self.throttled_percent:g} of 100 calls are turned away",
            why="A version that is slower, or calls more often, uses up the concurrency; calls "
            "that are turned away are not counted as calls",
            namespace=_NAMESPACE,
            errors="Throttles",
            requests="Invocations",
            percent=self.throttled_percent,
            minimum_count=self.minimum_count,
            of_both=True,
        )
        yield latency(
            namespace=_NAMESPACE,
            metric="Duration",
            percentile=self.latency_percentile,
            limit=self.latency_ms,
            minimum_count=self.latency_minimum_count,
            unit="ms",
        )
        if self.concurrent_count is not None:
            yield AlarmDefinition(
                id="Concurrency",
                says=f"More than {self.concurrent_count} calls run at once",
                why="What comes above the limit is turned away: seen before it is",
                namespace=_NAMESPACE,
                measures={"concurrent": Measure("ConcurrentExecutions", "Maximum")},
                expression="concurrent",
                threshold=self.concurrent_count,
                missing_because="what is not called does not run",
            )


def function_dimensions(name: str, alias: str = "", version: str = "") -> list[tuple[str, str]]:
    """Return the dimensions of a function's calls, of those by an alias, or of a version by it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    dimensions = [("FunctionName", name)]
    if alias:
        dimensions.append(("Resource", f"{name}:{alias}"))
    if version:
        dimensions.append(("ExecutedVersion", version))
    return dimensions


def function_alarms(
    function: lambda_.IFunction, thresholds: FunctionThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of a function, or of one of its aliases alone.

    Args:
        function: in the stack that the alarms are to be in; an alias that takes part of the
            traffic has alarms of its own.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_lambda
    >>> function = aws_lambda.Function(
    ...     Stack(App(), "Api"), "Prices", runtime=aws_lambda.Runtime.PYTHON_3_14,
    ...     handler="index.handler", code=aws_lambda.Code.from_inline("def handler(*_): ..."))
    >>> [alarm.definition.id for alarm in function_alarms(function)]
    ['ErrorRate', 'Throttles', 'Latency']
    """
    where = "function_alarms"
    checked = given_or_default(where, thresholds, FunctionThresholds)
    if not hasattr(function, "function_name"):
        arguments.instance(where, "function", function, lambda_.Function, "self.function")
    if isinstance(function, lambda_.Alias):
        dimensions = function_dimensions(function.lambda_.function_name, function.alias_name)
    else:
        dimensions = function_dimensions(function.function_name)
    return health_alarms(function, "function", checked.definitions(), dimensions)
