"""A wave that fails closes the way into production, by a function that may do only that."""

import json
from typing import Any

import pytest

from dpra_constructs import Requirement
from tests.conftest import resources
from tests.pipelines import pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_build_actions import flat


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack, **arguments)))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return of_prod()


def function(template: dict[str, Any]) -> dict[str, Any]:
    [found] = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.stop_the_line.handler"
    ]
    return found


def test_it_hears_of_waves_alone(template: dict[str, Any]) -> None:
    [rule] = [
        each
        for each in resources(template, "AWS::Events::Rule")
        if each["Targets"][0]["Id"] == "StopTheLine"
    ]
    assert rule["EventPattern"]["detail"] == {
        "pipeline": ["fruit"],
        "stage": ["Prod-one-box", "Prod-rest"],
        "state": ["FAILED", "STARTED"],
    }
    [target] = rule["Targets"]
    name = target["Arn"]["Fn::GetAtt"][0]
    assert template["Resources"][name]["Properties"] == function(template)
    permissions = resources(template, "AWS::Lambda::Permission")
    assert {"Ref": name} in [each["FunctionName"] for each in permissions]


def test_it_closes_the_approval_and_tells_the_notifications(template: dict[str, Any]) -> None:
    variables = function(template)["Environment"]["Variables"]
    assert variables["ENTRANCE"] == "Approve-Prod"
    assert json.loads(variables["WAVES"]) == ["Prod-one-box", "Prod-rest"]
    assert variables["TOPIC_ARN"]["Ref"].startswith("PipelineNotifications")


def test_its_role_may_only_that(template: dict[str, Any]) -> None:
    name = function(template)["Role"]["Fn::GetAtt"][0]
    [policy] = template["Resources"][name]["Properties"]["Policies"]
    statements = [
        (each["Action"], flat(each["Resource"])) for each in policy["PolicyDocument"]["Statement"]
    ]
    arn = "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
    actions = [action for action, _ in statements]
    assert actions == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [
            "codepipeline:GetPipelineExecution",
            "codepipeline:GetPipelineState",
            "codepipeline:ListActionExecutions",
        ],
        "codepipeline:DisableStageTransition",
        "sns:Publish",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "sqs:SendMessage",
    ]
    assert statements[1][1] == arn
    assert statements[2][1] == f"{arn}/Approve-Prod"
    assert all("*" not in resource for _, resource in statements)


def test_without_an_approval_it_closes_the_first_wave() -> None:
    template = of_prod(
        approval=None, waivers={Requirement.PROD_APPROVAL: "customers are inside the company"}
    )
    assert function(template)["Environment"]["Variables"]["ENTRANCE"] == "Prod-one-box"


def test_it_can_be_left_out() -> None:
    handlers = [
        each["Handler"] for each in resources(of_prod(stop_the_line=False), "AWS::Lambda::Function")
    ]
    assert "runtime.bake.handler" in handlers
    assert "runtime.stop_the_line.handler" not in handlers
