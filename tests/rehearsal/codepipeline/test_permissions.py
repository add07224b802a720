"""A missing permission fails at the action that needs it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal.codepipeline.small import (
    CONNECTION,
    Pipeline,
    Template,
    allow,
    approval,
    arn,
    publish,
    role,
    source,
    stage,
    template,
)

Deploy = Callable[[Template], Pipeline]
READ = allow("s3:GetObject*")
WRITE = allow("s3:PutObject*")
CONNECT = allow("codeconnections:UseConnection", on=CONNECTION)


def with_pipeline_role(*statements: dict[str, Any], service: str = "codepipeline") -> Template:
    return template(
        source(),
        stage("Prod", publish()),
        resources={"PipelineRole": role(service, *statements)},
    )


def with_action_role(action_role: Template) -> Template:
    return template(
        source(),
        stage("Prod", publish(RoleArn=arn("ActionRole"))),
        resources={"ActionRole": action_role},
    )


def of_the_pipeline() -> dict[str, Any]:
    return {"AWS": {"Fn::GetAtt": ["PipelineRole", "Arn"]}}


def test_all_that_is_needed(deploy: Deploy) -> None:
    pipeline = deploy(with_pipeline_role(READ, WRITE, CONNECT))
    assert pipeline.status(pipeline.start()) == "Succeeded"


@pytest.mark.parametrize(
    ("statements", "action", "message"),
    [
        ([READ, WRITE], "Take", "codeconnections:UseConnection"),
        ([READ, CONNECT], "Take", "PutObject"),
        ([WRITE, CONNECT], "Publish", "GetObject"),
    ],
)
def test_a_removed_permission(
    deploy: Deploy, statements: list[dict[str, Any]], action: str, message: str
) -> None:
    pipeline = deploy(with_pipeline_role(*statements))
    execution_id = pipeline.start()
    assert message in pipeline.failure(execution_id)
    result = pipeline.run(execution_id, action)["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "PermissionError"


def test_a_role_that_does_not_trust_the_service(deploy: Deploy) -> None:
    pipeline = deploy(with_pipeline_role(READ, WRITE, CONNECT, service="codebuild"))
    message = pipeline.failure(pipeline.start())
    assert message.startswith("codepipeline.amazonaws.com is not authorized")
    assert "or its trust policy does not name the service" in message


def test_an_action_has_its_own_role_and_not_the_pipeline_s(deploy: Deploy) -> None:
    trusting = role("", READ, trust=of_the_pipeline())
    pipeline = deploy(with_action_role(trusting))
    assert "PutObject" in pipeline.failure(pipeline.start())
    trusting = role("", READ, WRITE, trust=of_the_pipeline())
    pipeline = deploy(with_action_role(trusting))
    assert pipeline.status(pipeline.start()) == "Succeeded"


def test_an_action_s_role_has_to_trust_the_pipeline_s(deploy: Deploy) -> None:
    pipeline = deploy(with_action_role(role("codebuild", READ, WRITE)))
    message = pipeline.failure(pipeline.start())
    assert message.startswith("AssumeRole: AccessDenied")


def test_the_pipeline_s_role_has_to_be_allowed_to_assume_an_action_s(deploy: Deploy) -> None:
    # In another account trust alone is not enough; in one account it is.
    there = role("", READ, WRITE, trust={"AWS": "arn:aws:iam::111111111111:root"})
    pipeline = deploy(
        template(
            source(),
            stage("Prod", publish(RoleArn=arn("ActionRole"))),
            resources={
                "ActionRole": there,
                "PipelineRole": role("codepipeline", READ, WRITE, CONNECT),
            },
        )
    )
    assert pipeline.failure(pipeline.start()).startswith("AssumeRole: AccessDenied")


def test_an_approval_notifies_with_its_role(deploy: Deploy) -> None:
    given = template(
        source(),
        stage(
            "Prod",
            approval(configuration={"NotificationArn": {"Ref": "Topic"}}),
        ),
        resources={
            "Topic": {"Type": "AWS::SNS::Topic"},
            # The policy that a topic has by itself lets every role of the account publish.
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {
                    "Topics": [{"Ref": "Topic"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "events.amazonaws.com"},
                                "Action": "sns:Publish",
                                "Resource": {"Ref": "Topic"},
                            }
                        ],
                    },
                },
            },
            "PipelineRole": role("codepipeline", READ, WRITE, CONNECT),
        },
    )
    pipeline = deploy(given)
    execution_id = pipeline.start()
    assert "Publish" in pipeline.failure(execution_id)
    result = pipeline.run(execution_id, "Approve")["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "PermissionError"


def test_a_bucket_policy_counts(deploy: Deploy) -> None:
    given = with_pipeline_role(READ, WRITE, CONNECT)
    given["Resources"]["Closed"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Target"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutObject",
                        "Resource": {"Fn::Sub": "${Target.Arn}/*"},
                    }
                ],
            },
        },
    }
    pipeline = deploy(json.loads(json.dumps(given)))
    assert "PutObject" in pipeline.failure(pipeline.start())
