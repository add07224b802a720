"""Who may approve a release: policies for exactly one approval action. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

# A path may begin with a slash: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_ROLE = re.compile(r"/?([\w+=,.@-]+/)*[\w+=,.@-]{1,64}")
_PERMISSION_SET = re.compile(r"[\w+=,.@-]{1,32}")
_APPROVE = "codepipeline:PutApprovalResult"
# What the console needs to show a pipeline and the approval in it.
_SEE = (
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineExecution",
    "codepipeline:GetPipelineState",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
)


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A permission set of IAM Identity Center, which makes a role in the pipeline's account.

    Args:
        name: 1 to 32 letters, digits and `+ = , . @ _ -`.

    Raises:
        InvalidArgumentError: the name is not one of those.

    >>> PermissionSet("ReleaseManager").name
    'ReleaseManager'
    """

    name: str

    def __post_init__(self) -> None:
        """Check the name."""
        if not isinstance(self.name, str) or not _PERMISSION_SET.fullmatch(self.name):
            raise InvalidArgumentError(
                "PermissionSet",
                f"name={arguments.shown(self.name)} is not the name of a permission set: 1 to 32 "
                "letters, digits and + = , . @ _ -",
                'write it like PermissionSet("ReleaseManager")',
            )


def checked_approvers(where: str, given: object) -> tuple[str | PermissionSet, ...]:
    """Return approvers as a tuple; refuse what is neither a role's name nor a permission set."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgumentError(
            where,
            f"approvers={arguments.shown(given)} is no sequence",
            'write it like approvers=["release-managers"]',
        )
    approvers = tuple(given)
    for each in approvers:
        if isinstance(each, PermissionSet):
            continue
        if not isinstance(each, str) or not _ROLE.fullmatch(each):
            raise InvalidArgumentError(
                where,
                f"approvers has {arguments.shown(each)}, which is neither the name of an IAM role "
                "nor a PermissionSet",
                'write it like approvers=["release-managers", PermissionSet("ReleaseManager")]',
            )
    arguments.unique(where, "approvers", [str(each) for each in approvers])
    return approvers


def approval_arn(
    *, partition: str, region: str, account: str, pipeline: str, stage: str, action: str
) -> str:
    """Return the ARN of one approval action.

    >>> approval_arn(partition="aws", region="us-west-2", account="111111111111",
    ...     pipeline="fruit-api", stage="Approve-Prod", action="Approve")
    'arn:aws:codepipeline:us-west-2:111111111111:fruit-api/Approve-Prod/Approve'

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-iam-permissions.html
    """
    return f"arn:{partition}:codepipeline:{region}:{account}:{pipeline}/{stage}/{action}"


def approver_arns(
    approvers: Sequence[str | PermissionSet], *, partition: str, account: str
) -> tuple[str, ...]:
    """Return the ARNs of the approvers' roles, as patterns for `ArnLike`.

    >>> approver_arns(["release-managers"], partition="aws", account="111111111111")
    ('arn:aws:iam::111111111111:role/release-managers',)
    """
    # Identity Center keeps its roles below a path, which may hold its region, and ends their
    # names with 16 characters of its own.
    return tuple(
        f"arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com/*"
        f"AWSReservedSSO_{each.name}_{'?' * 16}"
        if isinstance(each, PermissionSet)
        else f"arn:{partition}:iam::{account}:role/{each.lstrip('/')}"
        for each in approvers
    )


def allow_document(arn: str) -> dict[str, Any]:
    """Return the policy that lets see the pipeline, and approve or reject by this action alone.

    Args:
        arn: of `approval_arn`.
    """
    pipeline = arn.partition("/")[0]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Approve", "Effect": "Allow", "Action": _APPROVE, "Resource": arn},
            {"Sid": "SeePipeline", "Effect": "Allow", "Action": list(_SEE), "Resource": pipeline},
        ],
    }


def deny_statement(arn: str, approver_arns: Sequence[str]) -> dict[str, Any]:
    """Return the statement by which nobody but the approvers approves, whatever else is allowed.

    For permission sets, permissions boundaries and service control policies: a pipeline cannot
    take permissions away by itself.

    Args:
        arn: of `approval_arn`.
        approver_arns: of `approver_arns`, at least one.

    Raises:
        InvalidArgumentError: there is no approver.
    """
    if not approver_arns:
        raise InvalidArgumentError(
            "deny_statement", "approver_arns is empty", "name who may approve"
        )
    return {
        "Sid": "OnlyApprovers",
        "Effect": "Deny",
        "Action": _APPROVE,
        "Resource": arn,
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": list(approver_arns)}},
    }
