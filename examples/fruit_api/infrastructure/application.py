"""The application: an HTTP API, its function and its table, in one stack for each target."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Stage, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.monitoring import DeploymentHealth

_ACCESS_LOG = ("requestId", "requestTime", "httpMethod", "path", "status", "responseLatency")
DIST = Path(__file__).resolve().parents[1] / "dist"


class FruitApi(Stage):
    """The fruit API in one account and region."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        stack = Stack(self, "Api", description="Keeps the prices of fruit.")
        removal = RemovalPolicy.RETAIN if target.is_production else RemovalPolicy.DESTROY
        table = dynamodb.Table(
            stack,
            "Fruits",
            partition_key=dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=target.is_production,
            removal_policy=removal,
        )
        function = _function(stack, table, target, removal)
        api = apigatewayv2.HttpApi(
            stack,
            "HttpApi",
            create_default_stage=False,
            default_integration=integrations.HttpLambdaIntegration("Function", function),
        )
        stage = apigatewayv2.HttpStage(
            stack,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=50, burst_limit=100),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigatewayv2.CfnStage)
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=_log_group(stack, "AccessLog", removal).log_group_arn,
            format=json.dumps({name: f"$context.{name}" for name in _ACCESS_LOG}),
        )
        Validations.of(api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG4",
                reason="Everybody may read and change the prices of this example; requests are "
                "checked by the function and throttled by the stage.",
            )
        )
        CfnOutput(stack, "ApiUrl", value=api.api_endpoint)
        DeploymentHealth(stack, "Health", target=target, alarms=_alarms(stack, api, function))


def _alarms(
    stack: Stack, api: apigatewayv2.HttpApi, function: lambda_.Function
) -> list[cloudwatch.Alarm]:
    """Watch what a bad release does first: it throws, it answers with errors, it is slow."""
    a_minute = Duration.minutes(1)
    return [
        cloudwatch.Alarm(
            stack,
            id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            # No traffic is no error.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        for id, description, metric, threshold in (
            (
                "FunctionErrors",
                "5 of 100 calls of the function throw.",
                # Each call counts as 0 or 1, so the average is the rate.
                function.metric_errors(period=a_minute, statistic="Average"),
                0.05,
            ),
            (
                "ServerErrors",
                "5 requests a minute are answered with an error of the server.",
                api.metric_server_error(period=a_minute),
                5,
            ),
            (
                "Latency",
                "One of 10 requests takes longer than a second.",
                api.metric_latency(period=a_minute, statistic="p90"),
                1_000,
            ),
        )
    ]


def wheel_in(folder: Path) -> Path:
    """Return the one wheel that the build made.

    Raises:
        InvalidArgumentError: there is none, or several.
    """
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) == 1:
        return wheels[0]
    found = ", ".join(wheel.name for wheel in wheels) or "no wheel"
    raise InvalidArgumentError(
        "FruitApi",
        f"{folder.parent.name}/{folder.name} has {found}, and the function's code is one wheel",
        f"empty the folder and run: python -m build --wheel {folder.parent.name}",
    )


def _function(
    stack: Stack, table: dynamodb.Table, target: DeploymentTarget, removal: RemovalPolicy
) -> lambda_.Function:
    log_group = _log_group(stack, "FunctionLog", removal)
    role = iam.Role(stack, "FunctionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    table.grant(
        role, "dynamodb:Scan", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"
    )
    with TemporaryDirectory() as folder:
        return lambda_.Function(
            stack,
            "Function",
            code=_code(stack, Path(folder)),
            handler="fruit_api.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=256,
            environment={
                "TABLE_NAME": table.table_name,
                "LOG_LEVEL": target.configuration.get("LOG_LEVEL", "INFO"),
            },
            log_group=log_group,
            role=role,
        )


def _code(stack: Stack, folder: Path) -> lambda_.Code:
    if not stack.bundling_required:
        # `cdk list`, and `dpra build` with it, look at the app before anything is built.
        return lambda_.Code.from_inline("raise NotImplementedError")
    # A wheel is a zip file, which Lambda takes as it is; only its name has to say so.
    return lambda_.Code.from_asset(str(shutil.copyfile(wheel_in(DIST), folder / "fruit_api.zip")))


def _log_group(stack: Stack, id: str, removal: RemovalPolicy) -> logs.LogGroup:
    return logs.LogGroup(
        stack, id, retention=logs.RetentionDays.THREE_MONTHS, removal_policy=removal
    )
