"""An application as small as it gets: one function with an address, and an alarm."""

from aws_cdk import CfnOutput, Duration, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs import DeploymentTarget
from dpra_constructs.monitoring import DeploymentHealth

CODE = 'def handler(event, context):\n    return "hello"\n'


class Hello(Stage):
    """A greeting in one account and region."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        stack = Stack(self, "Hello")
        function = lambda_.Function(
            stack,
            "Function",
            code=lambda_.Code.from_inline(CODE),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
        )
        url = function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        CfnOutput(stack, "Url", value=url.url)
        errors = function.metric_errors(period=Duration.minutes(1)).create_alarm(
            stack,
            "Errors",
            threshold=1,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        DeploymentHealth(stack, "Health", target=target, alarms=[errors])
