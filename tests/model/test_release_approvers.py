"""Who may approve a release."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.approvers import (
    PermissionSet,
    allow_document,
    approval_arn,
    approver_arns,
    checked_approvers,
    deny_statement,
)

ACTION = approval_arn(
    partition="aws",
    region="us-west-2",
    account="111111111111",
    pipeline="fruit-api",
    stage="Approve-Prod",
    action="Approve",
)
ARNS = approver_arns(
    ["release-managers", "/teams/leads", PermissionSet("Release")],
    partition="aws",
    account="111111111111",
)


def test_approvers_approve_this_action_and_no_other() -> None:
    approve, see = allow_document(ACTION)["Statement"]
    assert approve == {
        "Sid": "Approve",
        "Effect": "Allow",
        "Action": "codepipeline:PutApprovalResult",
        "Resource": "arn:aws:codepipeline:us-west-2:111111111111:fruit-api/Approve-Prod/Approve",
    }
    assert see["Resource"] == "arn:aws:codepipeline:us-west-2:111111111111:fruit-api"
    assert all(each.split(":")[1].startswith(("Get", "List")) for each in see["Action"])


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        ("role/release-managers", False),
        ("role/teams/leads", False),
        ("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Release_0123456789abcdef", False),
        (
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Release_0123456789abcdef",
            False,
        ),
        ("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Release_x_0123456789abcdef", True),
        ("role/AWSReservedSSO_Release_0123456789abcdef", True),
        ("role/release-managers-2", True),
        ("role/leads", True),
        ("user/release-managers", True),
    ],
)
def test_everybody_else_is_denied(principal: str, denied: bool) -> None:
    statement = deny_statement(ACTION, ARNS)
    patterns = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    arn = f"arn:aws:iam::111111111111:{principal}"
    assert (not any(fnmatchcase(arn, pattern) for pattern in patterns)) == denied
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ACTION)


def test_a_denial_without_approvers_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="approver_arns is empty; name who may approve"):
        deny_statement(ACTION, [])


def test_approvers_are_frozen() -> None:
    given: list[Any] = ["release-managers"]
    checked = checked_approvers("ManualApproval", given)
    given.clear()
    assert checked == ("release-managers",)
    assert checked_approvers("ManualApproval", []) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("release-managers", "approvers='release-managers' is no sequence"),
        (1, "approvers=1 is no sequence"),
        (
            ["arn:aws:iam::111111111111:role/x"],
            "approvers has 'arn:aws:iam::111111111111:role/x', which is neither the name of an "
            "IAM role nor a PermissionSet",
        ),
        (["*"], "approvers has '*', which is neither"),
        ([""], "approvers has '', which is neither"),
        (["a", "a"], "approvers has a more than once"),
    ],
)
def test_wrong_approvers_are_refused(given: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        checked_approvers("ManualApproval", given)
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "x" * 33, "*", None])
def test_wrong_permission_sets_are_refused(name: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="is not the name of a permission set"):
        PermissionSet(name)
