"""Alarms of HTTP and REST APIs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2

from dpra_constructs import arguments
from dpra_constructs.monitoring.health_alarms.definition import (
    AlarmDefinition,
    check_thresholds,
    error_rate,
    given_or_default,
    latency,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

_NAMESPACE = "AWS/ApiGateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiThresholds:
    """Up to where an API is healthy.

    Args:
        error_percent: how many of 100 requests may be answered with 5xx, 0 to 100.
        client_error_percent: how many of 100 requests may be answered with 4xx; not watched
            without it, as clients make such errors without a release.
        minimum_count: how many requests a minute have to fail before it is a rate; 2 or more, so
            that one never is.
        latency_ms: in how many milliseconds `latency_percentile` of the requests have to be
            answered.
        latency_percentile: 50 to 99.9.
        latency_minimum_count: how many requests a minute make a percentile; 2 or more.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in ApiThresholds(client_error_percent=20).definitions(rest=False)]
    ['ErrorRate', 'ClientErrorRate', 'Latency']

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html,
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    """

    error_percent: float = 1
    client_error_percent: float | None = None
    minimum_count: int = 2
    latency_ms: float = 1_000
    latency_percentile: float = 90
    latency_minimum_count: int = 10

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self,
            {
                "error_percent": (0, 100),
                "client_error_percent": (0, 100),
                "minimum_count": (2, 1e6),
                "latency_ms": (1, 900_000),
                "latency_percentile": (50, 99.9),
                "latency_minimum_count": (2, 1e6),
            },
        )

    def definitions(self, *, rest: bool) -> Iterator[AlarmDefinition]:
        """Yield the alarms, of a REST or of an HTTP API: their metrics have other names."""
        yield error_rate(
            says=f"More than {self.error_percent:g} of 100 requests are answered with 5xx",
            why="What a user sees of a version that fails, wherever it fails",
            namespace=_NAMESPACE,
            errors="5XXError" if rest else "5xx",
            requests="Count",
            percent=self.error_percent,
            minimum_count=self.minimum_count,
        )
        if self.client_error_percent is not None:
            yield error_rate(
                id="ClientErrorRate",
                says=f"More than {self.client_error_percent:g} of 100 requests are answered with "
                "4xx",
                why="A version that refuses what the one before took: a changed contract, or "
                "permissions that are gone",
                namespace=_NAMESPACE,
                errors="4XXError" if rest else "4xx",
                requests="Count",
                percent=self.client_error_percent,
                minimum_count=self.minimum_count,
            )
        yield latency(
            namespace=_NAMESPACE,
            metric="Latency",
            percentile=self.latency_percentile,
            limit=self.latency_ms,
            minimum_count=self.latency_minimum_count,
            unit="ms",
        )


def http_api_alarms(
    api: apigatewayv2.IHttpApi, thresholds: ApiThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of an HTTP API, over all its stages.

    Args:
        api: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_apigatewayv2
    >>> api = aws_apigatewayv2.HttpApi(Stack(App(), "Api"), "Prices")
    >>> [alarm.definition.id for alarm in http_api_alarms(api)]
    ['ErrorRate', 'Latency']
    """
    where = "http_api_alarms"
    if not hasattr(api, "http_api_id") and not hasattr(api, "api_id"):
        arguments.instance(where, "api", api, apigatewayv2.HttpApi, "self.api")
    definitions = given_or_default(where, thresholds, ApiThresholds).definitions(rest=False)
    return health_alarms(api, "HTTP API", definitions, [("ApiId", api.api_id)])


def rest_api_alarms(
    api: apigateway.RestApiBase, thresholds: ApiThresholds | None = None
) -> list[HealthAlarm]:
    """Make the alarms of the stage that a REST API is deployed to.

    Args:
        api: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_apigateway
    >>> api = aws_apigateway.RestApi(Stack(App(), "Api"), "Prices")
    >>> [alarm.definition.id for alarm in rest_api_alarms(api)]
    ['ErrorRate', 'Latency']
    """
    where = "rest_api_alarms"
    arguments.instance(where, "api", api, apigateway.RestApiBase, "self.api")
    definitions = given_or_default(where, thresholds, ApiThresholds).definitions(rest=True)
    dimensions = [("ApiName", api.rest_api_name), ("Stage", api.deployment_stage.stage_name)]
    return health_alarms(api, "REST API", definitions, dimensions)
