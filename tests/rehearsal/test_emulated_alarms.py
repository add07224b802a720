"""Alarms on the emulator: their states, histories and events, 600 times as fast as in AWS."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.applications import application, outputs

PLACE = Place("444444444444", "eu-central-1")
#: How long an AWS minute takes.
MINUTE = 60 / 600


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with emulator(time_scale=600) as address:
        yield address


@pytest.fixture(scope="module")
def cloudwatch(endpoint: str) -> Any:
    return client("cloudwatch", endpoint, PLACE)


def state(cloudwatch: Any, name: str) -> str:
    found = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    [alarm] = found["MetricAlarms"] + found["CompositeAlarms"]
    return str(alarm["StateValue"])


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def put(cloudwatch: Any, namespace: str, **values: float) -> None:
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": name, "Value": value} for name, value in values.items()],
    )


RATE = [
    {
        "Id": name.lower(),
        "MetricStat": {
            "Metric": {"Namespace": "Rate", "MetricName": name},
            "Period": 60,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }
    for name in ("Errors", "Requests")
]
RATE.append({"Id": "rate", "Expression": "100 * errors / requests", "ReturnData": True})


def test_an_alarm_over_an_expression_goes_into_alarm_and_back_with_its_composite(
    endpoint: str, cloudwatch: Any
) -> None:
    events, queues = client("events", endpoint, PLACE), client("sqs", endpoint, PLACE)
    url = queues.create_queue(QueueName="states")["QueueUrl"]
    arn = f"arn:aws:sqs:{PLACE.region}:{PLACE.account}:states"
    events.put_rule(
        Name="states", EventPattern=json.dumps({"detail-type": ["CloudWatch Alarm State Change"]})
    )
    events.put_targets(Rule="states", Targets=[{"Id": "1", "Arn": arn}])
    template = {
        "Resources": {
            "Rate": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": "rate",
                    "Metrics": RATE,
                    "EvaluationPeriods": 3,
                    "DatapointsToAlarm": 2,
                    "Threshold": 5,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "TreatMissingData": "notBreaching",
                },
            },
            "Health": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {"AlarmName": "health", "AlarmRule": {"Fn::Sub": 'ALARM("${Rate}")'}},
            },
        }
    }
    create_stack(client("cloudformation", endpoint, PLACE), "rate", json.dumps(template))
    assert state(cloudwatch, "rate") == state(cloudwatch, "health") == "OK"

    def is_red() -> bool:
        put(cloudwatch, "Rate", Errors=1, Requests=10)
        return state(cloudwatch, "health") == "ALARM"

    assert until(is_red)
    # A minute without data is none with errors.
    assert until(lambda: state(cloudwatch, "health") == "OK", 20 * MINUTE)
    items = cloudwatch.describe_alarm_history(
        AlarmName="rate", HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    summaries = [each["HistorySummary"] for each in items]
    assert summaries[:2] == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
    ]
    written = json.loads(items[1]["HistoryData"])
    assert written["oldState"]["stateValue"] == "OK"
    assert written["newState"]["stateReason"].startswith("Threshold Crossed: 2 out of the last 3")
    assert written["newState"]["stateReasonData"]["recentDatapoints"][-2:] == [10, 10]
    queried = written["newState"]["stateReasonData"]["queryDate"]
    assert queried[:13] == items[1]["Timestamp"].isoformat()[:13]
    heard: list[dict[str, Any]] = []

    def hears() -> bool:
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            heard.append(json.loads(message["Body"])["detail"])
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {("rate", "ALARM"), ("health", "ALARM")} <= {
            (each["alarmName"], each["state"]["value"]) for each in heard
        }

    assert until(hears)
    [red] = [
        each for each in heard if (each["alarmName"], each["state"]["value"]) == ("rate", "ALARM")
    ]
    assert red["previousState"]["value"] == "OK"
    assert red["configuration"]["metrics"][2]["expression"] == "100 * errors / requests"


def alarm(**properties: Any) -> dict[str, Any]:
    return {
        "Namespace": "Fruit",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        **properties,
    }


def test_one_bad_minute_of_three_is_no_alarm_where_two_are_needed(cloudwatch: Any) -> None:
    watched = alarm(
        AlarmName="two", EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching"
    )
    cloudwatch.put_metric_alarm(**watched)
    cloudwatch.put_metric_alarm(**{**watched, "AlarmName": "one", "DatapointsToAlarm": 1})
    put(cloudwatch, "Fruit", Errors=9)
    assert until(lambda: state(cloudwatch, "one") == "ALARM")
    assert until(lambda: state(cloudwatch, "one") == "OK")
    history = cloudwatch.describe_alarm_history(AlarmName="two", HistoryItemType="StateUpdate")
    assert [each["HistorySummary"] for each in history["AlarmHistoryItems"]] == [
        "Alarm updated from INSUFFICIENT_DATA to OK"
    ]


def test_an_alarm_without_data_goes_back_to_insufficient_data(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**alarm(AlarmName="silent", MetricName="Silent"))
    put(cloudwatch, "Fruit", Silent=0)
    assert until(lambda: state(cloudwatch, "silent") == "OK")
    assert until(lambda: state(cloudwatch, "silent") == "INSUFFICIENT_DATA")


def test_an_alarm_that_is_not_evaluated_says_so(cloudwatch: Any) -> None:
    trimmed = {**alarm(AlarmName="trimmed"), "ExtendedStatistic": "tm90"}
    del trimmed["Statistic"]
    cloudwatch.put_metric_alarm(**trimmed)
    [found] = cloudwatch.describe_alarms(AlarmNames=["trimmed"])["MetricAlarms"]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["StateReason"].startswith(
        "Unchecked: the rehearsal does not evaluate it: the statistic 'tm90' is not evaluated here"
    )


def test_an_alarm_that_the_service_refuses_is_refused(endpoint: str, cloudwatch: Any) -> None:
    wrong = [*RATE[:2], {"Id": "rate", "Expression": "errors / absent", "ReturnData": True}]
    given = alarm(AlarmName="wrong", Metrics=wrong)
    for name in ("Namespace", "MetricName", "Statistic", "Period"):
        del given[name]
    with pytest.raises(ClientError, match="there is no absent; there is: errors, requests, rate"):
        cloudwatch.put_metric_alarm(**given)
    template = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": given}}}
    with pytest.raises(RehearsalError, match="there is no absent"):
        create_stack(client("cloudformation", endpoint, PLACE), "wrong", json.dumps(template))


BREAKS = """
def handler(event, context):
    if event["rawPath"] == "/broken":
        raise KeyError("broken")
    return {"statusCode": 200, "body": "well"}
"""


def test_errors_and_latency_of_a_deployed_api_reach_its_alarms(
    endpoint: str, cloudwatch: Any
) -> None:
    template = application("v1")
    template["Resources"]["Function"]["Properties"]["Code"]["ZipFile"] = BREAKS
    of_function = [{"Name": "FunctionName", "Value": {"Ref": "Function"}}]
    of_api = [{"Name": "ApiId", "Value": {"Ref": "Api"}}]
    for name, namespace, metric, dimensions in (
        ("thrown", "AWS/Lambda", "Errors", of_function),
        ("answered", "AWS/ApiGateway", "5xx", of_api),
        ("slow", "AWS/ApiGateway", "Latency", of_api),
    ):
        template["Resources"][name] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": alarm(
                AlarmName=name,
                Namespace=namespace,
                MetricName=metric,
                Dimensions=dimensions,
                Threshold=0,
                EvaluationPeriods=5,
                DatapointsToAlarm=1,
                TreatMissingData="notBreaching",
            ),
        }
    cloudformation = client("cloudformation", endpoint, PLACE)
    create_stack(cloudformation, "breaks", json.dumps(template))
    url = outputs(cloudformation, "breaks")["ApiUrl"]
    for name, path in (("thrown", "/broken"), ("answered", "/broken"), ("slow", "/")):

        def is_red(name: str = name, path: str = path) -> bool:
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(url + path, timeout=20).close()
            return state(cloudwatch, name) == "ALARM"

        assert until(is_red), name
