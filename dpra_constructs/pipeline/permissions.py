"""Turns the permissions of an action into statements of its role's policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.acknowledgements import shown


def statements(scope: IConstruct, permissions: Sequence[Permission]) -> list[iam.PolicyStatement]:
    """Return the statements, with the pipeline's partition, region and account in the ARNs."""
    if not permissions:
        return []
    stack = Stack.of(scope)
    return [
        iam.PolicyStatement(
            actions=list(permission.actions),
            resources=_resources(stack, permission),
            conditions={
                operator: {key: list(values) for key, values in keys.items()}
                for operator, keys in permission.conditions.items()
            },
        )
        for permission in permissions
    ]


def acknowledge_permissions(role: IConstruct, permissions: Iterable[Permission]) -> None:
    """Acknowledge, with the team's reason, what cdk-nag finds of wildcards in permissions."""
    stack = Stack.of(role)
    reasons = {
        shown(resource): permission.reason
        for permission in permissions
        if permission.reason
        for resource in stack.resolve(_resources(stack, permission))
    }
    found = {resource: reason for resource, reason in reasons.items() if "*" in resource}
    if found:
        Validations.of(role).acknowledge(
            *(
                Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
                for resource, reason in sorted(found.items())
            )
        )


def _resources(stack: Stack, permission: Permission) -> list[str]:
    # Not str.format: an ARN may hold other braces, as variables of IAM policies.
    return [
        resource.replace("{partition}", stack.partition)
        .replace("{region}", stack.region)
        .replace("{account}", stack.account)
        for resource in permission.resources
    ]
