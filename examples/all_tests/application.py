"""What an application makes for its tests: outputs, health, an experiment, access, a state."""

from aws_cdk import CfnOutput, Duration, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs import DeploymentTarget
from dpra_constructs.database import DatabaseAccess
from dpra_constructs.monitoring import ApiStep, ApiSyntheticTest, DeploymentHealth
from dpra_constructs.resilience import FaultInjectionExperiment
from dpra_constructs.terraform import TerraformEnvironment


class Shop(Stage):
    """A database that stands for the real one, and software that stands for the real one."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        database = Stack(self, "Database")
        CfnOutput(database, "DatabaseUrl", value="jdbc:postgresql://shop.example:5432/shop")
        # For a real one: resource_id=instance.instance_resource_id
        DatabaseAccess(database, "Login", target=target, user="migrator", resource_id="db-SHOP")
        software = Stack(self, "Software")
        # The software waits for the database, and so for its migration.
        software.add_stack_dependency(database)
        table = dynamodb.TableV2(
            software,
            "Baskets",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        )
        url = f"https://{table.table_name}.shop.example"
        CfnOutput(software, "ApiUrl", value=url)
        throttled = table.metric_throttled_requests_for_operations(
            operations=[dynamodb.Operation.GET_ITEM], period=Duration.minutes(1)
        )
        alarm = cloudwatch.Alarm(
            software, "Throttled", metric=throttled, threshold=10, evaluation_periods=2
        )
        alarms: list[cloudwatch.Alarm | cloudwatch.CfnAlarm] = [alarm]
        # In beta nothing bakes, and tests of the pipeline make the traffic.
        if target.environment != "beta":
            shopping = ApiSyntheticTest(
                software,
                "Shopping",
                target=target,
                base_url=url,
                steps=[
                    ApiStep("Look", path="/baskets", json_checks={"type(baskets)": "array"}),
                    ApiStep(
                        "Put in",
                        method="POST",
                        path="/baskets",
                        body={"fruit": "apple"},
                        expected_status=201,
                        latency_limit_ms=800,
                    ),
                ],
            )
            alarms.append(shopping.alarm)
        queues = TerraformEnvironment(software, "Queues", target=target)
        queues.role.add_to_policy(
            iam.PolicyStatement(
                actions=["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes"],
                resources=[
                    software.format_arn(service="sqs", resource=f"shop-{target.environment}-orders")
                ],
            )
        )
        health = DeploymentHealth(software, "Health", target=target, alarms=alarms)
        role = iam.Role(software, "Faults", assumed_by=iam.ServicePrincipal("fis.amazonaws.com"))
        FaultInjectionExperiment(
            software,
            "SlowTable",
            target=target,
            health=health,
            role=role,
            description="The shop answers while its table does not",
            # Stands for an action like aws:network:disrupt-connectivity, and the role's rights.
            actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}},
        )
