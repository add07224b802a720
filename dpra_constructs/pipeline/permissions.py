"""Turns the permissions of an action into statements of its role's policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.acknowledgements import shown

#: A statement of a policy as IAM writes it: no call to the jsii kernel.
Statement = dict[str, Any]
# Partition, region and account of the constructs that exist: each is a call to the jsii kernel.
_PLACES: WeakKeyDictionary[IConstruct, tuple[str, str, str]] = WeakKeyDictionary()


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> Statement:
    """Return the statement that allows actions on resources."""
    statement: Statement = {
        "Effect": "Allow",
        "Action": _one_or_list(actions),
        "Resource": _one_or_list(resources),
    }
    if conditions:
        statement["Condition"] = {
            operator: {key: list(values) for key, values in keys.items()}
            for operator, keys in conditions.items()
        }
    return statement


def allowed(scope: IConstruct, permissions: Sequence[Permission]) -> list[Statement]:
    """Return the statements, with the pipeline's partition, region and account in the ARNs."""
    if not permissions:
        return []
    place = _place(scope)
    return [
        allow(permission.actions, _resources(place, permission), permission.conditions)
        for permission in permissions
    ]


def statements(scope: IConstruct, permissions: Sequence[Permission]) -> list[iam.PolicyStatement]:
    """Return the same for roles that `aws_cdk` makes."""
    return [iam.PolicyStatement.from_json(each) for each in allowed(scope, permissions)]


def acknowledge_permissions(role: IConstruct, permissions: Iterable[Permission]) -> None:
    """Acknowledge, with the team's reason, what cdk-nag finds of wildcards in permissions."""
    reasoned = [permission for permission in permissions if permission.reason]
    if not reasoned:
        return
    stack = Stack.of(role)
    place = _place(stack)
    resources = [
        (resource, permission.reason)
        for permission in reasoned
        for resource in _resources(place, permission)
        if "*" in resource
    ]
    # Resolved in one call, as each is one to the jsii kernel.
    resolved = stack.resolve([resource for resource, _ in resources])
    found = {
        shown(resource): reason for resource, (_, reason) in zip(resolved, resources, strict=True)
    }
    if found:
        Validations.of(role).acknowledge(
            *(
                Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
                for resource, reason in sorted(found.items())
            )
        )


def pipeline_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of the pipeline of that name in the stack's account and region."""
    partition, region, account = _place(scope)
    return f"arn:{partition}:codepipeline:{region}:{account}:{name}"


def _place(scope: IConstruct) -> tuple[str, str, str]:
    if scope not in _PLACES:
        stack = Stack.of(scope)
        _PLACES[scope] = stack.partition, stack.region, stack.account
    return _PLACES[scope]


def _resources(place: tuple[str, str, str], permission: Permission) -> list[str]:
    partition, region, account = place
    # Not str.format: an ARN may hold other braces, as variables of IAM policies.
    return [
        resource.replace("{partition}", partition)
        .replace("{region}", region)
        .replace("{account}", account)
        for resource in permission.resources
    ]


def _one_or_list(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
