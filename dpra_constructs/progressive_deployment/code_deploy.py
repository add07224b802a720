"""What CodeDeploy needs besides a deployment group: its configuration, role and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

#: A deployment group rolls back when a deployment fails, an alarm fires, or a person stops it.
ROLLBACK = {
    "enabled": True,
    "events": [
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    ],
}
# Accounts have 50 configurations of their own at most, so those that every account has come first.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
_CANARY_MINUTES = {"Lambda": (5, 10, 15, 30), "ECS": (5, 15)}
_LINEAR_MINUTES = {"Lambda": (1, 2, 3, 10), "ECS": (1, 3)}


def deployment_config(scope: Construct, platform: str, routing: Mapping[str, Any]) -> str:
    """Return the name of the configuration for a traffic routing; make one if there is none.

    Args:
        scope: where it is made.
        platform: `Lambda` or `ECS`.
        routing: what `service_limits.code_deploy_routing` returns.
    """
    predefined = _predefined(platform, routing)
    if predefined:
        return f"CodeDeployDefault.{predefined}"
    return codedeploy.CfnDeploymentConfig(
        scope, "DeploymentConfig", compute_platform=platform, traffic_routing_config=dict(routing)
    ).ref


def _predefined(platform: str, routing: Mapping[str, Any]) -> str | None:
    if routing["type"] == "AllAtOnce":
        return f"{platform}AllAtOnce"
    if canary := routing.get("timeBasedCanary"):
        percent, minutes = canary["canaryPercentage"], canary["canaryInterval"]
        known = percent == 10 and minutes in _CANARY_MINUTES[platform]
        return f"{platform}Canary10Percent{minutes}Minutes" if known else None
    linear = routing["timeBasedLinear"]
    percent, minutes = linear["linearPercentage"], linear["linearInterval"]
    if percent != 10 or minutes not in _LINEAR_MINUTES[platform]:
        return None
    return f"{platform}Linear10PercentEvery{minutes}Minute{'' if minutes == 1 else 's'}"


def service_role(
    scope: Construct, description: str, statements: list[dict[str, Any]]
) -> iam.CfnRole:
    """Make the role that CodeDeploy takes for deployments of this account alone."""
    return iam.CfnRole(
        scope,
        "CodeDeployRole",
        description=description,
        assume_role_policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "codedeploy.amazonaws.com"},
                    "Condition": {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
                }
            ],
        },
        policies=[
            {
                "policyName": "Deploys",
                "policyDocument": {"Version": "2012-10-17", "Statement": statements},
            }
        ],
    )
