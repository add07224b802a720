"""Alarms and the metrics that they watch."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import HERE, role, trust
from dpra_constructs.rehearsal.self_tests.functions import packed

_EMBEDDED = {
    "_aws": {
        "Timestamp": 0,
        "CloudWatchMetrics": [
            {"Namespace": "dpra", "Dimensions": [["a"]], "Metrics": [{"Name": "embedded"}]}
        ],
    },
    "a": "1",
    "embedded": 7,
}
_PRINTS = f"def handler(event, context):\n    print({json.dumps(_EMBEDDED)!r})\n    return 'ok'"


def function_metrics(endpoint: str) -> bool:
    """A function that an API calls has metrics."""
    return _has_metric(endpoint, "AWS/Lambda", FunctionName=_called(endpoint, "functions"))


def api_metrics(endpoint: str) -> bool:
    """An API that is called has metrics."""
    _called(endpoint, "apis")
    [api] = [
        each
        for each in client("apigatewayv2", endpoint, HERE).get_apis()["Items"]
        if each["Name"] == "dpra-apis"
    ]
    return _has_metric(endpoint, "AWS/ApiGateway", ApiId=api["ApiId"])


def embedded_metrics(endpoint: str) -> bool:
    """What a function prints in the embedded metric format is a metric."""
    _called(endpoint, "embedded")
    return _has_metric(endpoint, "dpra", a="1")


def alarm_definition(endpoint: str) -> bool:
    """An alarm may watch an expression."""
    metric = {"Namespace": "dpra", "MetricName": "a"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    cloudwatch = client("cloudwatch", endpoint, HERE)
    cloudwatch.put_metric_alarm(
        AlarmName="dpra-alarm-definition",
        Metrics=[
            {"Id": "m1", "MetricStat": stat, "ReturnData": False},
            {"Id": "e1", "Expression": "m1 * 2", "ReturnData": True},
        ],
        **_ALARM,
    )
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["dpra-alarm-definition"])["MetricAlarms"]
    return [each["Id"] for each in alarm.get("Metrics", ())] == ["m1", "e1"]


_ALARM: dict[str, Any] = {
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def alarm_state(endpoint: str) -> bool:
    """An alarm does not take data of other dimensions for its own."""
    cloudwatch = client("cloudwatch", endpoint, HERE)
    other = {"MetricName": "b", "Value": 5, "Dimensions": [{"Name": "a", "Value": "1"}]}
    cloudwatch.put_metric_data(Namespace="dpra", MetricData=[other])
    cloudwatch.put_metric_alarm(
        AlarmName="dpra-alarm-state",
        Namespace="dpra",
        MetricName="b",
        Statistic="Sum",
        Period=60,
        **_ALARM,
    )
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["dpra-alarm-state"])["MetricAlarms"]
    return str(alarm["StateValue"]) == "INSUFFICIENT_DATA"


def alarm_history(endpoint: str) -> bool:
    """A new alarm's history begins with its configuration, and goes on with its states."""
    name = "dpra-alarm-history"
    cloudwatch = client("cloudwatch", endpoint, HERE)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="dpra",
        MetricName="c",
        Statistic="Sum",
        Period=60,
        TreatMissingData="ignore",
        **_ALARM,
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="self-test")
    items = cloudwatch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    return [each["HistoryItemType"] for each in items] == ["StateUpdate", "ConfigurationUpdate"]


def _called(endpoint: str, name: str) -> str:
    """Call a function through an API; return its name."""
    name = f"dpra-{name}"
    functions = client("lambda", endpoint, HERE)
    created = functions.create_function(
        FunctionName=name,
        Runtime="python3.14",
        Handler="index.handler",
        Role=role(endpoint, HERE, name, trust=trust(service="lambda.amazonaws.com")),
        Code={"ZipFile": packed(_PRINTS)},
    )
    functions.add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    apis = client("apigatewayv2", endpoint, HERE)
    api_id = apis.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    integration = apis.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=created["FunctionArn"],
        PayloadFormatVersion="2.0",
    )
    target = f"integrations/{integration['IntegrationId']}"
    apis.create_route(ApiId=api_id, RouteKey="$default", Target=target)
    apis.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    url = f"{endpoint}/_aws/execute-api/{api_id}/"
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url, timeout=20).close()
    return name


def _has_metric(endpoint: str, namespace: str, **dimensions: str) -> bool:
    wanted = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    deadline = time.monotonic() + 2
    while True:
        metrics = client("cloudwatch", endpoint, HERE).list_metrics(Namespace=namespace)["Metrics"]
        if any(each["Dimensions"] == wanted for each in metrics):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
