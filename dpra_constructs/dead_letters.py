"""Keeps the events that a pipeline's functions could not handle, and tells of them."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

_NAME = "DeadLetters"
_KEPT_SECONDS = 14 * 86_400


class DeadLetters:
    """A queue, its policy, and an alarm that is red while anything is in it.

    EventBridge sends what it could not deliver to a function, and Lambda what the function failed
    at three times. Without a queue both drop it.

    Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

    Args:
        scope: where they are made.
        of: what the names of queue and alarm begin with.
        pipeline: the pipeline's name.
        topic_arn: the topic that hears of it; without it, only the alarm's state says so.
    """

    def __init__(
        self, scope: Construct, *, of: str, pipeline: str, topic_arn: str | None = None
    ) -> None:
        name = f"{of}-{_NAME}"
        self._scope = scope
        self._rule_arns: list[str] = []
        self.queue = sqs.CfnQueue(
            scope,
            _NAME,
            queue_name=name,
            message_retention_period=_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
        )
        self.arn = self.queue.attr_arn
        self.alarm = cloudwatch.CfnAlarm(
            scope,
            f"{_NAME}Alarm",
            alarm_name=name,
            alarm_description=f"Functions of the pipeline {pipeline} did not handle all events: "
            f"the queue {name} has them and the errors, and the functions' logs say more.",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions=[{"name": "QueueName", "value": name}],
            statistic="Maximum",
            period=300,
            evaluation_periods=1,
            threshold=0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn] if topic_arn else None,
        )

    @property
    def statement(self) -> dict[str, Any]:
        """What the role of a function needs that sends here."""
        return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.arn}

    @property
    def of_function(self) -> dict[str, str]:
        """The `dead_letter_config` of a function that sends here."""
        return {"targetArn": self.arn}

    def target(self, id: str, function_arn: str) -> dict[str, Any]:
        """Return the target of a rule that calls a function, and sends here what it cannot."""
        return {"id": id, "arn": function_arn, "deadLetterConfig": {"arn": self.arn}}

    def take_from(self, rule_arn: str) -> None:
        """Let a rule with such a target send here."""
        self._rule_arns.append(rule_arn)

    def make_policy(self) -> None:
        """Make the queue's policy, when all rules are known."""
        sqs.CfnQueuePolicy(
            self._scope,
            f"{_NAME}Policy",
            queues=[self.queue.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sqs:SendMessage",
                        "Resource": self.arn,
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Condition": {"ArnEquals": {"aws:SourceArn": self._rule_arns}},
                    },
                    {
                        "Effect": "Deny",
                        "Action": "sqs:*",
                        "Resource": self.arn,
                        "Principal": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        )
