"""Refuses a pipeline whose resources CloudFormation or IAM would not take.

Reads what has been made, of which the policies are resolved anyway: no call to the jsii kernel.
What only the template shows, its size above all, `dpra_constructs.testing.exceeded_limits` finds;
of its size the CDK itself warns when it writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import CfnResource
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline.limits import Limits, characters

# How aws_cdk splits the policy of a role that is full: what is left goes into managed policies.
_FIRST_PART = 10_000
_FURTHER_PART = 6_000


def check_made(
    where: str,
    made: Sequence[IConstruct],
    policies: Iterable[tuple[iam.Policy, Any]],
    limits: Limits,
) -> None:
    """Refuse what is too much.

    Args:
        where: the pipeline.
        made: all constructs of it.
        policies: its policies, each with its document.
        limits: what AWS takes.

    Raises:
        InvalidArgumentError: there are too many resources, roles or rules, or a policy is too
            large.
    """
    for kind, count, most, fix in (
        (
            "resources",
            sum(isinstance(each, CfnResource) for each in made),
            limits.resources_per_template,
            "run fewer tests in each region, as each is a project with a role and a log group, or "
            "release the application's parts by several pipelines",
        ),
        (
            "roles",
            sum(isinstance(each, iam.CfnRole) for each in made),
            limits.roles,
            "run several tools in one build action",
        ),
        (
            "event rules",
            sum(isinstance(each, events.CfnRule) for each in made),
            limits.event_rules,
            "release the application's parts by pipelines in other regions",
        ),
    ):
        if count > most:
            problem = f"would have {count} {kind}, and {most} is the most"
            raise InvalidArgumentError(where, problem, fix)
    for policy, document in policies:
        _check_policy(where, policy, characters(document), limits)


def _check_policy(where: str, policy: iam.Policy, size: int, limits: Limits) -> None:
    needed = -(-max(0, size - _FIRST_PART) // _FURTHER_PART)
    if needed > limits.managed_policies_per_role:
        path = "/".join(policy.node.path.split("/")[1:-1])
        raise InvalidArgumentError(
            where,
            f"the role {path} would have about {size:,} characters of policies and need {needed} "
            f"managed policies, and a role takes {limits.managed_policies_per_role}",
            "deploy to fewer accounts and regions by one pipeline, or have the quota raised to up "
            "to 20 and say so: limits=Limits(managed_policies_per_role=20)",
        )


def check_role_policy(role: str, statements: object, limits: Limits = Limits()) -> None:  # noqa: B008
    """Refuse a role whose own policy IAM would not take; this quota cannot be raised.

    Args:
        role: the construct's id.
        statements: its policy's statements.
        limits: what IAM takes.
    """
    size = characters({"Version": "2012-10-17", "Statement": statements})
    if size > limits.inline_policy_characters:
        raise InvalidArgumentError(
            f'role "{role}"',
            f"its policy has about {size:,} characters, and IAM takes "
            f"{limits.inline_policy_characters:,}",
            "deploy to fewer accounts and regions by one pipeline",
        )
