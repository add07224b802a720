"""Metrics that services publish themselves, which MiniStack lacks.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import request_scope
from ministack.services import (
    apigateway,
    apigateway_v1,
    cloudwatch,
    cloudwatch_logs,
    lambda_svc,
)

from dpra_constructs.rehearsal.emulator.alarms.minutes import SCALE

# The calls under way, each with the starts of processes in it.
_STARTS: ContextVar[tuple[list[None], ...]] = ContextVar("starts", default=())
_MARK = '"_aws"'


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Give a list that has the milliseconds of a call afterwards.

    It stays empty when the call started a function's process, and minutes pass faster than in
    AWS: a start takes as long as there, which would be several of these minutes.
    """
    took: list[float] = []
    starts: list[None] = []
    token = _STARTS.set((*_STARTS.get(), starts))
    began = time.time()
    try:
        yield took
    finally:
        _STARTS.reset(token)
    if not starts or SCALE == 1:
        took.append((time.time() - began) * 1000)


def _watch_starts() -> None:
    spawn: Any = lambda_runtime.Worker._spawn
    if hasattr(spawn, "is_watched"):
        return

    def watched(worker: Any) -> Any:
        for starts in _STARTS.get():
            starts.append(None)
        return spawn(worker)

    watched.is_watched = True
    worker_class: Any = lambda_runtime.Worker
    worker_class._spawn = watched


def function_metrics() -> None:
    """Publish a function's metrics, whoever called it."""
    _watch_starts()
    dispatch: Any = lambda_svc._execute_function_dispatch

    def execute(func: dict[str, Any], config: dict[str, Any], *arguments: Any, **more: Any) -> Any:
        with _timed() as took:
            result = dispatch(func, config, *arguments, **more)
        failed = bool(result.get("error")) if isinstance(result, dict) else False
        name = config.get("FunctionName", "unknown")
        for metric, value, unit in (
            ("Invocations", 1, "Count"),
            ("Errors", int(failed), "Count"),
            ("Throttles", 0, "Count"),
            *(("Duration", each, "Milliseconds") for each in took),
        ):
            for dimensions in _function_dimensions(name, str(config.get("Version", ""))):
                cloudwatch.record_metric("AWS/Lambda", metric, value, unit, dimensions)
        return result

    def only_throttles(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # Where MiniStack publishes the others, it does so for some callers.
        if throttle:
            dimensions = {"FunctionName": function_name}
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", dimensions)

    lambda_svc._execute_function_dispatch = execute
    lambda_svc._emit_lambda_metrics = only_throttles


def _function_dimensions(name: str, version: str) -> Iterator[dict[str, str]]:
    """Yield the dimensions of a call: the function, and each alias that has the version.

    That a version is called by an alias, and not by its number, is supposed.
    """
    yield {"FunctionName": name}
    aliases = (lambda_svc._functions.get(name) or {}).get("aliases") or {}
    for alias_name, alias in list(aliases.items()):
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if version == alias.get("FunctionVersion") or version in weights:
            resource = {"FunctionName": name, "Resource": f"{name}:{alias_name}"}
            yield resource
            yield {**resource, "ExecutedVersion": version}


def api_metrics() -> None:
    """Publish an API's metrics: requests, errors and latency, of the API and of its stage."""
    _watch_starts()
    http_apis: Any = apigateway
    rest_apis: Any = apigateway_v1
    http, rest = http_apis.handle_execute, rest_apis.handle_execute

    async def execute_http(api_id: str, stage: str, *arguments: Any, **more: Any) -> Any:
        with _timed() as took:
            answer = await http(api_id, stage, *arguments, **more)
        if place := apigateway.find_api_scope(api_id):
            names = ("4xx", "5xx")
            with request_scope(*place):
                _publish({"ApiId": api_id}, stage, names, answer[0], took)
        return answer

    async def execute_rest(api_id: str, stage: str, *arguments: Any, **more: Any) -> Any:
        with _timed() as took:
            answer = await rest(api_id, stage, *arguments, **more)
        if place := apigateway_v1.find_api_scope(api_id):
            names = ("4XXError", "5XXError")
            with request_scope(*place):
                name = (apigateway_v1._rest_apis.get(api_id) or {}).get("name", api_id)
                _publish({"ApiName": name}, stage, names, answer[0], took)
        return answer

    http_apis.handle_execute, rest_apis.handle_execute = execute_http, execute_rest


def _publish(
    api: dict[str, str], stage: str, names: tuple[str, str], status: int, took: list[float]
) -> None:
    for dimensions in (api, {**api, "Stage": stage}):
        for metric, value, unit in (
            ("Count", 1, "Count"),
            (names[0], int(400 <= status < 500), "Count"),
            (names[1], int(status >= 500), "Count"),
            *(("Latency", each, "Milliseconds") for each in took),
            *(("IntegrationLatency", each, "Milliseconds") for each in took),
        ):
            cloudwatch.record_metric("AWS/ApiGateway", metric, value, unit, dimensions)


def embedded_metrics() -> None:
    """Publish the metrics in lines of the embedded metric format that reach CloudWatch Logs."""
    append: Any = cloudwatch_logs._append_log_events

    def append_log_events(stream: Any, events: list[dict[str, Any]]) -> Any:
        for event in events:
            if _MARK in event.get("message", ""):
                for namespace, name, value, unit, dimensions in _embedded(event["message"]):
                    cloudwatch.record_metric(namespace, name, value, unit, dimensions)
        return append(stream, events)

    cloudwatch_logs._append_log_events = append_log_events


def _embedded(line: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    try:
        written: Mapping[str, Any] = json.loads(line[line.index("{") :])
        directives = written["_aws"]["CloudWatchMetrics"]
        for directive in directives:
            for dimensions in directive.get("Dimensions") or [[]]:
                values = {name: str(written[name]) for name in dimensions}
                for metric in directive["Metrics"]:
                    given = written[metric["Name"]]
                    for value in given if isinstance(given, list) else [given]:
                        yield (
                            str(directive["Namespace"]),
                            str(metric["Name"]),
                            float(value),
                            str(metric.get("Unit", "None")),
                            values,
                        )
    except (ValueError, KeyError, TypeError):
        # Not of the format: the service leaves such a line alone too.
        return
