"""A deployed application on the emulator: reached, updated, rolled back and deleted."""

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack, delete_stack, update_stack
from tests.rehearsal.applications import application, outputs

PLACES = [
    Place(account, region)
    for account in ("333333333333", "444444444444")
    for region in ("us-west-2", "eu-central-1")
]
BETA = Place("222222222222", "us-west-2")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with emulator() as address:
        yield address


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:
        text: str = response.read().decode()
    return text


def test_each_place_answers_with_its_own_version_under_the_same_stack_name(endpoint: str) -> None:
    stacks = {place: client("cloudformation", endpoint, place) for place in PLACES}
    for place, cloudformation in stacks.items():
        template = application("v1", stage=f"{place.account}/{place.region}")
        create_stack(cloudformation, "fruit", json.dumps(template))
    urls = {place: outputs(stack, "fruit")["ApiUrl"] for place, stack in stacks.items()}
    for place, url in urls.items():
        assert url.startswith(f"{endpoint}/")
        assert get(f"{url}/fruits") == f"v1 {place.account}/{place.region} /fruits"
    first = PLACES[0]
    template = application("v2", stage=f"{first.account}/{first.region}")
    update_stack(stacks[first], "fruit", json.dumps(template))
    assert outputs(stacks[first], "fruit")["ApiUrl"] == urls[first]
    for place, url in urls.items():
        version = "v2" if place == first else "v1"
        assert get(f"{url}/fruits") == f"{version} {place.account}/{place.region} /fruits"


def test_the_address_that_a_template_puts_together_and_a_bare_one_answer_too(
    endpoint: str,
) -> None:
    cloudformation = client("cloudformation", endpoint, BETA)
    create_stack(cloudformation, "addresses", json.dumps(application("v1")))
    urls = outputs(cloudformation, "addresses")
    assert get(urls["ApiUrl"]) == get(urls["ApiUrl"] + "/") == get(urls["StageUrl"]) == "v1 beta /"


def test_a_function_url_answers(endpoint: str) -> None:
    url = {
        "Type": "AWS::Lambda::Url",
        "Properties": {
            "TargetFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]},
            "AuthType": "NONE",
        },
    }
    open_to_all = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        },
    }
    template = application("v1", also={"Url": url, "OpenToAll": open_to_all})
    template["Outputs"]["Url"] = {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}
    cloudformation = client("cloudformation", endpoint, BETA)
    create_stack(cloudformation, "url", json.dumps(template))
    assert get(outputs(cloudformation, "url")["Url"] + "visit") == "v1 beta /visit"


ANSWERS = """
import json, urllib.request

def handler(event, context):
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": "one",
        "Data": {"Answer": event["ResourceProperties"]["Question"] + "!"},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT"
    )
    urllib.request.urlopen(request).close()
"""


def with_custom_resource(question: str) -> str:
    template = application("v1")
    provider = json.loads(json.dumps(template["Resources"]["Function"]))
    provider["Properties"]["Code"]["ZipFile"] = ANSWERS
    template["Resources"] |= {
        "Provider": provider,
        "Custom": {
            "Type": "Custom::Answer",
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["Provider", "Arn"]},
                "Question": question,
            },
        },
    }
    template["Outputs"]["Answer"] = {"Value": {"Fn::GetAtt": ["Custom", "Answer"]}}
    return json.dumps(template)


def test_stacks_with_custom_resources_are_deployed_at_the_same_time(endpoint: str) -> None:
    stacks = {place: client("cloudformation", endpoint, place) for place in PLACES}

    def deploy(place: Place) -> list[str]:
        create_stack(stacks[place], "custom", with_custom_resource(f"first {place.region}"))
        first = outputs(stacks[place], "custom")["Answer"]
        update_stack(stacks[place], "custom", with_custom_resource(f"second {place.region}"))
        second = outputs(stacks[place], "custom")["Answer"]
        delete_stack(stacks[place], "custom")
        return [first, second]

    with ThreadPoolExecutor(len(PLACES)) as executor:
        answers = list(executor.map(deploy, PLACES))
    assert answers == [[f"first {p.region}!", f"second {p.region}!"] for p in PLACES]


FAILS = {
    "Broken": {
        "Type": "AWS::Synthetics::Canary",
        "DependsOn": ["Function", "Stage"],
        "Properties": {"Name": "taken"},
    }
}


def test_a_failed_update_runs_the_old_code_again(endpoint: str) -> None:
    cloudformation = client("cloudformation", endpoint, BETA)
    canary = {"Type": "AWS::Synthetics::Canary", "Properties": {"Name": "taken"}}
    create_stack(cloudformation, "taken", json.dumps({"Resources": {"Canary": canary}}))
    create_stack(cloudformation, "failing", json.dumps(application("v1")))
    url = outputs(cloudformation, "failing")["ApiUrl"]
    assert get(url) == "v1 beta /"
    template = application("v2", stage="changed", also=FAILS)
    with pytest.raises(RehearsalError, match=r"UPDATE_ROLLBACK_COMPLETE: Broken: .*already exists"):
        update_stack(cloudformation, "failing", json.dumps(template))
    assert get(url) == "v1 beta /"
    update_stack(cloudformation, "failing", json.dumps(application("v3")))
    assert get(url) == "v3 beta /"


def test_a_failed_creation_leaves_nothing(endpoint: str) -> None:
    place = Place("555555555555", "us-west-2")
    cloudformation = client("cloudformation", endpoint, place)
    canary = {"Type": "AWS::Synthetics::Canary", "Properties": {"Name": "taken"}}
    create_stack(cloudformation, "taken", json.dumps({"Resources": {"Canary": canary}}))
    template = application("v1", also=FAILS | health())
    with pytest.raises(RehearsalError, match=r"ROLLBACK_COMPLETE: Broken: .*already exists"):
        create_stack(cloudformation, "failing", json.dumps(template))
    assert client("lambda", endpoint, place).list_functions()["Functions"] == []
    assert client("apigatewayv2", endpoint, place).get_apis()["Items"] == []
    alarms = client("cloudwatch", endpoint, place).describe_alarms(
        AlarmTypes=["CompositeAlarm", "MetricAlarm"]
    )
    assert alarms["CompositeAlarms"] == alarms["MetricAlarms"] == []
    delete_stack(cloudformation, "failing")


def health() -> dict[str, Any]:
    return {
        "Errors": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "fruit-errors",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "Errors",
                "Namespace": "AWS/Lambda",
                "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}],
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 0,
                "TreatMissingData": "notBreaching",
            },
        },
        "Health": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {
                "AlarmName": "fruit-health",
                "AlarmRule": {"Fn::Sub": 'ALARM("${Errors}")'},
            },
        },
    }


def test_alarms_are_updated_rolled_back_and_deleted(endpoint: str) -> None:
    place = Place("666666666666", "us-west-2")
    cloudformation = client("cloudformation", endpoint, place)
    cloudwatch = client("cloudwatch", endpoint, place)

    def described() -> str:
        [alarm] = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        text: str = alarm.get("AlarmDescription", "")
        return text

    def template(description: str, name: str = "fruit-health", **also: Any) -> str:
        found = application("v1", also=health() | also)
        alarm = found["Resources"]["Health"]["Properties"]
        alarm |= {"AlarmDescription": description, "AlarmName": name}
        return json.dumps(found)

    canary = {"Type": "AWS::Synthetics::Canary", "Properties": {"Name": "taken"}}
    create_stack(cloudformation, "taken", json.dumps({"Resources": {"Canary": canary}}))
    create_stack(cloudformation, "alarms", template("first"))
    update_stack(cloudformation, "alarms", template("second"))
    assert described() == "second"
    broken = {**canary, "DependsOn": ["Health"]}
    with pytest.raises(RehearsalError, match="UPDATE_ROLLBACK_COMPLETE"):
        update_stack(cloudformation, "alarms", template("third", Broken=broken))
    assert described() == "second"
    update_stack(cloudformation, "alarms", template("fourth", "fruit-health-2"))
    [alarm] = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert alarm["AlarmName"] == "fruit-health-2"
    delete_stack(cloudformation, "alarms")
    assert cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


ASKS = """
import boto3

def handler(event, context):
    def ask(service, operation):
        try:
            return getattr(boto3.client(service), operation)()
        except Exception as error:
            return {"Arn": type(error).__name__ + " " + str(error)}
    asked = ("sts", "get_caller_identity"), ("iam", "list_users"), ("sqs", "list_queues")
    answers = [ask(*each) for each in asked]
    return {"statusCode": 200, "body": "|".join(each.get("Arn", "allowed") for each in answers)}
"""


def test_a_function_acts_under_its_role(endpoint: str) -> None:
    template = application("v1")
    template["Resources"]["Function"]["Properties"]["Code"]["ZipFile"] = ASKS
    may = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
    template["Resources"]["Role"]["Properties"]["Policies"] = [
        {
            "PolicyName": "p",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]},
        }
    ]
    cloudformation = client("cloudformation", endpoint, BETA)
    create_stack(cloudformation, "asks", json.dumps(template))
    caller, users, queues = get(outputs(cloudformation, "asks")["ApiUrl"]).split("|")
    assert caller.startswith(f"arn:aws:sts::{BETA.account}:assumed-role/asks-Role-")
    assert "not authorized to perform: iam:ListUsers" in users
    assert queues == "allowed"
