"""Conditions, resources of calls, and passed roles."""

from __future__ import annotations

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import (
    ACCOUNT,
    HERE,
    REGION,
    Statement,
    allowed,
    assume,
    role,
    session,
    trust,
)

_FREEZE = """BEGIN:VCALENDAR
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
DTSTART:20261220T000000Z
DTEND:20270104T000000Z
END:VEVENT
END:VCALENDAR
"""
_TOPIC = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


def resource_tag(endpoint: str) -> bool:
    """A condition on a tag of the role that is assumed holds for the tagged role only."""
    for name, tags in (("dpra-tagged", [{"Key": "kind", "Value": "deploy"}]), ("dpra-bare", [])):
        role(endpoint, HERE, name, Tags=tags)
    caller = session(
        endpoint,
        HERE,
        "dpra-resource-tag",
        {
            "Action": "sts:AssumeRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:ResourceTag/kind": "deploy"}},
        },
    )("sts")

    def may_assume(name: str) -> bool:
        return allowed(
            caller.assume_role,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            RoleSessionName="self-test",
        )

    return may_assume("dpra-tagged") and not may_assume("dpra-bare")


def principal_role(endpoint: str) -> bool:
    """A trust that names the caller's role by `aws:PrincipalArn` lets in a session of it."""
    caller = role(endpoint, HERE, "dpra-bake", {"Action": "sts:AssumeRole", "Resource": "*"})
    gate = role(
        endpoint,
        HERE,
        "dpra-gate",
        trust=trust(Condition={"ArnEquals": {"aws:PrincipalArn": caller}}),
    )
    try:
        assume(endpoint, HERE, gate, assume(endpoint, HERE, caller))
    except ClientError:
        return False
    return True


def build_project(endpoint: str) -> bool:
    """Builds of a project are allowed by its ARN; those of another in the same call are not."""
    codebuild = session(
        endpoint,
        HERE,
        "dpra-build-project",
        {
            "Action": "codebuild:BatchGetBuilds",
            "Resource": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/mine",
        },
    )("codebuild")
    return allowed(codebuild.batch_get_builds, ids=["mine:1"]) and not allowed(
        codebuild.batch_get_builds, ids=["mine:1", "other:1"]
    )


def pipeline_part(endpoint: str) -> bool:
    """A pipeline is read by a permission for its ARN; another is not."""
    codepipeline = session(
        endpoint,
        HERE,
        "dpra-pipeline-part",
        {
            "Action": "codepipeline:GetPipeline",
            "Resource": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:mine",
        },
    )("codepipeline")
    return allowed(codepipeline.get_pipeline, name="mine") and not allowed(
        codepipeline.get_pipeline, name="other"
    )


def log_stream(endpoint: str) -> bool:
    """A stream is created by a permission for `log-group:NAME:*`, and not for another group."""
    logs = session(
        endpoint,
        HERE,
        "dpra-log-stream",
        {
            "Action": "logs:CreateLogStream",
            "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:mine:*",
        },
    )("logs")

    def may_log(group: str) -> bool:
        return allowed(logs.create_log_stream, logGroupName=group, logStreamName="a")

    return may_log("mine") and not may_log("mine2")


def parameter_names(endpoint: str) -> bool:
    """Each of several parameters is checked."""
    ssm = session(
        endpoint,
        HERE,
        "dpra-parameter-names",
        {
            "Action": "ssm:GetParameters",
            "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/mine/*",
        },
    )("ssm")
    return allowed(ssm.get_parameters, Names=["/mine/a"]) and not allowed(
        ssm.get_parameters, Names=["/mine/a", "/other/a"]
    )


def change_calendar(endpoint: str) -> bool:
    """A change calendar is closed by its events, and read by whoever may."""
    owner = client("ssm", endpoint, HERE)
    owner.create_document(
        Name="mine", Content=_FREEZE, DocumentType="ChangeCalendar", DocumentFormat="TEXT"
    )
    reader = session(
        endpoint,
        HERE,
        "dpra-change-calendar",
        {
            "Action": "ssm:GetCalendarState",
            "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/mine",
        },
    )("ssm")

    def state(time: str) -> str:
        answer = reader.get_calendar_state(CalendarNames=["mine"], AtTime=time)
        return str(answer["State"])

    states = [state(f"2026-12-{day}T12:00:00Z") for day in (19, 20)]
    may_read_others = allowed(reader.get_calendar_state, CalendarNames=["mine", "other"])
    owner.delete_document(Name="mine")
    return states == ["OPEN", "CLOSED"] and not may_read_others


def change_set_stack(endpoint: str) -> bool:
    """A change set that is named by its ARN is allowed by the ARN of its stack."""
    client("cloudformation", endpoint, HERE).create_change_set(
        StackName="dpra-change-set", ChangeSetName="a", ChangeSetType="CREATE", TemplateBody=_TOPIC
    )
    arn = client("cloudformation", endpoint, HERE).describe_change_set(
        StackName="dpra-change-set", ChangeSetName="a"
    )["ChangeSetId"]
    cloudformation = session(
        endpoint,
        HERE,
        "dpra-change-set-stack",
        {
            "Action": "cloudformation:DescribeChangeSet",
            "Resource": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dpra-change-set/*",
        },
    )("cloudformation")
    return allowed(cloudformation.describe_change_set, ChangeSetName=arn)


def passed_role(endpoint: str) -> bool:
    """Deploying with a role needs `iam:PassRole` for it."""
    execution = role(
        endpoint, HERE, "dpra-execution", trust=trust(service="cloudformation.amazonaws.com")
    )
    create = {"Action": "cloudformation:CreateChangeSet", "Resource": "*"}
    pass_it = {
        "Action": "iam:PassRole",
        "Resource": execution,
        "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    }

    def may_deploy(name: str, *statements: Statement) -> bool:
        return allowed(
            session(endpoint, HERE, name, *statements)("cloudformation").create_change_set,
            StackName=name,
            ChangeSetName="a",
            ChangeSetType="CREATE",
            TemplateBody=_TOPIC,
            RoleARN=execution,
        )

    return may_deploy("dpra-may-pass", create, pass_it) and not may_deploy(
        "dpra-may-not-pass", create
    )


def trusting_role(endpoint: str) -> bool:
    """A stack is not deployed with a role that does not trust CloudFormation."""
    execution = role(endpoint, HERE, "dpra-untrusting", trust=trust(service="lambda.amazonaws.com"))
    try:
        client("cloudformation", endpoint, HERE).create_stack(
            StackName="dpra-trusting-role", TemplateBody=_TOPIC, RoleARN=execution
        )
    except ClientError as error:
        return "cannot be assumed" in str(error)
    return False
