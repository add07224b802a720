"""Who is told when a stage took longer than its budget, and how."""

from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import InvalidArgumentError
from tests.conftest import resources
from tests.pipelines import (
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    template_of,
    tools_stack,
)
from tests.synth.test_build_actions import flat


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = tools_stack()
    build = build_stage(stack, time_budget=Duration.minutes(12))
    beta = beta_stage(stack, build=build)
    return template_of(
        pipeline(stack, last_stage=beta, notify=["team@acme.example", "lead@acme.example"])
    )


def logical_id(template: dict[str, Any], kind: str, begin: str = "") -> str:
    [found] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind and name.startswith(begin)
    ]
    return str(found)


def test_the_end_of_a_stage_with_a_budget_calls_the_function(template: dict[str, Any]) -> None:
    [rule] = [
        each
        for each in resources(template, "AWS::Events::Rule")
        if each["Targets"][0]["Id"] == "StageDuration"
    ]
    assert flat(rule["EventPattern"].pop("resources")[0]) == (
        "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
    )
    assert rule["EventPattern"] == {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Stage Execution State Change"],
        "detail": {
            "pipeline": ["fruit"],
            "stage": ["Build", "Beta"],
            "state": ["SUCCEEDED", "FAILED"],
        },
    }
    function = logical_id(template, "AWS::Lambda::Function", "PipelineStageDuration")
    [target] = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    [permission] = [
        each
        for each in resources(template, "AWS::Lambda::Permission")
        if each["FunctionName"] == {"Ref": function}
    ]
    rule_id = logical_id(template, "AWS::Events::Rule", "PipelineStageEnded")
    assert permission["SourceArn"]["Fn::GetAtt"][0] == rule_id


def test_the_function_may_write_its_log_and_read_its_pipeline(template: dict[str, Any]) -> None:
    id = logical_id(template, "AWS::IAM::Role", "PipelineStageDurationRole")
    role = template["Resources"][id]["Properties"]
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    allowed = {
        flat(statement["Resource"]): statement["Action"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    group = logical_id(template, "AWS::Logs::LogGroup", "PipelineLogsfruitStageDuration")
    assert allowed == {
        f"<{group}.Arn>": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit": (
            "codepipeline:ListActionExecutions"
        ),
        f"<{logical_id(template, 'AWS::SQS::Queue', 'PipelineDeadLetters')}.Arn>": (
            "sqs:SendMessage"
        ),
    }


def test_the_alarm_is_above_the_budget_and_silent_without_builds(template: dict[str, Any]) -> None:
    alarm, of_beta = (
        each
        for each in resources(template, "AWS::CloudWatch::Alarm")
        if each["MetricName"] == "StageDuration"
    )
    assert alarm["Threshold"] == 12 * 60
    assert of_beta["Threshold"] == 30 * 60
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["Statistic"] == "Maximum"
    assert alarm["Dimensions"] == [
        {"Name": "Pipeline", "Value": "fruit"},
        {"Name": "Stage", "Value": "Build"},
    ]


def test_the_alarms_change_is_an_event_of_which_people_are_told(template: dict[str, Any]) -> None:
    [rule] = [
        each
        for each in resources(template, "AWS::Events::Rule")
        if each["EventPattern"]["source"] == ["aws.cloudwatch"]
    ]
    assert rule["Targets"][0]["Id"] == "Notify"
    assert rule["EventPattern"]["detail"] == {"state": {"value": ["ALARM"]}}
    budgets = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "TimeBudget" in name
    ]
    assert rule["EventPattern"]["resources"] == [{"Fn::GetAtt": [each, "Arn"]} for each in budgets]


def test_alarms_named_after_the_pipeline_may_publish_to_the_encrypted_topic(
    template: dict[str, Any],
) -> None:
    topic = logical_id(template, "AWS::SNS::Topic", "PipelineNotifications")
    assert "PipelineArtifactKey" in str(template["Resources"][topic]["Properties"])
    [policy] = [
        each
        for each in resources(template, "AWS::SNS::TopicPolicy")
        if each["Topics"] == [{"Ref": topic}]
    ]
    [key] = [each for each in resources(template, "AWS::KMS::Key") if "KeyUsage" not in each]
    publishing, using = (
        next(s for s in statements if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"})
        for statements in (policy["PolicyDocument"]["Statement"], key["KeyPolicy"]["Statement"])
    )
    assert publishing["Action"] == "sns:Publish"
    assert using["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    for statement in (publishing, using):
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": "111111111111"}
        assert flat(condition["ArnLike"]["aws:SourceArn"]).endswith(":alarm:fruit-*")
    assert "aws:SecureTransport" in str(policy)


def test_those_to_notify_are_subscribed(template: dict[str, Any]) -> None:
    subscriptions = resources(template, "AWS::SNS::Subscription")
    assert {each["Endpoint"] for each in subscriptions} == {
        "team@acme.example",
        "lead@acme.example",
    }


def test_the_topic_is_there_without_anyone_to_notify() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=beta_stage(stack))
    assert made.notifications.topic_arn
    assert list(made.budget_alarms) == ["Build", "Beta"]


def test_gamma_has_a_budget_that_its_bake_is_not_part_of() -> None:
    stack = tools_stack()
    gamma = gamma_stage(stack, bake=Duration.minutes(60), time_budget=Duration.minutes(20))
    made = pipeline(stack, last_stage=gamma)
    assert made.plan.time_budgets == {"Build": 10, "Beta": 30, "Gamma": 20}
    assert made.budget_alarms["Gamma"].threshold == 20 * 60


def test_a_budget_of_gamma_that_is_no_duration_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r'"Gamma": time_budget=20 is not a Duration'):
        gamma_stage(tools_stack(), time_budget=20)
