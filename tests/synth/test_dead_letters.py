"""What functions of the pipeline could not handle is kept, and told."""

from typing import Any

import pytest

from dpra_constructs import Requirement
from tests.conftest import resources
from tests.pipelines import beta_stage, pipeline, prod_waves, template_of, tools_stack


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack)))


def named(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of resources of a type, by their logical ids."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def queue_arn(template: dict[str, Any]) -> dict[str, Any]:
    [queue] = named(template, "AWS::SQS::Queue")
    return {"Fn::GetAtt": [queue, "Arn"]}


def test_a_pipeline_has_one_queue_that_keeps_for_14_days(template: dict[str, Any]) -> None:
    [queue] = resources(template, "AWS::SQS::Queue")
    assert queue == {
        "QueueName": "fruit-DeadLetters",
        "MessageRetentionPeriod": 14 * 86_400,
        "SqsManagedSseEnabled": True,
    }


def test_each_rule_that_calls_a_function_sends_there_what_does_not_reach_it(
    template: dict[str, Any],
) -> None:
    rules = named(template, "AWS::Events::Rule")
    assert len(rules) == 8
    for rule in rules.values():
        [target] = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": queue_arn(template)}


def test_these_rules_alone_may_send_there(template: dict[str, Any]) -> None:
    [policy] = resources(template, "AWS::SQS::QueuePolicy")
    by_rules, not_plain = policy["PolicyDocument"]["Statement"]
    assert by_rules["Principal"] == {"Service": "events.amazonaws.com"}
    assert by_rules["Action"] == "sqs:SendMessage"
    assert by_rules["Resource"] == queue_arn(template)
    assert {
        each["Fn::GetAtt"][0] for each in by_rules["Condition"]["ArnEquals"]["aws:SourceArn"]
    } == set(named(template, "AWS::Events::Rule"))
    assert not_plain["Effect"] == "Deny"
    assert not_plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_function_that_a_rule_calls_sends_there_what_it_fails_at(
    template: dict[str, Any],
) -> None:
    functions = named(template, "AWS::Lambda::Function")
    called = {
        rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
        for rule in resources(template, "AWS::Events::Rule")
    }
    assert {functions[each]["FunctionName"] for each in called} == {
        "fruit-DeliveryMetrics",
        "fruit-Notify",
        "fruit-StageDuration",
        "fruit-StopTheLine",
    }
    for name, function in functions.items():
        letters = {"TargetArn": queue_arn(template)} if name in called else None
        assert function.get("DeadLetterConfig") == letters
        role = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
        [policy] = role["Policies"]
        sent = [
            each["Resource"]
            for each in policy["PolicyDocument"]["Statement"]
            if each["Action"] == "sqs:SendMessage"
        ]
        assert sent == ([queue_arn(template)] if name in called else [])


def test_the_notifications_are_told_by_the_alarm_and_not_by_a_function(
    template: dict[str, Any],
) -> None:
    [alarm] = [
        each
        for each in resources(template, "AWS::CloudWatch::Alarm")
        if each["Namespace"] == "AWS/SQS"
    ]
    assert alarm["AlarmName"] == "fruit-DeadLetters"
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "fruit-DeadLetters"}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "notBreaching"
    [topic] = alarm["AlarmActions"]
    assert topic["Ref"].startswith("PipelineNotifications")


def test_a_pipeline_without_metrics_has_them_too() -> None:
    stack = tools_stack()
    waivers = {Requirement.METRICS: "measured by the company's own portal"}
    template = template_of(pipeline(stack, last_stage=beta_stage(stack), waivers=waivers))
    [policy] = resources(template, "AWS::SQS::QueuePolicy")
    by_rules, _ = policy["PolicyDocument"]["Statement"]
    assert {
        each["Fn::GetAtt"][0] for each in by_rules["Condition"]["ArnEquals"]["aws:SourceArn"]
    } == set(named(template, "AWS::Events::Rule"))
