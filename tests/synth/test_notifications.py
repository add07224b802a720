"""Of which events people are told, and by a function that may do only that."""

import json
from typing import Any

import pytest
from ministack.services.eventbridge import _test_event_pattern

from dpra_constructs.pipeline.notifications import foreign_use
from tests.conftest import resources
from tests.pipelines import beta_stage, pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_build_actions import flat


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack, **arguments)))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return of_prod()


def patterns(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the patterns of the events that people are told of, by the kind of the event."""
    return {
        rule["EventPattern"]["detail-type"][0]: rule["EventPattern"]
        for rule in resources(template, "AWS::Events::Rule")
        if rule["Targets"][0]["Id"] == "Notify"
    }


def function(template: dict[str, Any]) -> dict[str, Any]:
    [found] = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.notify.handler"
    ]
    return found


def test_people_are_told_of_stages_approvals_budgets_and_overrides(
    template: dict[str, Any],
) -> None:
    found = patterns(template)
    assert set(found) == {
        "CodePipeline Stage Execution State Change",
        "CodePipeline Action Execution State Change",
        "CloudWatch Alarm State Change",
        "Parameter Store Change",
        "AWS API Call via CloudTrail",
    }
    approvals = found["CodePipeline Action Execution State Change"]["detail"]
    assert approvals == {
        "pipeline": ["fruit"],
        "type": {"category": ["Approval"]},
        "state": ["STARTED"],
    }
    overrides = found["Parameter Store Change"]["detail"]
    assert overrides == {"name": ["/dpra/fruit/override"], "operation": ["Update"]}


def test_waves_are_left_to_what_stops_the_line(template: dict[str, Any]) -> None:
    stages = patterns(template)["CodePipeline Stage Execution State Change"]["detail"]
    assert stages["stage"] == [
        "Source",
        "Build",
        "UpdatePipeline",
        "Assets",
        "Beta",
        "Gamma",
        "Approve-Prod",
    ]
    assert stages["state"] == ["FAILED", "STARTED"]
    variables = function(template)["Environment"]["Variables"]
    assert json.loads(variables["ROLLING_BACK"]) == ["Gamma"]


def test_without_it_the_waves_are_told_too() -> None:
    template = of_prod(stop_the_line=False)
    stages = patterns(template)["CodePipeline Stage Execution State Change"]["detail"]["stage"]
    assert stages[-2:] == ["Prod-one-box", "Prod-rest"]
    variables = function(template)["Environment"]["Variables"]
    assert json.loads(variables["ROLLING_BACK"]) == ["Gamma", "Prod-one-box", "Prod-rest"]


def test_a_pipeline_without_approval_and_bake_has_no_rule_for_them() -> None:
    stack = tools_stack()
    template = template_of(pipeline(stack, last_stage=beta_stage(stack)))
    assert set(patterns(template)) == {
        "CodePipeline Stage Execution State Change",
        "CloudWatch Alarm State Change",
        "AWS API Call via CloudTrail",
    }
    assert "ssm:GetParameterHistory" not in json.dumps(template)


def test_its_role_may_only_read_its_pipeline_and_publish(template: dict[str, Any]) -> None:
    name = function(template)["Role"]["Fn::GetAtt"][0]
    [policy] = template["Resources"][name]["Properties"]["Policies"]
    statements = [
        (each["Action"], flat(each["Resource"])) for each in policy["PolicyDocument"]["Statement"]
    ]
    assert [action for action, _ in statements] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [
            "codepipeline:GetPipelineExecution",
            "codepipeline:GetPipelineState",
            "codepipeline:ListActionExecutions",
        ],
        "ssm:GetParameterHistory",
        "sns:Publish",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "sqs:SendMessage",
    ]
    assert statements[1][1] == "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
    assert statements[2][1] == (
        "arn:<AWS::Partition>:ssm:us-west-2:111111111111:parameter/dpra/fruit/override"
    )
    assert all("*" not in resource for _, resource in statements)


def test_each_rule_may_call_it(template: dict[str, Any]) -> None:
    rules = {
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule"
        and resource["Properties"]["Targets"][0]["Id"] == "Notify"
    }
    allowed = {
        permission["SourceArn"]["Fn::GetAtt"][0]
        for permission in resources(template, "AWS::Lambda::Permission")
    }
    assert len(rules) == 5
    assert rules <= allowed


KEY = "arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000"
ROLES = "arn:aws:iam::111111111111:role"


def signing(identity: dict[str, Any], *, key: str = KEY, name: str = "Sign") -> dict[str, Any]:
    """Return the event of a call as CloudTrail writes it."""
    return {
        "source": "aws.kms",
        "detail-type": "AWS API Call via CloudTrail",
        "resources": [],
        "detail": {
            "eventSource": "kms.amazonaws.com",
            "eventName": name,
            "readOnly": True,
            "userIdentity": identity,
            "resources": [{"accountId": "111111111111", "type": "AWS::KMS::Key", "ARN": key}],
        },
    }


def session(role: str) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": f"{ROLES}/{role}"}
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer}}


USER = {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/jane"}
ROOT = {"type": "Root", "arn": "arn:aws:iam::111111111111:root", "sessionContext": {}}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (signing(session("Seal")), False),
        (signing(session("Seal2")), True),
        (signing(session("deploying")), True),
        (signing(USER), True),
        (signing(ROOT), True),
        (signing(USER, key=KEY.replace("0a", "0b")), False),
        (signing(USER, name="GetPublicKey"), False),
    ],
)
def test_people_are_told_when_another_than_seal_signs(event: dict[str, Any], told: bool) -> None:
    # By the emulator's own matching of patterns.
    pattern = json.dumps(foreign_use(KEY, f"{ROLES}/Seal"))
    asked = {"EventPattern": pattern, "Event": json.dumps(event)}
    answer = _test_event_pattern(asked)  # type: ignore[no-untyped-call]
    assert json.loads(answer[2]) == {"Result": told}


def test_the_rule_sees_calls_that_only_read(template: dict[str, Any]) -> None:
    [rule] = [
        each
        for each in resources(template, "AWS::Events::Rule")
        if each["EventPattern"]["detail-type"] == ["AWS API Call via CloudTrail"]
    ]
    assert rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    [key] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::KMS::Key"
        and resource["Properties"].get("KeyUsage") == "SIGN_VERIFY"
    ]
    assert rule["EventPattern"]["detail"]["resources"] == {"ARN": [{"Fn::GetAtt": [key, "Arn"]}]}
