"""Every answer has the shape of the service's model: no member that it does not have."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import Shape
from botocore.validate import ParamValidator

from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    approval,
    publish,
    source,
    stage,
    template,
)

Deploy = Callable[[Template], Pipeline]
MODEL = botocore.session.get_session().get_service_model("codepipeline")


def call(pipeline: Pipeline, operation: str, **request: Any) -> Any:
    """Call an operation and return its answer as it was sent."""
    data = json.dumps(request).encode()
    headers = {
        "X-Amz-Target": f"CodePipeline_20150709.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    signed = AWSRequest("POST", pipeline.endpoint + "/", headers, data)
    credentials = Credentials(TOOLS.account, "rehearsal")
    SigV4Auth(credentials, "codepipeline", TOOLS.region).add_auth(signed)
    sent = urllib.request.Request(
        pipeline.endpoint + "/", data, dict(signed.headers.items()), method="POST"
    )
    with urllib.request.urlopen(sent) as response:
        return json.loads(response.read())


def unknown(shape: Shape, value: Any, where: str) -> list[str]:
    """Return the members that the model does not have."""
    match shape.type_name:
        case "structure":
            members: dict[str, Shape] = shape.members  # type: ignore[attr-defined]
            return [
                problem
                for name, each in value.items()
                for problem in (
                    unknown(members[name], each, f"{where}.{name}")
                    if name in members
                    else [f"{where}.{name}"]
                )
            ]
        case "list":
            member = shape.member  # type: ignore[attr-defined]
            return [problem for each in value for problem in unknown(member, each, where)]
        case "string" if enum := getattr(shape, "enum", None):
            return [] if value in enum else [f"{where} is {value}"]
        case _:
            return []


def assert_shape(operation: str, answer: Any) -> None:
    shape = MODEL.operation_model(operation).output_shape
    assert shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()
    assert unknown(shape, answer, operation) == []


def test_answers(deploy: Deploy) -> None:
    given = template(
        source(),
        stage("Beta", publish(Namespace="Beta")),
        stage("Prod", approval(), publish(order=2), OnFailure={"Result": "ROLLBACK"}),
        Variables=[{"Name": "WHO", "DefaultValue": "us"}],
        Triggers=[
            {
                "ProviderType": "CodeStarSourceConnection",
                "GitConfiguration": {
                    "SourceActionName": "Take",
                    "Push": [{"Branches": {"Includes": ["main"]}}],
                },
            }
        ],
    )
    pipeline = deploy(given)
    name = pipeline.name
    started = call(pipeline, "StartPipelineExecution", name=name)
    assert_shape("StartPipelineExecution", started)
    first = started["pipelineExecutionId"]
    token = pipeline.token("Prod")

    def look() -> None:
        assert_shape("ListPipelines", call(pipeline, "ListPipelines"))
        assert_shape("GetPipeline", call(pipeline, "GetPipeline", name=name))
        assert_shape("GetPipelineState", call(pipeline, "GetPipelineState", name=name))
        executions = call(pipeline, "ListPipelineExecutions", pipelineName=name)
        assert_shape("ListPipelineExecutions", executions)
        actions = call(pipeline, "ListActionExecutions", pipelineName=name)
        assert_shape("ListActionExecutions", actions)
        for each in executions["pipelineExecutionSummaries"]:
            execution_id = each["pipelineExecutionId"]
            shown = call(
                pipeline,
                "GetPipelineExecution",
                pipelineName=name,
                pipelineExecutionId=execution_id,
            )
            assert_shape("GetPipelineExecution", shown)

    look()
    answer = {
        "pipelineName": name,
        "stageName": "Prod",
        "actionName": "Approve",
        "result": {"summary": "no", "status": "Rejected"},
        "token": token,
    }
    assert_shape("PutApprovalResult", call(pipeline, "PutApprovalResult", **answer))
    assert pipeline.status(first) == "Failed"
    look()
    retry = {"pipelineName": name, "stageName": "Prod", "retryMode": "FAILED_ACTIONS"}
    assert_shape(
        "RetryStageExecution",
        call(pipeline, "RetryStageExecution", **retry, pipelineExecutionId=first),
    )
    pipeline.answer("Prod")
    assert pipeline.status(first) == "Succeeded"
    rolled_back = call(
        pipeline,
        "RollbackStage",
        pipelineName=name,
        stageName="Prod",
        targetPipelineExecutionId=first,
    )
    assert_shape("RollbackStage", rolled_back)
    look()
    stopped = call(
        pipeline,
        "StopPipelineExecution",
        pipelineName=name,
        pipelineExecutionId=rolled_back["pipelineExecutionId"],
        abandon=True,
        reason="enough",
    )
    assert_shape("StopPipelineExecution", stopped)
    transition = {"pipelineName": name, "stageName": "Prod", "transitionType": "Inbound"}
    assert call(pipeline, "DisableStageTransition", **transition, reason="why") == {}
    look()
    assert call(pipeline, "EnableStageTransition", **transition) == {}


def test_answers_on_conditions(deploy: Deploy) -> None:
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": "VariableCheck", "Version": "1"}
    checked = {"Variable": "#{variables.WHO}", "Value": "them", "Operator": "EQ"}
    rule = {"Name": "Who", "RuleTypeId": kind, "Configuration": checked}
    entry = {"Conditions": [{"Result": "FAIL", "Rules": [rule]}]}
    pipeline = deploy(
        template(
            source(),
            stage("Prod", publish(), BeforeEntry=entry),
            Variables=[{"Name": "WHO", "DefaultValue": "us"}],
        )
    )
    name = pipeline.name
    first = pipeline.start()
    assert pipeline.status(first) == "Failed"
    assert_shape("GetPipeline", call(pipeline, "GetPipeline", name=name))
    state = call(pipeline, "GetPipelineState", name=name)
    assert_shape("GetPipelineState", state)
    assert state["stageStates"][1]["beforeEntryConditionState"]["latestExecution"]["status"]
    rules = call(pipeline, "ListRuleExecutions", pipelineName=name)
    assert_shape("ListRuleExecutions", rules)
    assert len(rules["ruleExecutionDetails"]) == 1
    asked = {"pipelineName": name, "stageName": "Prod", "pipelineExecutionId": first}
    call(pipeline, "OverrideStageCondition", **asked, conditionType="BEFORE_ENTRY")
    assert pipeline.status(first) == "Succeeded"
    assert_shape("GetPipelineState", call(pipeline, "GetPipelineState", name=name))


def test_lists_have_pages(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    for _ in range(3):
        assert pipeline.status(pipeline.start()) == "Succeeded"
    page = pipeline.api.list_pipeline_executions(pipelineName=pipeline.name, maxResults=2)
    assert len(page["pipelineExecutionSummaries"]) == 2
    rest = pipeline.api.list_pipeline_executions(
        pipelineName=pipeline.name, nextToken=page["nextToken"]
    )
    assert len(rest["pipelineExecutionSummaries"]) == 1
    with pytest.raises(pipeline.api.exceptions.InvalidNextTokenException):
        pipeline.api.list_pipeline_executions(pipelineName=pipeline.name, nextToken="x")


def test_an_operation_that_is_not_here_is_named(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    with pytest.raises(
        pipeline.api.exceptions.ClientError, match="ListWebhooks is not part of this rehearsal"
    ):
        pipeline.api.list_webhooks()
