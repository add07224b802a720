"""Which permissions of a pipeline's roles the emulator enforces: allowed with, denied without.

Roles and policies are like those that CDK Pipelines and the CDK bootstrap make. `is_allowed` is
asked inside the emulator's process; here by its own call, as the executor does.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import (
    Statement,
    allowed,
    assume,
    policy,
    role,
    trust,
)
from dpra_constructs.rehearsal.self_tests.functions import packed
from dpra_constructs.rehearsal.server import emulator, is_allowed, trusts_service

REGION = "us-west-2"
TOOLS = Place("111111111111", REGION)
BETA = Place("222222222222", REGION)
ARTIFACTS = "fruit-artifacts"
ASSETS = "cdk-hnb659fds-assets-222222222222-us-west-2"
PIPELINE = f"arn:aws:iam::{TOOLS.account}:role/pipeline"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
PROJECT = f"arn:aws:codebuild:{REGION}:{TOOLS.account}:project/tests"


@dataclass(frozen=True)
class World:
    """An emulator with an artifact bucket, its key, and what the actions of a pipeline use."""

    endpoint: str
    key: str
    secret: str

    def root(self, service: str, place: Place = TOOLS) -> Any:
        return client(service, self.endpoint, place)

    def as_role(self, service: str, place: Place, name: str, *statements: Statement) -> Any:
        """Return a client of a role that has these permissions, made or changed for it."""
        try:
            arn = role(self.endpoint, place, name, *statements)
        except ClientError:
            iam = self.root("iam", place)
            arn = iam.get_role(RoleName=name)["Role"]["Arn"]
            iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy(*statements))
        return client(service, self.endpoint, place, assume(self.endpoint, place, arn))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with emulator() as endpoint:
        for place, name in ((BETA, "deploy"), (BETA, "publish"), (TOOLS, "artifacts")):
            role(endpoint, place, name)
        execution = trust(service="cloudformation.amazonaws.com")
        role(endpoint, BETA, "execution", trust=execution)
        deploy = f"arn:aws:iam::{BETA.account}:role/deploy"
        root = {"AWS": f"arn:aws:iam::{TOOLS.account}:root"}
        use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"]
        key = client("kms", endpoint, TOOLS).create_key(
            Policy=policy(
                {"Principal": root, "Action": "kms:*", "Resource": "*"},
                {"Principal": {"AWS": deploy}, "Action": use, "Resource": "*"},
            )
        )["KeyMetadata"]["Arn"]
        s3 = client("s3", endpoint, TOOLS)
        where = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration=where)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        s3.put_bucket_encryption(
            Bucket=ARTIFACTS,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            },
        )
        bucket = f"arn:aws:s3:::{ARTIFACTS}"
        s3.put_bucket_policy(
            Bucket=ARTIFACTS,
            Policy=policy(
                {
                    "Principal": {"AWS": deploy},
                    "Action": ["s3:GetObject*", "s3:GetBucket*", "s3:List*"],
                    "Resource": [bucket, f"{bucket}/*"],
                }
            ),
        )
        s3.put_object(Bucket=ARTIFACTS, Key="a", Body=b"a")
        client("s3", endpoint, BETA).create_bucket(Bucket=ASSETS, CreateBucketConfiguration=where)
        client("codebuild", endpoint, TOOLS).create_project(
            name="tests",
            source={"type": "CODEPIPELINE"},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=role(endpoint, TOOLS, "build", trust=trust(service="codebuild")),
        )
        client("sns", endpoint, TOOLS).create_topic(Name="releases")
        client("ssm", endpoint, TOOLS).put_parameter(Name="/fruit/a", Value="a", Type="String")
        secret = client("secretsmanager", endpoint, TOOLS).create_secret(
            Name="fruit", SecretString="a"
        )["ARN"]
        client("lambda", endpoint, TOOLS).create_function(
            FunctionName="bake",
            Runtime="python3.14",
            Handler="index.handler",
            Role=role(endpoint, TOOLS, "bake", trust=trust(service="lambda.amazonaws.com")),
            Code={"ZipFile": packed("def handler(event, context):\n    return 'ok'")},
        )
        yield World(endpoint, key, secret)


KEY = "THE-KEY"
SECRET = "THE-SECRET"


@dataclass(frozen=True)
class Permission:
    """A permission, the call that needs it, and what else the call needs."""

    action: str
    resource: str
    service: str
    call: Callable[[Any], Callable[..., Any]]
    arguments: dict[str, Any]
    also: tuple[Statement, ...] = ()
    place: Place = TOOLS
    role: str = "action"


def stack_call(name: str, **more: Any) -> dict[str, Any]:
    return {"StackName": "app", "ChangeSetName": name, **more}


OBJECTS = f"arn:aws:s3:::{ARTIFACTS}/*"
STACK = f"arn:aws:cloudformation:{REGION}:{BETA.account}:stack/app/*"
EXECUTION = f"arn:aws:iam::{BETA.account}:role/execution"
USE_KEY: Statement = {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": KEY}
PERMISSIONS = [
    Permission(
        "sts:AssumeRole",
        f"arn:aws:iam::{TOOLS.account}:role/artifacts",
        "sts",
        lambda sts: sts.assume_role,
        {"RoleArn": f"arn:aws:iam::{TOOLS.account}:role/artifacts", "RoleSessionName": "test"},
        role="pipeline",
    ),
    Permission(
        "s3:GetObject",
        OBJECTS,
        "s3",
        lambda s3: s3.get_object,
        {"Bucket": ARTIFACTS, "Key": "a"},
        (USE_KEY,),
    ),
    Permission(
        "s3:PutObject",
        OBJECTS,
        "s3",
        lambda s3: s3.put_object,
        {"Bucket": ARTIFACTS, "Key": "b", "Body": b"b"},
        (USE_KEY,),
    ),
    Permission(
        "s3:ListBucket",
        f"arn:aws:s3:::{ARTIFACTS}",
        "s3",
        lambda s3: s3.list_objects_v2,
        {"Bucket": ARTIFACTS},
    ),
    Permission(
        "s3:GetObject",
        OBJECTS,
        "s3",
        lambda s3: s3.get_object,
        {"Bucket": ARTIFACTS, "Key": "a"},
        (USE_KEY,),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "s3:ListBucket",
        f"arn:aws:s3:::{ARTIFACTS}",
        "s3",
        lambda s3: s3.list_objects_v2,
        {"Bucket": ARTIFACTS},
        place=BETA,
        role="deploy",
    ),
    Permission(
        "s3:PutObject",
        f"arn:aws:s3:::{ASSETS}/*",
        "s3",
        lambda s3: s3.put_object,
        {"Bucket": ASSETS, "Key": "asset.zip", "Body": b"a"},
        place=BETA,
        role="publish",
    ),
    Permission(
        "kms:Decrypt",
        KEY,
        "s3",
        lambda s3: s3.get_object,
        {"Bucket": ARTIFACTS, "Key": "a"},
        ({"Action": "s3:GetObject", "Resource": OBJECTS},),
    ),
    Permission(
        "kms:Decrypt",
        KEY,
        "s3",
        lambda s3: s3.get_object,
        {"Bucket": ARTIFACTS, "Key": "a"},
        ({"Action": "s3:GetObject", "Resource": OBJECTS},),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "kms:GenerateDataKey",
        KEY,
        "s3",
        lambda s3: s3.put_object,
        {"Bucket": ARTIFACTS, "Key": "b", "Body": b"b"},
        ({"Action": "s3:PutObject", "Resource": OBJECTS},),
    ),
    Permission(
        "kms:GenerateDataKey",
        KEY,
        "kms",
        lambda kms: kms.generate_data_key,
        {"KeyId": KEY, "KeySpec": "AES_256"},
    ),
    Permission(
        "codebuild:StartBuild",
        PROJECT,
        "codebuild",
        lambda codebuild: codebuild.start_build,
        {"projectName": "tests"},
    ),
    Permission(
        "codebuild:BatchGetBuilds",
        PROJECT,
        "codebuild",
        lambda codebuild: codebuild.batch_get_builds,
        {"ids": ["tests:1"]},
    ),
    Permission(
        "codebuild:StopBuild",
        PROJECT,
        "codebuild",
        lambda codebuild: codebuild.stop_build,
        {"id": "tests:1"},
    ),
    Permission(
        "cloudformation:CreateChangeSet",
        STACK,
        "cloudformation",
        lambda cloudformation: cloudformation.create_change_set,
        stack_call("new", TemplateBody=TEMPLATE, ChangeSetType="CREATE"),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "iam:PassRole",
        EXECUTION,
        "cloudformation",
        lambda cloudformation: cloudformation.create_change_set,
        stack_call("passed", TemplateBody=TEMPLATE, ChangeSetType="CREATE", RoleARN=EXECUTION),
        ({"Action": "cloudformation:CreateChangeSet", "Resource": "*"},),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "cloudformation:DescribeChangeSet",
        STACK,
        "cloudformation",
        lambda cloudformation: cloudformation.describe_change_set,
        stack_call("new"),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "cloudformation:ExecuteChangeSet",
        STACK,
        "cloudformation",
        lambda cloudformation: cloudformation.execute_change_set,
        stack_call("missing"),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "cloudformation:DescribeStacks",
        STACK,
        "cloudformation",
        lambda cloudformation: cloudformation.describe_stacks,
        {"StackName": "app"},
        place=BETA,
        role="deploy",
    ),
    Permission(
        "cloudformation:DeleteChangeSet",
        STACK,
        "cloudformation",
        lambda cloudformation: cloudformation.delete_change_set,
        stack_call("passed"),
        place=BETA,
        role="deploy",
    ),
    Permission(
        "lambda:InvokeFunction",
        f"arn:aws:lambda:{REGION}:{TOOLS.account}:function:bake",
        "lambda",
        lambda functions: functions.invoke,
        {"FunctionName": "bake"},
    ),
    Permission(
        "sns:Publish",
        f"arn:aws:sns:{REGION}:{TOOLS.account}:releases",
        "sns",
        lambda sns: sns.publish,
        {"TopicArn": f"arn:aws:sns:{REGION}:{TOOLS.account}:releases", "Message": "a"},
    ),
    Permission(
        "ssm:GetParameter",
        f"arn:aws:ssm:{REGION}:{TOOLS.account}:parameter/fruit/*",
        "ssm",
        lambda ssm: ssm.get_parameter,
        {"Name": "/fruit/a"},
    ),
    Permission(
        "ssm:GetParameters",
        f"arn:aws:ssm:{REGION}:{TOOLS.account}:parameter/fruit/*",
        "ssm",
        lambda ssm: ssm.get_parameters,
        {"Names": ["/fruit/a"]},
    ),
    Permission(
        "secretsmanager:GetSecretValue",
        SECRET,
        "secretsmanager",
        lambda secrets: secrets.get_secret_value,
        {"SecretId": "fruit"},
    ),
    Permission(
        "logs:CreateLogStream",
        f"arn:aws:logs:{REGION}:{TOOLS.account}:log-group:/aws/codebuild/tests:*",
        "logs",
        lambda logs: logs.create_log_stream,
        {"logGroupName": "/aws/codebuild/tests", "logStreamName": "a"},
    ),
    Permission(
        "logs:PutLogEvents",
        f"arn:aws:logs:{REGION}:{TOOLS.account}:log-group:/aws/codebuild/tests:*",
        "logs",
        lambda logs: logs.put_log_events,
        {
            "logGroupName": "/aws/codebuild/tests",
            "logStreamName": "a",
            "logEvents": [{"timestamp": 1, "message": "a"}],
        },
    ),
    Permission(
        "codepipeline:GetPipeline",
        f"arn:aws:codepipeline:{REGION}:{TOOLS.account}:fruit",
        "codepipeline",
        lambda codepipeline: codepipeline.get_pipeline,
        {"name": "fruit"},
    ),
    Permission(
        "cloudwatch:DescribeAlarms",
        "*",
        "cloudwatch",
        lambda cloudwatch: cloudwatch.describe_alarms,
        {},
    ),
]


@pytest.mark.parametrize(
    "needed", PERMISSIONS, ids=lambda each: f"{each.action}-{each.service}-{each.role}"
)
def test_a_call_is_allowed_with_its_permission_and_denied_without(
    world: World, needed: Permission
) -> None:
    def known(value: Any) -> Any:
        return world.key if value == KEY else world.secret if value == SECRET else value

    also = [{**each, "Resource": known(each["Resource"])} for each in needed.also]
    arguments = {name: known(value) for name, value in needed.arguments.items()}
    granted = {"Action": needed.action, "Resource": known(needed.resource)}

    def is_let_through(*statements: Statement) -> bool:
        caller = world.as_role(needed.service, needed.place, needed.role, *statements)
        return allowed(needed.call(caller), **arguments)

    nothing = {"Action": "sts:GetCallerIdentity", "Resource": "*"}
    assert not is_let_through(*also, nothing)
    assert is_let_through(*also, granted)


def test_a_role_of_another_account_that_the_bucket_policy_does_not_name_is_denied(
    world: World,
) -> None:
    everything = {"Action": ["s3:*", "kms:*"], "Resource": "*"}
    s3 = world.as_role("s3", BETA, "publish", everything)
    assert not allowed(s3.get_object, Bucket=ARTIFACTS, Key="a")


def test_the_bucket_policy_says_what_another_account_may_do(world: World) -> None:
    s3 = world.as_role("s3", BETA, "deploy", {"Action": ["s3:*", "kms:*"], "Resource": "*"})
    assert allowed(s3.get_object, Bucket=ARTIFACTS, Key="a")
    assert not allowed(s3.put_object, Bucket=ARTIFACTS, Key="c", Body=b"c")


def test_the_key_policy_says_which_role_of_another_account_may_decrypt(world: World) -> None:
    everything = {"Action": ["s3:*", "kms:*"], "Resource": "*"}
    kms = world.as_role("kms", BETA, "publish", everything)
    assert not allowed(kms.generate_data_key, KeyId=world.key, KeySpec="AES_256")
    kms = world.as_role("kms", BETA, "deploy", everything)
    assert kms.generate_data_key(KeyId=world.key, KeySpec="AES_256")["Plaintext"]


def test_a_key_that_may_be_used_through_s3_only_is_not_used_directly(world: World) -> None:
    through_s3 = {
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
    }
    objects = {"Action": "s3:GetObject", "Resource": "*"}
    text = world.root("kms").encrypt(KeyId=world.key, Plaintext=b"a")["CiphertextBlob"]
    s3 = world.as_role("s3", BETA, "deploy", through_s3, objects)
    assert allowed(s3.get_object, Bucket=ARTIFACTS, Key="a")
    kms = world.as_role("kms", BETA, "deploy", through_s3, objects)
    assert not allowed(kms.decrypt, CiphertextBlob=text, KeyId=world.key)


def test_a_role_is_assumed_across_accounts_by_permission_and_trust(world: World) -> None:
    may = {"Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{BETA.account}:role/lookup"}
    nothing = {"Action": "sts:GetCallerIdentity", "Resource": "*"}
    lookup = role(world.endpoint, BETA, "lookup", trust=trust(TOOLS.account))

    def is_assumed() -> bool:
        return allowed(sts.assume_role, RoleArn=lookup, RoleSessionName="test")

    sts = world.as_role("sts", TOOLS, "pipeline", nothing)
    assert not is_assumed()
    sts = world.as_role("sts", TOOLS, "pipeline", may)
    assert is_assumed()
    world.root("iam", BETA).update_assume_role_policy(
        RoleName="lookup", PolicyDocument=trust(BETA.account)
    )
    assert not is_assumed()


ASKED = [
    (
        "codestar-connections:UseConnection",
        f"arn:aws:codestar-connections:{REGION}:{TOOLS.account}:connection/1",
    ),
    (
        "codeconnections:UseConnection",
        f"arn:aws:codeconnections:{REGION}:{TOOLS.account}:connection/1",
    ),
    (
        "codebuild:CreateReport",
        f"arn:aws:codebuild:{REGION}:{TOOLS.account}:report-group/tests-report",
    ),
    ("codepipeline:PutJobSuccessResult", "*"),
    ("s3:GetObject", OBJECTS.replace("*", "a")),
]


@pytest.mark.parametrize(("action", "resource"), ASKED)
def test_a_permission_without_a_call_is_asked_for(world: World, action: str, resource: str) -> None:
    world.as_role("sts", TOOLS, "pipeline", {"Action": "iam:GetRole", "Resource": "*"})
    assert not is_allowed(world.endpoint, PIPELINE, action, resource)
    world.as_role("sts", TOOLS, "pipeline", {"Action": action, "Resource": resource})
    assert is_allowed(world.endpoint, PIPELINE, action, resource)
    session = f"arn:aws:sts::{TOOLS.account}:assumed-role/pipeline/source"
    assert is_allowed(world.endpoint, session, action, resource)


def test_a_condition_of_a_permission_that_is_asked_for(world: World) -> None:
    may = {
        "Action": "iam:PassRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    }
    world.as_role("sts", TOOLS, "pipeline", may)
    for service, expected in (("cloudformation.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        context = {"iam:PassedToService": service}
        answer = is_allowed(world.endpoint, PIPELINE, "iam:PassRole", EXECUTION, context)
        assert answer is expected


def test_a_key_policy_is_part_of_what_is_asked_for(world: World) -> None:
    key_use = {"Action": "kms:Decrypt", "Resource": "*"}
    for name, expected in (("deploy", True), ("publish", False)):
        world.as_role("sts", BETA, name, key_use)
        principal = f"arn:aws:iam::{BETA.account}:role/{name}"
        answer = is_allowed(
            world.endpoint, principal, "kms:Decrypt", world.key, region=TOOLS.region
        )
        assert answer is expected


def test_a_role_trusts_the_service_that_its_policy_names_only(world: World) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": TOOLS.account}}
    build = role(
        world.endpoint,
        TOOLS,
        "trusting",
        trust=trust(service="codebuild.amazonaws.com", Condition=ours),
    )
    codebuild = "codebuild.amazonaws.com"
    for service, account, expected in (
        (codebuild, TOOLS.account, True),
        (codebuild, BETA.account, False),
        ("codepipeline.amazonaws.com", TOOLS.account, False),
    ):
        context = {"aws:SourceAccount": account}
        assert trusts_service(world.endpoint, build, service, context) is expected
    assert not trusts_service(world.endpoint, f"{build}-missing", codebuild)
