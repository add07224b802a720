"""Canaries of API synthetic tests run on the emulator, and their alarms see what they see."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Template

from dpra_constructs.monitoring import ApiStep, ApiSyntheticTest, DeploymentHealth
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator, let_functions_misbehave
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.applications import application as deployed_application
from tests.rehearsal.test_emulated_alarms import state, until
from tests.synth.test_deployment_health import TARGET, application

pytestmark = pytest.mark.rehearsal

PLACE = Place("444444444444", "eu-central-1")
ASSETS = f"cdk-hnb659fds-assets-{PLACE.account}-{PLACE.region}"
# A minute takes two seconds, in which a canary can keep to its schedule.
SCALE = 30


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with emulator(time_scale=SCALE) as address:
        where = {"LocationConstraint": PLACE.region}
        client("s3", address, PLACE).create_bucket(Bucket=ASSETS, CreateBucketConfiguration=where)
        yield address


def with_canary(endpoint: str, name: str, url: Any, step: ApiStep) -> tuple[Any, ApiSyntheticTest]:
    """Return an application's template with a canary, whose code is published."""
    app = App()
    stack = application(app, env=Environment(account=PLACE.account, region=PLACE.region))
    test = ApiSyntheticTest(
        stack, name, target=TARGET, base_url="https://replaced.example", steps=[step]
    )
    DeploymentHealth(stack, "Health", target=TARGET, alarms=[test.alarm])
    template = json.loads(json.dumps(Template.from_stack(stack).to_json()))
    for folder in Path(app.outdir).glob("asset.*"):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for file in folder.rglob("*.*"):
                archive.write(file, file.relative_to(folder))
        key = f"{folder.name.removeprefix('asset.')}.zip"
        client("s3", endpoint, PLACE).put_object(Bucket=ASSETS, Key=key, Body=data.getvalue())
    whole = deployed_application("v1", also=template["Resources"])
    [canary] = [
        each for each in whole["Resources"].values() if each["Type"] == "AWS::Synthetics::Canary"
    ]
    canary["Properties"]["RunConfig"]["EnvironmentVariables"]["BASE_URL"] = url
    return whole, test


def results(endpoint: str, canary: str, metric: str = "SuccessPercent") -> list[float]:
    now = time.time()
    found = client("cloudwatch", endpoint, PLACE).get_metric_statistics(
        Namespace="CloudWatchSynthetics",
        MetricName=metric,
        Dimensions=[{"Name": "CanaryName", "Value": canary}],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=1,
        Statistics=["Average"],
    )["Datapoints"]
    return [each["Average"] for each in sorted(found, key=lambda each: each["Timestamp"])]


def test_a_broken_api_takes_the_alarm_of_its_canary_and_the_health_to_alarm(endpoint: str) -> None:
    url = {"Fn::GetAtt": ["Api", "ApiEndpoint"]}
    step = ApiStep("Look", latency_limit_ms=1)
    template, test = with_canary(endpoint, "Visit", url, step)
    cloudformation = client("cloudformation", endpoint, PLACE)
    create_stack(cloudformation, "visited", json.dumps(template))
    cloudwatch = client("cloudwatch", endpoint, PLACE)
    [alarm] = cloudwatch.describe_alarms()["MetricAlarms"]
    [health] = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    # It passes although it takes longer than its limit, which is not checked on a fast clock.
    assert until(lambda: results(endpoint, test.canary_name)[-1:] == [100], 20)
    assert results(endpoint, test.canary_name, "Duration")[0] > 1
    assert until(lambda: state(cloudwatch, alarm["AlarmName"]) == "OK", 20)
    [function] = client("lambda", endpoint, PLACE).list_functions()["Functions"]
    broken = {
        "account": PLACE.account,
        "region": PLACE.region,
        "name": function["FunctionName"],
        "code": function["CodeSha256"],
    }
    let_functions_misbehave(endpoint, [broken], of_other_code=False, fails=True)
    assert until(lambda: state(cloudwatch, health["AlarmName"]) == "ALARM", 30)
    assert results(endpoint, test.canary_name)[-2:] == [0, 0]
    let_functions_misbehave(endpoint, [])
    assert until(lambda: state(cloudwatch, health["AlarmName"]) == "OK", 30)


def test_what_is_not_on_this_machine_is_not_asked(endpoint: str) -> None:
    template, test = with_canary(endpoint, "Away", "https://acme.example", ApiStep("Look"))
    # Its names would be those of the other test's stack.
    kept = ("AWS::Synthetics::Canary",)
    template["Resources"] = {
        name: {
            "Type": each["Type"],
            "Properties": {
                **{key: each["Properties"][key] for key in ("Name", "Code", "Schedule")},
                "RunConfig": each["Properties"]["RunConfig"],
            },
        }
        for name, each in template["Resources"].items()
        if each["Type"] in kept
    }
    del template["Outputs"]
    create_stack(client("cloudformation", endpoint, PLACE), "away", json.dumps(template))
    time.sleep(2 * 60 / SCALE)
    assert results(endpoint, test.canary_name) == []
