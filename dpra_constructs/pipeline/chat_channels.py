"""Subscribes chat channels to a topic, through Amazon Q Developer in chat applications."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aws_cdk import aws_chatbot as chatbot
from constructs import Construct

from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.pipeline.service_roles import service_role
from dpra_constructs.release.chat_channels import SlackChannel, TeamsChannel

# What somebody in the channel may do at most. Without it, that is AdministratorAccess.
_GUARDRAILS = ["arn:aws:iam::aws:policy/AWSDenyAll"]
_HASH_LENGTH = 8


def subscribe_channels(
    scope: Construct,
    *,
    pipeline: PipelineIdentity,
    channels: Sequence[SlackChannel | TeamsChannel],
    topic_arn: str,
) -> None:
    """Make the configurations of the channels: they show what is told, and can do nothing.

    Args:
        scope: where they are made.
        pipeline: the pipeline.
        channels: at least one.
        topic_arn: what they hear.
    """
    role = service_role(
        scope,
        "ChatRole",
        service="chatbot.amazonaws.com",
        policy="Nothing",
        statements=[{"Effect": "Deny", "Action": "*", "Resource": "*"}],
        description=f"Lets chat channels of {pipeline.name} do nothing but show what is told",
    )
    for channel in channels:
        # Of the channel's own ids, so that its place in the list does not count.
        sign = hashlib.sha256(repr(channel).encode()).hexdigest()[:_HASH_LENGTH]
        # Amazon Q knows an account's configurations in all regions by their names.
        name = f"{pipeline.name}-{pipeline.region}-{sign}"
        if isinstance(channel, SlackChannel):
            chatbot.CfnSlackChannelConfiguration(
                scope,
                f"Slack-{sign}",
                configuration_name=name,
                slack_workspace_id=channel.workspace_id,
                slack_channel_id=channel.channel_id,
                iam_role_arn=role.attr_arn,
                sns_topic_arns=[topic_arn],
                guardrail_policies=_GUARDRAILS,
            )
        else:
            chatbot.CfnMicrosoftTeamsChannelConfiguration(
                scope,
                f"Teams-{sign}",
                configuration_name=name,
                teams_tenant_id=channel.tenant_id,
                team_id=channel.team_id,
                teams_channel_id=channel.channel_id,
                iam_role_arn=role.attr_arn,
                sns_topic_arns=[topic_arn],
                guardrail_policies=_GUARDRAILS,
            )
