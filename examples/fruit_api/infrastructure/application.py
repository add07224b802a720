"""The application: an HTTP API, its function and its table, in one stack for each target."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Stage, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.monitoring import (
    ApiStep,
    ApiSyntheticTest,
    ApplicationLogs,
    DeploymentHealth,
    http_api_alarms,
    table_alarms,
)
from dpra_constructs.progressive_deployment import ProgressiveFunction, TrafficShift

DIST = Path(__file__).resolve().parents[1] / "dist"


class FruitApi(Stage):
    """The fruit API in one account and region."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        stack = Stack(
            self,
            "Api",
            description="Keeps the prices of fruit.",
            # CloudFormation takes 51,200 characters from a call, and more from a bucket only.
            suppress_template_indentation=True,
        )
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
        logs = ApplicationLogs(stack, "Logs", target=target)
        function = _function(stack, table, target, logs)
        api = apigatewayv2.HttpApi(
            stack,
            "HttpApi",
            create_default_stage=False,
            default_integration=integrations.HttpLambdaIntegration("Function", function.alias),
        )
        stage = apigatewayv2.HttpStage(
            stack,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=50, burst_limit=100),
        )
        logs.access_log_of_http_api(stage)
        Validations.of(api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG4",
                reason="Everybody may read and change the prices of this example; requests are "
                "checked by the function and throttled by the stage.",
            )
        )
        CfnOutput(stack, "ApiUrl", value=api.api_endpoint)
        alarms = [*http_api_alarms(api), *table_alarms(table)]
        # Nothing bakes in beta, so there the pipeline's own tests are enough.
        if target.environment != "beta":
            test = _synthetic_test(stack, api.api_endpoint, target)
            # Its first run finds all that answers.
            test.canary.node.add_dependency(api, stage)
            alarms.append(test.alarm)
        # What a bad release does first: it throws, it answers with errors, it is slow.
        DeploymentHealth(stack, "Health", target=target, alarms=[*function.alarms, *alarms])


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


def _synthetic_test(stack: Stack, url: str, target: DeploymentTarget) -> ApiSyntheticTest:
    """Use the API each minute: four requests, which are enough for its alarms of errors."""
    fruit = "/fruits/synthetic-test"
    return ApiSyntheticTest(
        stack,
        "Prices",
        target=target,
        base_url=url,
        steps=[
            ApiStep("See the page"),
            ApiStep(
                "Set a price",
                method="PUT",
                path=fruit,
                body={"price_cents": 30},
                json_checks={"price_cents": 30},
            ),
            ApiStep("List the fruits", path="/fruits", json_checks={"type(fruits)": "array"}),
            ApiStep("Remove the price", method="DELETE", path=fruit, expected_status=204),
        ],
    )


def _function(
    stack: Stack, table: dynamodb.Table, target: DeploymentTarget, logs: ApplicationLogs
) -> ProgressiveFunction:
    with TemporaryDirectory() as folder:
        function = ProgressiveFunction(
            stack,
            "Function",
            target=target,
            # A tenth of the callers first, and the others when nothing is wrong.
            shift=TrafficShift.for_target(target, TrafficShift.canary(10, Duration.minutes(5))),
            logs=logs,
            code=_code(stack, Path(folder)),
            handler="fruit_api.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            memory_size=256,
            environment={
                "TABLE_NAME": table.table_name,
                "LOG_LEVEL": target.configuration.get("LOG_LEVEL", "INFO"),
            },
        )
    table.grant(
        function.function,
        "dynamodb:Scan",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
    )
    return function


def _code(stack: Stack, folder: Path) -> lambda_.Code:
    if not stack.bundling_required:
        # `cdk list`, and `dpra build` with it, look at the app before anything is built.
        return lambda_.Code.from_inline("raise NotImplementedError")
    # A wheel is a zip file, which Lambda takes as it is; only its name has to say so.
    return lambda_.Code.from_asset(str(shutil.copyfile(wheel_in(DIST), folder / "fruit_api.zip")))
