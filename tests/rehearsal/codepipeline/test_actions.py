"""The other actions: CloudFormation, Lambda, approval, S3."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    action,
    allow,
    approval,
    arn,
    commit,
    role,
    settings,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]

STACK = {
    "Parameters": {"Text": {"Type": "String"}, "More": {"Type": "String", "Default": ""}},
    "Resources": {
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Text} ${More}"}},
        }
    },
    "Outputs": {"Said": {"Value": {"Fn::GetAtt": ["Parameter", "Value"]}}},
}
FILES = {
    "stack.json": json.dumps(STACK),
    "configuration.json": json.dumps({"Parameters": {"Text": "hello"}, "Tags": {"team": "us"}}),
}


def cloudformation(name: str, mode: str, order: int, **configuration: Any) -> Template:
    properties = {}
    if namespace := configuration.pop("Namespace", ""):
        properties["Namespace"] = namespace
    return action(
        name,
        "AWS/Deploy/CloudFormation",
        {"ActionMode": mode, "StackName": {"Fn::Sub": "${AWS::StackName}-app"}, **configuration},
        order=order,
        inputs=["Code"],
        **properties,
    )


TEMPLATE: dict[str, Any] = {
    "TemplatePath": "Code::stack.json",
    "TemplateConfiguration": "Code::configuration.json",
    "RoleArn": arn("StackRole"),
    "Capabilities": "CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND",
}
STACK_ROLE = {"StackRole": role("cloudformation", allow("*"))}


def said(pipeline: Pipeline) -> str:
    name = f"{pipeline.name}-app"
    [stack] = pipeline.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    [output] = stack["Outputs"]
    return str(output["OutputValue"])


def test_change_sets_are_created_and_executed(deploy: Deploy) -> None:
    override = json.dumps({"More": "#{Source.BranchName}"})
    pipeline = deploy(
        template(
            source(),
            stage(
                "Prod",
                cloudformation(
                    "Prepare",
                    "CHANGE_SET_REPLACE",
                    1,
                    ChangeSetName="Change",
                    ParameterOverrides=override,
                    **TEMPLATE,
                ),
                cloudformation(
                    "Deploy", "CHANGE_SET_EXECUTE", 2, ChangeSetName="Change", Namespace="App"
                ),
                approval(order=3, configuration={"CustomData": "#{App.Said}"}),
            ),
            resources=STACK_ROLE,
        )
    )
    commit(pipeline.repository, FILES, "stack")
    for _ in range(2):  # the second time there are no changes
        execution_id = pipeline.start()
        pipeline.answer("Prod", execution_id=execution_id)
        assert pipeline.status(execution_id) == "Succeeded"
        run = pipeline.run(execution_id, "Approve")["input"]
        assert run["resolvedConfiguration"]["CustomData"] == "hello main" == said(pipeline)


def test_a_stack_is_created_updated_and_deleted(deploy: Deploy) -> None:
    pipeline = deploy(
        template(
            source(),
            stage("Prod", cloudformation("Deploy", "CREATE_UPDATE", 1, **TEMPLATE)),
            stage(
                "End",
                approval(),
                cloudformation("Delete", "DELETE_ONLY", 2, RoleArn=arn("StackRole")),
            ),
            resources=STACK_ROLE,
        )
    )
    commit(pipeline.repository, FILES, "stack")
    first = pipeline.start()
    token = pipeline.token("End")
    assert said(pipeline) == "hello "
    changed = {**FILES, "configuration.json": json.dumps({"Parameters": {"Text": "bye"}})}
    commit(pipeline.repository, changed, "change")
    second = pipeline.start()
    wait_for(lambda: pipeline.stage("End").get("inboundExecution"))
    assert said(pipeline) == "bye "
    assert token
    pipeline.answer("End", execution_id=first)
    assert pipeline.status(first) == "Succeeded"
    pipeline.answer("End", execution_id=second)
    assert pipeline.status(second) == "Succeeded"
    with pytest.raises(pipeline.client("cloudformation").exceptions.ClientError):
        said(pipeline)


def test_a_failed_stack_says_why(deploy: Deploy) -> None:
    pipeline = deploy(
        template(
            source(),
            stage("Prod", cloudformation("Deploy", "CREATE_UPDATE", 1, **TEMPLATE)),
            resources=STACK_ROLE,
        )
    )
    broken = json.loads(json.dumps(STACK))
    broken["Resources"]["Same"] = broken["Resources"]["Other"] = {
        "Type": "AWS::Synthetics::Canary",
        "Properties": {"Name": f"{pipeline.name}-same"},
    }
    commit(pipeline.repository, {**FILES, "stack.json": json.dumps(broken)}, "broken")
    message = pipeline.failure(pipeline.start())
    assert f"stack {pipeline.name}-app is ROLLBACK_COMPLETE" in message
    assert "already exists" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TemplatePath": "Code::gone.json"}, "the artifact Code has no file gone.json"),
        ({"TemplatePath": "Other::stack.json"}, "Other is no input artifact of the action"),
        ({"RoleArn": arn("PipelineRole")}, "cloudformation.amazonaws.com is not authorized"),
    ],
)
def test_what_a_stack_cannot_be_made_of(
    deploy: Deploy, changes: dict[str, Any], message: str
) -> None:
    pipeline = deploy(
        template(
            source(),
            stage("Prod", cloudformation("Deploy", "CREATE_UPDATE", 1, **(TEMPLATE | changes))),
            resources=STACK_ROLE,
        )
    )
    commit(pipeline.repository, FILES, "stack")
    assert message in pipeline.failure(pipeline.start())


def function(code: str) -> dict[str, Template]:
    return {
        "FunctionRole": role("lambda", allow("codepipeline:PutJob*Result")),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": arn("FunctionRole"),
                "Code": {"ZipFile": code},
            },
        },
    }


def invoke() -> Template:
    return action(
        "Call",
        "AWS/Invoke/Lambda",
        {"FunctionName": {"Ref": "Function"}, "UserParameters": "#{Source.BranchName}"},
        inputs=["Code"],
        Namespace="Call",
    )


TWICE = """
import boto3
def handler(event, context):
    job = event["CodePipeline.job"]
    configuration = job["data"]["actionConfiguration"]["configuration"]
    api = boto3.client("codepipeline")
    if "continuationToken" not in job["data"]:
        api.put_job_success_result(jobId=job["id"], continuationToken="again",
            executionDetails={"summary": "half", "percentComplete": 50})
        return
    [artifact] = job["data"]["inputArtifacts"]
    api.put_job_success_result(jobId=job["id"], executionDetails={"summary": "done"},
        outputVariables={"Said": configuration["UserParameters"], "Input": artifact["name"]})
"""
FAILS = """
import boto3
def handler(event, context):
    boto3.client("codepipeline").put_job_failure_result(jobId=event["CodePipeline.job"]["id"],
        failureDetails={"type": "JobFailed", "message": "health broke"})
"""
SAYS_NOTHING = "def handler(event, context):\n    pass\n"


def test_a_function_answers_and_asks_to_be_called_again(deploy: Deploy, place: Path) -> None:
    pipeline = deploy(template(source(), stage("Prod", invoke()), resources=function(TWICE)))
    settings(place, pipeline.repository, time_scale=60.0)
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded", pipeline.failure(execution_id)
    output = pipeline.run(execution_id, "Call")["output"]
    assert output["outputVariables"] == {"Said": "main", "Input": "Code"}
    assert output["executionResult"]["externalExecutionSummary"] == "done"


def test_a_function_fails_the_action(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", invoke()), resources=function(FAILS)))
    assert pipeline.failure(pipeline.start()) == "health broke"


def test_a_function_that_says_nothing_times_out(deploy: Deploy, place: Path) -> None:
    pipeline = deploy(template(source(), stage("Prod", invoke()), resources=function(SAYS_NOTHING)))
    settings(place, pipeline.repository, time_scale=600.0)
    assert "within 20 minutes" in pipeline.failure(pipeline.start())


def test_a_job_that_is_not_there(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    nobody = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(pipeline.api.exceptions.JobNotFoundException):
        pipeline.api.put_job_success_result(jobId=nobody)


def test_an_approval_times_out(deploy: Deploy, place: Path) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval(TimeoutInMinutes=5))))
    settings(place, pipeline.repository, time_scale=600.0)
    execution_id = pipeline.start()
    assert pipeline.failure(execution_id) == "no one answered within 5 minutes"
    result = pipeline.run(execution_id, "Approve")["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "TimeoutError"


def test_an_approval_tells_a_topic(deploy: Deploy) -> None:
    configuration = {
        "NotificationArn": {"Ref": "Topic"},
        "CustomData": "look at it",
        "ExternalEntityLink": "https://acme.example/review",
    }
    pipeline = deploy(
        template(
            source(),
            stage("Prod", approval(configuration=configuration)),
            resources={"Topic": {"Type": "AWS::SNS::Topic"}},
        )
    )
    sqs, sns = pipeline.client("sqs"), pipeline.client("sns")
    url = sqs.create_queue(QueueName=f"{pipeline.name}-topic")["QueueUrl"]
    [topic] = [
        each["PhysicalResourceId"]
        for each in pipeline.client("cloudformation").describe_stack_resources(
            StackName=pipeline.name
        )["StackResources"]
        if each["LogicalResourceId"] == "Topic"
    ]
    queue = f"arn:aws:sqs:{TOOLS.region}:{TOOLS.account}:{pipeline.name}-topic"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    execution_id = pipeline.start()
    token = pipeline.token("Prod")
    state = pipeline.action("Prod", "Approve")
    assert state["externalExecutionUrl"] == "https://acme.example/review"
    [message] = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    body = json.loads(json.loads(message["Body"])["Message"])
    assert body["approval"]["token"] == token
    assert body["approval"]["customData"] == "look at it"
    pipeline.answer("Prod")
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.action("Prod", "Approve")["summary"] == "seen"


def test_an_artifact_is_deployed_as_one_object(deploy: Deploy) -> None:
    configuration = {
        "BucketName": {"Ref": "Target"},
        "Extract": "false",
        "ObjectKey": "all.zip",
    }
    given = action("Put", "AWS/Deploy/S3", configuration, inputs=["Code"])
    pipeline = deploy(template(source(), stage("Prod", given)))
    assert pipeline.status(pipeline.start()) == "Succeeded"
    stacks = pipeline.client("cloudformation").describe_stacks(StackName=pipeline.name)["Stacks"]
    bucket = stacks[0]["Outputs"][0]["OutputValue"]
    body = pipeline.client("s3").get_object(Bucket=bucket, Key="all.zip")["Body"].read()
    assert body.startswith(b"PK")


def test_a_full_clone_is_for_builds_only(deploy: Deploy) -> None:
    given = template(
        source(OutputArtifactFormat="CODEBUILD_CLONE_REF"),
        stage("Prod", cloudformation("Deploy", "CREATE_UPDATE", 1, **TEMPLATE)),
        resources=STACK_ROLE,
    )
    pipeline = deploy(given)
    assert "can be read by CodeBuild actions only" in pipeline.failure(pipeline.start())


def test_a_source_without_a_repository_is_named(deploy: Deploy) -> None:
    pipeline = deploy(template(source(FullRepositoryId="acme/other"), stage("P", approval())))
    message = pipeline.failure(pipeline.start())
    assert message == "the rehearsal was given no repository for acme/other; it has: acme/fruit"
