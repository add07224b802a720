"""Channels of Slack and Teams hear what people are told, and can do nothing."""

import re
from typing import Any

import pytest

from dpra_constructs import SlackChannel, TeamsChannel
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import beta_stage, pipeline, prod_waves, template_of, tools_stack

UUID = "11111111-2222-4333-8444-555555555555"
SLACK = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")
TEAMS = TeamsChannel(tenant_id=UUID, team_id=UUID, channel_id="19%3Aabc%40thread.tacv2")
SLACK_TYPE = "AWS::Chatbot::SlackChannelConfiguration"
TEAMS_TYPE = "AWS::Chatbot::MicrosoftTeamsChannelConfiguration"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = tools_stack()
    return template_of(
        pipeline(stack, last_stage=prod_waves(stack), notify=["a@acme.example", SLACK, TEAMS])
    )


def test_each_channel_hears_the_topic(template: dict[str, Any]) -> None:
    [slack] = resources(template, SLACK_TYPE)
    [teams] = resources(template, TEAMS_TYPE)
    assert (slack["SlackWorkspaceId"], slack["SlackChannelId"]) == ("T0123ABCD", "C0123ABCD")
    assert (teams["TeamsTenantId"], teams["TeamId"]) == (UUID, UUID)
    assert teams["TeamsChannelId"] == "19%3Aabc%40thread.tacv2"
    [name] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SNS::Topic" and name.startswith("PipelineNotifications")
    ]
    for configuration in (slack, teams):
        assert configuration["SnsTopicArns"] == [{"Ref": name}]
        assert re.fullmatch(r"fruit-us-west-2-[0-9a-f]{8}", configuration["ConfigurationName"])
    assert slack["ConfigurationName"] != teams["ConfigurationName"]


def test_nobody_in_a_channel_can_do_anything(template: dict[str, Any]) -> None:
    for kind in (SLACK_TYPE, TEAMS_TYPE):
        [configuration] = resources(template, kind)
        assert configuration["GuardrailPolicies"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
        role = template["Resources"][configuration["IamRoleArn"]["Fn::GetAtt"][0]]["Properties"]
        assert "ManagedPolicyArns" not in role
        [policy] = role["Policies"]
        assert policy["PolicyDocument"]["Statement"] == [
            {"Effect": "Deny", "Action": "*", "Resource": "*"}
        ]


def test_all_that_tell_do_so_in_the_form_that_chat_understands(template: dict[str, Any]) -> None:
    telling = [
        each["Environment"]["Variables"]
        for each in resources(template, "AWS::Lambda::Function")
        if "TOPIC_ARN" in each.get("Environment", {}).get("Variables", {})
    ]
    assert len(telling) == 2
    assert all(each["TO_CHAT"] == "yes" for each in telling)


def test_another_order_makes_the_same_configurations() -> None:
    names = []
    for notify in ([SLACK, TEAMS], [TEAMS, SLACK]):
        stack = tools_stack()
        template = template_of(pipeline(stack, last_stage=beta_stage(stack), notify=notify))
        names.append({each["ConfigurationName"] for each in resources(template, SLACK_TYPE)})
    assert names[0] == names[1]


def test_without_a_channel_there_is_no_role_for_one() -> None:
    stack = tools_stack()
    template = template_of(pipeline(stack, last_stage=beta_stage(stack)))
    assert "chatbot" not in str(template)
    assert "TO_CHAT" not in str(template)


def test_cdk_nag_finds_nothing() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=beta_stage(stack), notify=[SLACK, TEAMS])
    assert unacknowledged_findings(made) == []
