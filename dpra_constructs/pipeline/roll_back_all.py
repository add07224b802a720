"""Rolls the waves before one whose bake failed back too: a state machine and its function."""

from __future__ import annotations

import json

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.notifications import Notifications
from dpra_constructs.pipeline.permissions import allow
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.service_roles import service_role
from dpra_constructs.release.pipeline_permissions import EXECUTION_FACTS, resource_of
from dpra_constructs.release.roll_back_machine import definition

_ID = "RollBackAll"
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
_LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
_TRACES = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def roll_back_all(
    scope: Construct, *, plan: PipelinePlan, notifications: Notifications, logs: EncryptedLogs
) -> stepfunctions.CfnStateMachine:
    """Make the state machine `<pipeline>-RollBackAll`.

    Args:
        scope: where it is made.
        plan: the plan, with waves.
        notifications: who gets its report.
        logs: makes the log groups.
    """
    name = plan.pipeline.name
    pipeline = resource_of(name)
    closed = tuple(dict.fromkeys([plan.entrance, *plan.wave_names]))
    function = release_function(
        scope,
        _ID,
        pipeline=name,
        module="roll_back_all",
        description=f"Rolls the waves of {name} back that a bad release has passed",
        permissions=[
            Permission(
                actions=[*EXECUTION_FACTS, "codepipeline:ListPipelineExecutions"],
                resources=[pipeline],
            ),
            Permission(
                actions=["codepipeline:DisableStageTransition"],
                resources=[f"{pipeline}/{stage}" for stage in closed],
            ),
            Permission(
                actions=["codepipeline:RollbackStage"],
                # The last one rolls itself back when it fails.
                resources=[f"{pipeline}/{stage}" for stage in plan.wave_names[:-1]],
            ),
        ],
        statements_besides=notifications.statements,
        logs=logs,
        environment=notifications.environment,
        timeout_seconds=300,
    )
    group = logs.of_state_machine(f"{name}-{_ID}")
    role = service_role(
        scope,
        f"{_ID}MachineRole",
        description=f"Lets the state machine {name}-{_ID} call its function",
        service="states.amazonaws.com",
        policy="Own",
        statements=[
            allow(["lambda:InvokeFunction"], [function.attr_arn]),
            allow(_LOG_DELIVERY, ["*"]),
            allow(_TRACES, ["*"]),
        ],
    )
    Validations.of(role).acknowledge(
        Acknowledgment(
            id="AwsSolutions-IAM5[Resource::*]",
            reason="The deliveries of CloudWatch Logs by which Step Functions writes its log, and "
            "traces of AWS X-Ray, know no resources",
        )
    )
    return stepfunctions.CfnStateMachine(
        scope,
        f"{_ID}Machine",
        state_machine_name=f"{name}-{_ID}",
        definition_string=json.dumps(definition(function.attr_arn)),
        role_arn=role.attr_arn,
        logging_configuration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group.attr_arn}}],
        },
        tracing_configuration={"enabled": True},
    )
