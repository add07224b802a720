"""One stack with every ready-made alarm."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from constructs import Construct

from dpra_constructs.monitoring import (
    ApiThresholds,
    FunctionThresholds,
    HealthAlarm,
    error_line_alarms,
    function_alarms,
    http_api_alarms,
    load_balancer_alarms,
    queue_alarms,
    rest_api_alarms,
    service_alarms,
    table_alarms,
    target_group_alarms,
)
from dpra_constructs.monitoring.synthetic_tests.definition import CANARY_NAME, failing


def function(scope: Construct, id: str = "Function") -> lambda_.Function:
    return lambda_.Function(
        scope,
        id,
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(*_): ..."),
    )


def balancer(stack: Stack) -> elbv2.ApplicationLoadBalancer:
    network = ec2.Vpc(stack, "Network", restrict_default_security_group=False)
    return elbv2.ApplicationLoadBalancer(stack, "Balancer", vpc=network)


def service(stack: Stack) -> ecs.FargateService:
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("C", image=ecs.ContainerImage.from_registry("registry.acme.example/fruit"))
    network = stack.node.find_child("Network")
    assert isinstance(network, ec2.Vpc)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network)
    return ecs.FargateService(
        stack, "Service", cluster=cluster, task_definition=task, min_healthy_percent=100
    )


def every_health_alarm(stack: Stack) -> dict[str, Sequence[HealthAlarm]]:
    """Make all alarms, by the kind of what they watch, with every threshold."""
    key = dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING)
    dead = sqs.Queue(stack, "Dead")
    letters = sqs.DeadLetterQueue(max_receive_count=3, queue=dead)
    load_balancer = balancer(stack)
    targets = load_balancer.add_listener("Http", port=80, open=False).add_targets("T", port=80)
    rest = apigateway.RestApi(stack, "RestApi")
    rest.root.add_method("GET")
    return {
        "Lambda function": function_alarms(
            function(stack), FunctionThresholds(concurrent_count=100)
        ),
        "HTTP API": http_api_alarms(
            apigatewayv2.HttpApi(stack, "HttpApi"), ApiThresholds(client_error_percent=20)
        ),
        "REST API": rest_api_alarms(rest, ApiThresholds(client_error_percent=20)),
        "Load balancer": load_balancer_alarms(load_balancer),
        "Target group": target_group_alarms(targets),
        "ECS service": service_alarms(service(stack)),
        "SQS queue": queue_alarms(sqs.Queue(stack, "Queue", dead_letter_queue=letters)),
        "DynamoDB table": table_alarms(dynamodb.Table(stack, "Table", partition_key=key)),
        "Synthetic test": [HealthAlarm(stack, failing(), [(CANARY_NAME, "prices-1a2b3c")])],
        "Log group": error_line_alarms(logs.LogGroup(stack, "Log")),
    }


def alarms_of_every_kind() -> tuple[dict[str, Sequence[HealthAlarm]], Mapping[str, Any]]:
    """Return all alarms by what they watch, and the properties of each by its construct's path."""
    stack = Stack(App(), "Every")
    made = every_health_alarm(stack)
    template = Template.from_stack(stack).to_json()
    return made, {
        alarm.node.path: template["Resources"][stack.get_logical_id(alarm)]["Properties"]
        for alarms in made.values()
        for alarm in alarms
    }
