"""The bake reads a real alarm in another account through its gate, with IAM enforced.

The roles are those of the synthesized templates.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from dpra_constructs import DeploymentTarget
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.monitoring import DeploymentHealth
from dpra_constructs.pipeline.bakes import bake_function
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.release.bake_action import BakeAction
from dpra_constructs.release.runtime import bake, names
from tests.pipelines import tools_stack
from tests.runtime.service_models import Modelled
from tests.runtime.test_bake import EXECUTION, World

TOOLS, PROD = Place("111111111111", "us-west-2"), Place("444444444444", "eu-central-1")
TARGET = DeploymentTarget(
    pipeline=PipelineIdentity(name="fruit-api", account=TOOLS.account, region=TOOLS.region),
    environment="prod",
    account=PROD.account,
    region=PROD.region,
    configuration={},
    is_production=True,
)
BAKE = BakeAction(
    pipeline="fruit-api",
    stage="Prod-rest",
    environment="prod",
    account=PROD.account,
    regions=[PROD.region],
    bake_minutes=15,
    settle_minutes=5,
)
ALARM = names.health_alarm_name("fruit-api", "prod", PROD.region)
GATE = names.role_arn("aws", PROD.account, names.gate_role_name("fruit-api", "prod", PROD.region))
BAKES = names.role_arn("aws", TOOLS.account, names.bake_role_name("fruit-api", TOOLS.region))


def resolved(value: Any) -> Any:
    """Put the partition into a template's value, and a name for every other reference."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(resolved, parts))
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "arn:aws:logs:us-west-2:111111111111:log-group:x"
        case dict():
            return {key: resolved(each) for key, each in value.items()}
        case list():
            return [resolved(each) for each in value]
    return value


def make_role(endpoint: str, place: Place, stack: Stack, trust: Any = None) -> None:
    """Make the one role of a stack as its template says, with another trust if one is given."""
    template = resolved(Template.from_stack(stack).to_json())["Resources"].values()
    [role] = [each["Properties"] for each in template if each["Type"] == "AWS::IAM::Role"]
    [policy] = role.get("Policies") or [
        each["Properties"] for each in template if each["Type"] == "AWS::IAM::Policy"
    ]
    iam = client("iam", endpoint, place)
    iam.create_role(
        RoleName=role["RoleName"],
        AssumeRolePolicyDocument=json.dumps(trust or role["AssumeRolePolicyDocument"]),
    )
    iam.put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="Own",
        PolicyDocument=json.dumps(policy["PolicyDocument"]),
    )


def root_of(account: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    stack = Stack(App(), "Api", env=TARGET.env)
    errors = cloudwatch.Metric(namespace="Fruit", metric_name="Errors")
    alarm = errors.create_alarm(stack, "Errors", threshold=1, evaluation_periods=1)
    DeploymentHealth(stack, "Health", target=TARGET, alarms=[alarm])
    tools = tools_stack()
    logs = EncryptedLogs(tools, kms.Key(tools, "Key"), "fruit-api", 365)
    bake_function(tools, TARGET.pipeline, [BAKE], logs)
    with emulator() as address:
        make_role(address, PROD, stack)
        # Only Lambda may take the role, which the test is not.
        make_role(address, TOOLS, tools, trust=root_of(TOOLS.account))
        iam = client("iam", address, TOOLS)
        iam.create_role(
            RoleName="other", AssumeRolePolicyDocument=json.dumps(root_of(TOOLS.account))
        )
        everything = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [everything]}
        iam.put_role_policy(RoleName="other", PolicyName="Own", PolicyDocument=json.dumps(document))
        watched = client("cloudwatch", address, PROD)
        watched.put_metric_alarm(
            AlarmName="errors",
            Namespace="Fruit",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        watched.put_composite_alarm(AlarmName=ALARM, AlarmRule='ALARM("errors")')
        yield address


def assumed(endpoint: str, role: str, by: Any = None) -> dict[str, Any]:
    sts = by or client("sts", endpoint, TOOLS)
    return dict(sts.assume_role(RoleArn=role, RoleSessionName="bake")["Credentials"])


def through_the_gate(endpoint: str, role: str = BAKES) -> dict[str, Any]:
    session = client("sts", endpoint, TOOLS, assumed(endpoint, role))
    return assumed(endpoint, GATE, session)


def bake_once(endpoint: str, deployed: float) -> tuple[str, dict[str, Any]]:
    class Deployed(World):
        def list_action_executions(self, **given: Any) -> dict[str, Any]:
            page = super().list_action_executions(**given)
            for each in page["actionExecutionDetails"]:
                each["lastUpdateTime"] = datetime.fromtimestamp(deployed, UTC)
            return page

    pipeline = Deployed({PROD.region: []})
    parameters = BAKE.user_parameters.replace("#{codepipeline.PipelineExecutionId}", EXECUTION)
    bake.handle(
        {
            "CodePipeline.job": {
                "id": "f4f4ff82-2d11-4333-8444-555555555555",
                "data": {"actionConfiguration": {"configuration": {"UserParameters": parameters}}},
            }
        },
        codepipeline=Modelled("codepipeline", pipeline),
        open_cloudwatch=lambda _, region: client(
            "cloudwatch", endpoint, Place(PROD.account, region), through_the_gate(endpoint)
        ),
        emit=lambda line: None,
    )
    [result] = pipeline.results
    return result


def test_a_real_alarm_in_production_stops_a_wave(endpoint: str) -> None:
    kind, result = bake_once(endpoint, time.time() + 1)
    assert kind == "success"
    assert "continuationToken" in result
    began = time.time() - 1
    watched = client("cloudwatch", endpoint, PROD)
    for state in ("ALARM", "OK"):
        watched.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="load")
        watched.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="load")
    kind, result = bake_once(endpoint, began)
    assert kind == "failure"
    assert f"{ALARM} went into ALARM after the deployment" in result["failureDetails"]["message"]


def test_the_handler_reads_with_clients_of_boto3(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = assumed(endpoint, BAKES)
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": TOOLS.region,
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }.items():
        monkeypatch.setenv(name, value)
    # Another test of this process may have made one, with its own credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    now = int(time.time() * 1000)
    # CodePipeline has been asked in an earlier call: here it knows no jobs.
    begun = bake.Progress(started=now, rolls_back=False, deployed=(now + 2000,), read=(now,))

    class Context:
        invoked_function_arn = "arn:aws:lambda:us-west-2:111111111111:function:bake"

    parameters = {"configuration": {"UserParameters": BAKE.user_parameters}}
    data = {"actionConfiguration": parameters, "continuationToken": begun.token()}
    job_id = "f4f4ff82-2d11-4333-8444-555555555555"
    with suppress(ClientError):
        bake.handler({"CodePipeline.job": {"id": job_id, "data": data}}, Context())
    # The emulator has no parameter by which the bake could be overridden, which is said first.
    [line] = [each for each in capsys.readouterr().out.splitlines() if each.startswith("{")]
    written = json.loads(line)
    assert (written["Problem"], written["Unreadable"]) == (None, 0)
    assert written["State"] in ("OK", "ALARM")


def test_another_role_of_the_account_does_not_pass_the_gate(endpoint: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        through_the_gate(endpoint, names.role_arn("aws", TOOLS.account, "other"))


HERE, THERE = PROD, Place(PROD.account, "us-east-1")
DENIED: list[tuple[Place, str, str, dict[str, Any]]] = [
    (HERE, "cloudwatch", "put_composite_alarm", {"AlarmName": ALARM, "AlarmRule": "FALSE"}),
    (
        HERE,
        "cloudwatch",
        "set_alarm_state",
        {"AlarmName": ALARM, "StateValue": "OK", "StateReason": "x"},
    ),
    (HERE, "cloudwatch", "delete_alarms", {"AlarmNames": [ALARM]}),
    (HERE, "cloudwatch", "disable_alarm_actions", {"AlarmNames": [ALARM]}),
    (HERE, "cloudwatch", "list_metrics", {}),
    (HERE, "cloudwatch", "list_dashboards", {}),
    (HERE, "cloudwatch", "put_metric_data", {"Namespace": "x", "MetricData": []}),
    (THERE, "cloudwatch", "describe_alarms", {}),
    (HERE, "s3", "list_buckets", {}),
    (HERE, "iam", "list_roles", {}),
    (HERE, "sts", "assume_role", {"RoleArn": BAKES, "RoleSessionName": "back"}),
    (HERE, "lambda", "list_functions", {}),
]


@pytest.mark.parametrize(
    ("place", "service", "operation", "given"), DENIED, ids=[f"{d[1]}-{d[2]}" for d in DENIED]
)
def test_the_gate_lets_nothing_else_through(
    endpoint: str, place: Place, service: str, operation: str, given: dict[str, Any]
) -> None:
    session = client(service, endpoint, place, through_the_gate(endpoint))
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(session, operation)(**given)


BESIDE: list[tuple[str, str, dict[str, Any]]] = [
    ("cloudwatch", "describe_alarms", {}),
    ("codepipeline", "list_pipelines", {}),
    ("codepipeline", "start_pipeline_execution", {"name": "fruit-api"}),
    (
        "codepipeline",
        "get_pipeline_execution",
        {
            "pipelineName": "other",
            "pipelineExecutionId": EXECUTION,
        },
    ),
    ("s3", "list_buckets", {}),
    ("iam", "list_roles", {}),
    ("lambda", "list_functions", {}),
    ("logs", "describe_log_groups", {}),
    ("cloudformation", "list_stacks", {}),
    ("sts", "assume_role", {"RoleArn": f"{GATE}-2", "RoleSessionName": "other"}),
]


@pytest.mark.parametrize(
    ("service", "operation", "given"), BESIDE, ids=[f"{each[0]}-{each[1]}" for each in BESIDE]
)
def test_the_role_of_the_bake_may_do_nothing_beside(
    endpoint: str, service: str, operation: str, given: dict[str, Any]
) -> None:
    session = client(service, endpoint, TOOLS, assumed(endpoint, BAKES))
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(session, operation)(**given)
