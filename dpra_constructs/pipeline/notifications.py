"""Whom the pipeline tells of what: the topic, and the function that turns events into messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.pipeline.artifact_seal import ArtifactSeal
from dpra_constructs.pipeline.chat_channels import subscribe_channels
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import Statement, allow
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.stage_events import call_on, on_stage_events
from dpra_constructs.release.chat_channels import Recipients
from dpra_constructs.release.pipeline_permissions import EXECUTION_FACTS, resource_of
from dpra_constructs.release.runtime import names

_NOTIFY = "Notify"


class Notifications:
    """The topic to which all of the pipeline's messages go: encrypted, TLS only.

    Alarms whose names begin with the pipeline's may publish to it too.
    """

    def __init__(
        self, scope: Construct, key: kms.Key, pipeline: PipelineIdentity, notify: Recipients
    ) -> None:
        self.topic = sns.Topic(scope, "Notifications", master_key=key, enforce_ssl=True)
        self._topic_arn = self.topic.topic_arn
        self._key_arn = key.key_arn
        self._to_chat = bool(notify.channels)
        for address in notify.addresses:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))
        if notify.channels:
            subscribe_channels(
                scope, pipeline=pipeline, channels=notify.channels, topic_arn=self._topic_arn
            )
        self._let_alarms_publish(Stack.of(scope), key, pipeline.name)

    @property
    def environment(self) -> dict[str, str]:
        """What `release/runtime/message.py` needs to know, as a function's variables."""
        return {"TOPIC_ARN": self._topic_arn, **({"TO_CHAT": "yes"} if self._to_chat else {})}

    @property
    def statements(self) -> list[Statement]:
        """What it takes to publish."""
        return [
            allow(["sns:Publish"], [self._topic_arn]),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], [self._key_arn]),
        ]

    def _let_alarms_publish(self, stack: Stack, key: kms.Key, pipeline: str) -> None:
        account = stack.account
        alarms = f"arn:{stack.partition}:cloudwatch:{stack.region}:{account}:alarm:{pipeline}-*"
        by_alarms = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": alarms},
            },
        }
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        self.topic.add_to_resource_policy(
            iam.PolicyStatement.from_json(
                {**by_alarms, "Action": "sns:Publish", "Resource": self._topic_arn}
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement.from_json(
                {
                    **by_alarms,
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    # In a key's own policy it stands for the key.
                    "Resource": "*",
                }
            )
        )


def tell_of_events(
    scope: Construct,
    *,
    plan: PipelinePlan,
    notifications: Notifications,
    budgets: Sequence[cloudwatch.CfnAlarm],
    seal: ArtifactSeal | None,
    logs: EncryptedLogs,
    dead_letters: DeadLetters,
) -> None:
    """Make the function that tells of failures, rollbacks, approvals, budgets and overrides.

    It tells of uses of the signing key by others than the action that seals, too.

    Args:
        scope: where it is made.
        plan: the plan.
        notifications: whom it tells.
        budgets: the alarms of the time budgets.
        seal: whose key is watched, where artifacts are signed.
        logs: makes the function's log group.
        dead_letters: get the events that it does not handle.
    """
    name = plan.pipeline.name
    # Where a failed wave stops the line, the function that stops it tells.
    stages = [
        stage
        for stage in plan.stages
        if not (plan.stops_the_line and stage.name in plan.wave_names)
    ]
    pipeline = resource_of(name)
    parameter = names.override_parameter_name(name)
    permissions = [
        Permission(
            actions=EXECUTION_FACTS,
            resources=[pipeline],
        )
    ]
    if plan.can_be_overridden:
        permissions.append(
            Permission(
                actions=["ssm:GetParameterHistory"],
                resources=[f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter{parameter}"],
            )
        )
    function = release_function(
        scope,
        _NOTIFY,
        pipeline=name,
        module="notify",
        description=f"Tells people what happens in the pipeline {name}",
        permissions=permissions,
        statements_besides=notifications.statements,
        dead_letters=dead_letters,
        logs=logs,
        environment={
            "PIPELINE": name,
            "ROLLING_BACK": json.dumps([stage.name for stage in stages if stage.rolls_back]),
            **notifications.environment,
        },
    )
    on_stage_events(
        scope,
        "StageFailed",
        pipeline=name,
        stages=[stage.name for stage in stages],
        # A rollback begins as any execution of the stage does; the function tells them apart.
        states=["FAILED", "STARTED"],
        description=f"A stage of {name} failed, or began",
        target=_NOTIFY,
        function=function,
        dead_letters=dead_letters,
    )
    events = {
        "BudgetExceeded": (
            f"A stage of {name} took longer than its time budget",
            {
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "resources": [alarm.attr_arn for alarm in budgets],
                "detail": {"state": {"value": ["ALARM"]}},
            },
        )
    }
    if plan.approval:
        events["ApprovalNeeded"] = (
            f"A release of {name} waits for an approval",
            {
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Action Execution State Change"],
                "detail": {
                    "pipeline": [name],
                    "type": {"category": ["Approval"]},
                    "state": ["STARTED"],
                },
            },
        )
    if plan.can_be_overridden:
        events["Overridden"] = (
            f"Somebody overrides a bake or a window of {name}",
            {
                "source": ["aws.ssm"],
                "detail-type": ["Parameter Store Change"],
                "detail": {"name": [parameter], "operation": ["Update"]},
            },
        )
    for id, (description, pattern) in events.items():
        call_on(
            scope,
            id,
            pattern=pattern,
            description=description,
            target=_NOTIFY,
            function=function,
            dead_letters=dead_letters,
        )
    if seal:
        call_on(
            scope,
            "SigningKeyUsed",
            pattern=foreign_use(seal.key.attr_arn, seal.role.role_arn),
            description=f"Somebody else than Seal signs with the key of {name}",
            target=_NOTIFY,
            function=function,
            dead_letters=dead_letters,
            # Sign reads only, says CloudTrail, and a rule sees no such calls unless it is told to.
            state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        )


def foreign_use(key_arn: str, role_arn: str) -> dict[str, Any]:
    """Return the pattern of the events of CloudTrail in which another than a role signs.

    Sources: https://docs.aws.amazon.com/kms/latest/developerguide/ct-sign.html,
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html

    Args:
        key_arn: of the key.
        role_arn: of the one role that may sign.
    """
    # Users and root have no role behind their session.
    others: list[dict[str, Any]] = [{"anything-but": [role_arn]}, {"exists": False}]
    return {
        "source": ["aws.kms"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["kms.amazonaws.com"],
            "eventName": ["Sign"],
            "resources": {"ARN": [key_arn]},
            "$or": [
                {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": [other]}}}}
                for other in others
            ],
        },
    }
