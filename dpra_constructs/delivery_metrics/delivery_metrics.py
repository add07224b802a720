"""Publishes the delivery metrics of a pipeline, and shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.delivery_metrics.dashboard import PipelineDashboard
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.function_code import function_code

_NAME = "DeliveryMetrics"
_DEFAULT_WINDOW_DAYS = 30
_LONGEST_WINDOW_DAYS = 150
_LOG_DAYS = 365
# Reading the executions of twice the window takes a call for each.
_TIMEOUT_SECONDS = 600
_MEMORY_MIB = 256

# With "-DeliveryMetrics" it is the function's name, which has at most 64 characters.
_pipeline_name = arguments.matching(
    r"[A-Za-z0-9_-]{1,48}",
    "the name of a pipeline whose metrics can be published: 1 to 48 letters, digits, hyphens and "
    "underscores",
    "fruit-api",
)


def function_name(pipeline: str) -> str:
    """Return the name of the function that publishes a pipeline's metrics.

    >>> function_name("fruit-api")
    'fruit-api-DeliveryMetrics'
    """
    return f"{pipeline}-{_NAME}"


class DeliveryMetrics(Construct):
    """Publishes lead time, deploy frequency, MTBF and MTTR of a pipeline, with a dashboard.

    When an execution ends, EventBridge calls a function that reads the pipeline's history and
    publishes to the namespace `DPRA` (DPRA-METRICS). Events that come twice, late or out of order
    change nothing; what could not be handled is kept for 14 days in a queue, with an alarm.
    `DeploymentPipeline` has one; it serves any other CodePipeline as well.

    Args:
        scope: a stack in the account and region of the pipeline.
        id: the construct's id.
        pipeline: the pipeline's name; 1 to 48 letters, digits, hyphens and underscores.
        production_stages: the names of the pipeline stages that change production; none means that
            the pipeline has no production, and so no lead time and deploy frequency.
        window: how far each published value looks back; whole days, 1 to 150; 30 without it.
        dashboard: what the dashboard shows besides; without it, only the metrics and executions.
        alarm_topic_arn: an SNS topic that hears when metrics could not be published; without it,
            only the alarm's state says so.
        log_group: where the function writes, `/aws/lambda/<pipeline>-DeliveryMetrics`; without it
            one is made, which keeps its events for 365 days.
        dead_letters: of `DeploymentPipeline`, whose functions share them; without it the metrics
            have their own, `<pipeline>-DeliveryMetrics-DeadLetters`.

    Raises:
        InvalidArgumentError: an argument is not one of those.

    >>> from aws_cdk import App, Environment, Stack
    >>> stack = Stack(App(), "Tools", env=Environment(account="111111111111", region="us-west-2"))
    >>> metrics = DeliveryMetrics(stack, "Metrics", pipeline="fruit-api",
    ...     production_stages=["Deploy"], window=Duration.days(90))
    >>> metrics.function.function_name
    'fruit-api-DeliveryMetrics'
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: str,
        production_stages: Sequence[str],
        window: Duration | None = None,
        dashboard: PipelineDashboard | None = None,
        alarm_topic_arn: str | None = None,
        log_group: logs.CfnLogGroup | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        _pipeline_name(where, "pipeline", pipeline)
        production = arguments.texts(where, "production_stages", production_stages)
        days = _DEFAULT_WINDOW_DAYS
        if window is not None:
            days = arguments.whole(
                where, "window", window, at_least=1, at_most=_LONGEST_WINDOW_DAYS, unit="days"
            )
        arguments.optional(PipelineDashboard)(where, "dashboard", dashboard)
        if alarm_topic_arn is not None:
            arguments.text(where, "alarm_topic_arn", alarm_topic_arn)
        arguments.optional(logs.CfnLogGroup)(where, "log_group", log_group)
        arguments.optional(DeadLetters)(where, "dead_letters", dead_letters)
        if dead_letters and alarm_topic_arn:
            raise InvalidArgumentError(
                where,
                "both alarm_topic_arn and dead_letters are given, which have an alarm",
                "leave alarm_topic_arn out",
            )
        super().__init__(scope, id)
        stack = Stack.of(self)
        name = function_name(pipeline)
        group_name = f"/aws/lambda/{name}"
        group = log_group or logs.CfnLogGroup(
            self, "Logs", log_group_name=group_name, retention_in_days=_LOG_DAYS
        )
        arn = stack.format_arn(service="codepipeline", resource=pipeline)
        letters = dead_letters or DeadLetters(
            self, of=name, pipeline=pipeline, topic_arn=alarm_topic_arn
        )
        self.dead_letter_queue, self.alarm = letters.queue, letters.alarm
        self.function = self._function(name, pipeline, production, days, arn, letters, group)
        self._call_at_the_end(pipeline, arn, letters)
        if not dead_letters:
            letters.make_policy()
        region = stack.region
        body = (dashboard or PipelineDashboard()).body(
            pipeline=pipeline, region=region, log_group=group_name, window_days=days
        )
        self.dashboard = cloudwatch.CfnDashboard(
            self,
            "Dashboard",
            # Names of dashboards are those of the account, in all regions.
            dashboard_name=f"{pipeline}-{region}",
            dashboard_body=json.dumps(body),
        )

    def _function(
        self,
        name: str,
        pipeline: str,
        production: Sequence[str],
        window_days: int,
        pipeline_arn: str,
        letters: DeadLetters,
        group: logs.CfnLogGroup,
    ) -> lambda_.CfnFunction:
        allowed = (
            (["logs:CreateLogStream", "logs:PutLogEvents"], group.attr_arn),
            (
                ["codepipeline:ListActionExecutions", "codepipeline:ListPipelineExecutions"],
                pipeline_arn,
            ),
        )
        role = iam.CfnRole(
            self,
            "Role",
            description=f"Publishes the delivery metrics of the pipeline {pipeline}",
            assume_role_policy_document=_policy(
                {
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ),
            policies=[
                {
                    "policyName": "Own",
                    "policyDocument": _policy(
                        *({"Action": actions, "Resource": on} for actions, on in allowed),
                        letters.statement,
                    ),
                }
            ],
        )
        return lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            description=f"Publishes the delivery metrics of the pipeline {pipeline}",
            runtime="python3.14",
            architectures=["arm64"],
            handler="runtime.publish.handler",
            code=function_code(self, "Code", "delivery_metrics"),
            role=role.attr_arn,
            environment={
                "variables": {
                    "PIPELINE": pipeline,
                    "PRODUCTION": json.dumps(list(production)),
                    "WINDOW_DAYS": str(window_days),
                }
            },
            dead_letter_config=letters.of_function,
            timeout=_TIMEOUT_SECONDS,
            memory_size=_MEMORY_MIB,
        )

    def _call_at_the_end(self, pipeline: str, pipeline_arn: str, letters: DeadLetters) -> None:
        rule = events.CfnRule(
            self,
            "ExecutionEnded",
            description=f"An execution of {pipeline} ended",
            event_pattern={
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Pipeline Execution State Change"],
                "resources": [pipeline_arn],
                "detail": {"pipeline": [pipeline], "state": ["SUCCEEDED", "FAILED"]},
            },
            targets=[letters.target(_NAME, self.function.attr_arn)],
        )
        rule_arn = rule.attr_arn
        lambda_.CfnPermission(
            self,
            "ExecutionEndedPermission",
            action="lambda:InvokeFunction",
            function_name=self.function.ref,
            principal="events.amazonaws.com",
            source_arn=rule_arn,
        )
        letters.take_from(rule_arn)


def _policy(*statements: Mapping[str, object]) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", **statement} for statement in statements],
    }
