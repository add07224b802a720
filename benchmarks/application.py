"""What both pipelines of the benchmark deploy, and where."""

from aws_cdk import CfnOutput, Environment, Stack, Stage
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

TOOLS, BETA, GAMMA, PROD = "111111111111", "222222222222", "333333333333", "444444444444"
CONNECTION = "arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f"
_REGIONS = [
    "us-west-2",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-east-1",
]


class Topology:
    """As many deployments as asked for: one or two in beta, the rest in gamma and prod alike."""

    def __init__(self, deployments: int) -> None:
        beta = 2 - deployments % 2
        count = (deployments - beta) // 2
        if not 1 <= count <= len(_REGIONS):
            raise ValueError(f"deployments={deployments} is not 3 to {2 * len(_REGIONS) + 2}")
        self.beta, self.prod = _REGIONS[:beta], _REGIONS[:count]
        third = max(1, count // 3)
        waves = [self.prod[:1], self.prod[1 : 1 + third], self.prod[1 + third :]]
        self.waves = {f"wave-{n}": regions for n, regions in enumerate(waves, 1) if regions}


class Workload(Stage):
    """A function and a table."""

    def __init__(self, scope: Construct, id: str, env: Environment) -> None:
        super().__init__(scope, id, env=env)
        stack = Stack(self, "Api")
        table = dynamodb.Table(
            stack,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        )
        function = lambda_.Function(
            stack,
            "Function",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
        )
        table.grant_read_write_data(function)
        CfnOutput(stack, "Name", value=function.function_name)
