"""What the constructs share that a team puts into the stacks of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.runtime import names

C = TypeVar("C", bound=Construct)


def check_place(where: str, stack: Stack, target: DeploymentTarget) -> None:
    """Refuse a stack that is not in its target's account and region.

    Raises:
        InvalidArgumentError: it is elsewhere.
    """
    for what, has, needed in (
        ("account", stack.account, target.account),
        ("region", stack.region, target.region),
    ):
        if has != needed:
            shown = "none of its own" if Token.is_unresolved(has) else has
            raise InvalidArgumentError(
                where,
                f"its stack has {what} {shown}, and the target is {needed}",
                "give the application's cdk.Stage env=target.env",
            )


def first_of_target(
    where: str, id: str, stack: Stack, others: Mapping[str, C], all: str
) -> C | None:
    """Return the first of those constructs that share a role in a target; None before there is one.

    Args:
        where: how messages name the next one.
        id: of the next one, by which the pipeline names it.
        stack: in which it stands.
        others: those that the target has already, by their ids.
        all: what they are together, as a message says it.

    Raises:
        InvalidArgumentError: the id is taken, or the first one stands in another stack.
    """
    if id in others:
        raise InvalidArgumentError(
            where,
            f"{others[id].node.path} has that id already, and the pipeline names it by that",
            "give one of them another id",
        )
    first = next(iter(others.values()), None)
    if first and Stack.of(first) is not stack:
        raise InvalidArgumentError(
            where,
            f"it stands in {stack.node.path}, and {first.node.path} in another stack",
            f"put all {all} into one stack; they share a role",
        )
    return first


def role_of_pipeline(partition: str, target: DeploymentTarget, role: str) -> iam.IPrincipal:
    """Return who may assume a role of the target: one role of the pipeline's account.

    Args:
        partition: of AWS.
        target: what the pipeline deploys to.
        role: the name of the pipeline's role.
    """
    account = target.pipeline.account
    return iam.AccountPrincipal(account).with_conditions(
        {"ArnEquals": {"aws:PrincipalArn": names.role_arn(partition, account, role)}}
    )
