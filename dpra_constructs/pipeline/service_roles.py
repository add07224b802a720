"""Makes the roles of functions and projects that this library makes by their CloudFormation type.

A role of `aws_cdk` with its principal, its policy and its statements is a call to the jsii kernel
for each of them; this one is two, whatever it may do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.pipeline.made_limits import check_role_policy
from dpra_constructs.pipeline.permissions import Statement


def service_role(
    scope: Construct,
    id: str,
    *,
    service: str,
    policy: str,
    statements: Iterable[Statement],
    description: str | None = None,
    role_name: str | None = None,
) -> iam.CfnRole:
    """Make a role for a service, with the logical id that `iam.Role` would give it.

    Args:
        scope: where it is made.
        id: the construct's id.
        service: who takes it, like `lambda.amazonaws.com`.
        policy: the name of its one policy.
        statements: what it may do, of `permissions.allow` and `permissions.allowed`.
        description: what it is for.
        role_name: where others name the role.
    """
    return role_of(
        scope,
        id,
        principal={"Service": service},
        policy=policy,
        statements=statements,
        description=description,
        role_name=role_name,
    )


def role_of(
    scope: Construct,
    id: str,
    *,
    principal: Mapping[str, str],
    policy: str,
    statements: Iterable[Statement],
    description: str | None = None,
    role_name: str | None = None,
) -> iam.CfnRole:
    """Make a role for anyone; `principal` says as IAM does who takes it."""
    said = list(statements)
    check_role_policy(id, said)
    return iam.CfnRole(
        Construct(scope, id),
        "Resource",
        role_name=role_name,
        description=description,
        assume_role_policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": dict(principal),
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        policies=[
            {
                "policyName": policy,
                "policyDocument": {"Version": "2012-10-17", "Statement": said},
            }
        ],
    )
