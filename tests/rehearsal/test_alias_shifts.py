"""The traffic of an alias on the emulator: shifted step by step, and back when an alarm fires."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack, update_stack
from tests.rehearsal.applications import TRUST

PLACE = Place("444444444444", "eu-central-1")
_CODE = """
def handler(event, context):
    return "{version}"
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    # A minute takes 0.2 seconds.
    with emulator(time_scale=300) as address:
        yield address


def application(stack: str, version: int, config: Any) -> str:
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": _CODE.format(version=f"v{version}")},
            },
        },
        f"Version{version}": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": f"{stack}-errors",
                "Namespace": "Fruit",
                "MetricName": stack,
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 5,
                "DatapointsToAlarm": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        },
        "Application": {
            "Type": "AWS::CodeDeploy::Application",
            "Properties": {"ComputePlatform": "Lambda"},
        },
        "Config": {
            "Type": "AWS::CodeDeploy::DeploymentConfig",
            "Properties": {
                "ComputePlatform": "Lambda",
                "TrafficRoutingConfig": {
                    "Type": "TimeBasedLinear",
                    "TimeBasedLinear": {"LinearPercentage": 50, "LinearInterval": 15},
                },
            },
        },
        "Group": {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "ServiceRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DeploymentConfigName": config,
                "AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": {"Ref": "Alarm"}}]},
            },
        },
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "DependsOn": "Group",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": [f"Version{version}", "Version"]},
            },
            "UpdatePolicy": {
                "CodeDeployLambdaAliasUpdate": {
                    "ApplicationName": {"Ref": "Application"},
                    "DeploymentGroupName": {"Ref": "Group"},
                }
            },
        },
    }
    return json.dumps({"Resources": resources, "Outputs": {"Name": {"Value": {"Ref": "Function"}}}})


class Watch(threading.Thread):
    """Keeps how the alias was weighted, and puts errors of a stack on the way if it is told."""

    def __init__(self, endpoint: str, function: str, failing: str | None = None) -> None:
        super().__init__(daemon=True)
        self.lambda_ = client("lambda", endpoint, PLACE)
        self.cloudwatch = client("cloudwatch", endpoint, PLACE)
        self.function, self.failing = function, failing
        self.weights: set[float] = set()
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(0.02):
            alias = self.lambda_.get_alias(FunctionName=self.function, Name="live")
            routing = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            self.weights.update(routing.values())
            if self.failing and self.weights:
                data: Any = [{"MetricName": self.failing, "Value": 1}]
                self.cloudwatch.put_metric_data(Namespace="Fruit", MetricData=data)

    def seen(self) -> set[float]:
        self.ended.set()
        self.join()
        return self.weights


def call(lambda_: Any, function: str) -> str:
    done = lambda_.invoke(FunctionName=function, Qualifier="live")
    return str(json.loads(done["Payload"].read()))


def deployed(endpoint: str, stack: str, config: Any) -> tuple[Any, str]:
    cloudformation = client("cloudformation", endpoint, PLACE)
    create_stack(cloudformation, stack, application(stack, 1, config))
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    [output] = described["Outputs"]
    return cloudformation, str(output["OutputValue"])


def test_a_new_version_gets_its_callers_step_by_step(endpoint: str) -> None:
    config = {"Ref": "Config"}
    cloudformation, function = deployed(endpoint, "linear", config)
    lambda_ = client("lambda", endpoint, PLACE)
    assert call(lambda_, function) == "v1"
    watch = Watch(endpoint, function)
    update_stack(cloudformation, "linear", application("linear", 2, config))
    assert watch.seen() == {0.5}
    assert call(lambda_, function) == "v2"
    assert "RoutingConfig" not in lambda_.get_alias(FunctionName=function, Name="live")


def test_calls_are_sent_by_the_weights_and_counted_by_the_version_that_they_got(
    endpoint: str,
) -> None:
    config = "CodeDeployDefault.LambdaAllAtOnce"
    _, function = deployed(endpoint, "weights", config)
    lambda_ = client("lambda", endpoint, PLACE)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", _CODE.format(version="v2"))
    lambda_.update_function_code(FunctionName=function, ZipFile=code.getvalue())
    version = lambda_.publish_version(FunctionName=function)["Version"]
    weights = {"AdditionalVersionWeights": {version: 1.0}}
    lambda_.update_alias(FunctionName=function, Name="live", RoutingConfig=weights)
    assert call(lambda_, function) == "v2"
    listed = client("cloudwatch", endpoint, PLACE).list_metrics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "Resource", "Value": f"{function}:live"}],
    )["Metrics"]
    assert {
        each["Value"]
        for metric in listed
        for each in metric["Dimensions"]
        if each["Name"] == "ExecutedVersion"
    } == {version}


def test_an_alarm_takes_the_callers_back_and_fails_the_update(endpoint: str) -> None:
    config = {"Ref": "Config"}
    cloudformation, function = deployed(endpoint, "broken", config)
    watch = Watch(endpoint, function, failing="broken")
    with pytest.raises(RehearsalError, match="stopped at 50 percent and rolled back, as the alarm"):
        update_stack(cloudformation, "broken", application("broken", 2, config))
    assert watch.seen() == {0.5}
    lambda_ = client("lambda", endpoint, PLACE)
    assert call(lambda_, function) == "v1"
    assert "RoutingConfig" not in lambda_.get_alias(FunctionName=function, Name="live")


def test_a_canary_that_every_account_has_is_carried_out_too(endpoint: str) -> None:
    config = "CodeDeployDefault.LambdaCanary10Percent15Minutes"
    cloudformation, function = deployed(endpoint, "canary", config)
    watch = Watch(endpoint, function)
    update_stack(cloudformation, "canary", application("canary", 2, config))
    assert watch.seen() == {0.1}


def test_all_at_once_has_no_weights(endpoint: str) -> None:
    config = "CodeDeployDefault.LambdaAllAtOnce"
    cloudformation, function = deployed(endpoint, "at-once", config)
    watch = Watch(endpoint, function)
    update_stack(cloudformation, "at-once", application("at-once", 2, config))
    assert watch.seen() == set()
