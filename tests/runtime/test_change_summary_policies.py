"""What a new template grants that the old one did not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.release.runtime.change_summary_policies import broadened, text_of

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:*", "sqs:SendMessage", "*"]
RESOURCES: list[Any] = [
    "arn:aws:s3:::fruits/*",
    {"Fn::Join": ["", [{"Fn::GetAtt": ["Fruits", "Arn"]}, "/*"]]},
    {"Fn::GetAtt": ["Fruits", "Arn"]},
    "*",
]


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::fruits/*",
        **changes,
    }


def role(*statements: Any, **properties: Any) -> dict[str, Any]:
    policy = {"PolicyName": "Own", "PolicyDocument": {"Statement": list(statements)}}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy], **properties}}
        }
    }


def policy_of_role(*statements: Any, name: str = "Policy") -> dict[str, Any]:
    properties = {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": "Role"}]}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
            name: {"Type": "AWS::IAM::Policy", "Properties": properties},
        }
    }


def bucket_policy(*statements: Any) -> dict[str, Any]:
    properties = {"PolicyDocument": {"Statement": list(statements)}}
    return {"Resources": {"Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}}


@pytest.mark.parametrize(
    ("new", "line"),
    [
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, "allows s3:PutObject on arn:aws:s3:::"),
        ({"Action": "s3:*"}, "allows s3:* on"),
        ({"Resource": "*"}, "allows s3:GetObject on *"),
        ({"NotAction": "iam:*", "Action": None}, "allows all but iam:* on"),
    ],
)
def test_a_wider_statement_is_shown(new: dict[str, Any], line: str) -> None:
    wide = {key: value for key, value in statement(**new).items() if value is not None}
    [found] = broadened(role(statement()), role(wide))
    assert found.startswith(f"Role: {line}")


def test_a_condition_that_is_gone_is_shown() -> None:
    narrow = statement(Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}})
    assert broadened(role(narrow), role(statement())) == [
        "Role: allows s3:GetObject on arn:aws:s3:::fruits/*"
    ]
    assert broadened(role(statement()), role(narrow)) == []


def test_a_denial_that_is_gone_is_shown() -> None:
    deny = statement(Effect="Deny", Principal="*", Action="s3:*")
    assert broadened(bucket_policy(deny), bucket_policy()) == [
        "Policy.PolicyDocument: no longer denies s3:* on arn:aws:s3:::fruits/* for *"
    ]
    assert broadened(bucket_policy(), bucket_policy(deny)) == []


def test_a_role_that_is_gone_broadens_nothing() -> None:
    deny = statement(Effect="Deny")
    assert broadened(role(statement(), deny), {"Resources": {}}) == []


def test_another_principal_is_shown() -> None:
    own = statement(Principal={"AWS": "arn:aws:iam::111111111111:root"})
    everybody = statement(Principal={"AWS": "*"})
    assert broadened(bucket_policy(own), bucket_policy(everybody)) == [
        "Policy.PolicyDocument: allows s3:GetObject on arn:aws:s3:::fruits/* for *"
    ]
    assert broadened(bucket_policy(everybody), bucket_policy(own)) == []


def test_a_wider_trust_is_shown() -> None:
    def trusting(service: str) -> dict[str, Any]:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        return role(AssumeRolePolicyDocument={"Statement": trust})

    assert broadened(trusting("lambda.amazonaws.com"), trusting("ec2.amazonaws.com")) == [
        "trust of Role: allows sts:AssumeRole on it for Service ec2.amazonaws.com"
    ]


def test_a_managed_policy_and_a_lost_boundary_are_shown() -> None:
    old = role(PermissionsBoundary="arn:aws:iam::aws:policy/Edge")
    new = role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
    assert broadened(old, new) == [
        "Role: has arn:aws:iam::aws:policy/AdministratorAccess",
        "Role: is no longer bounded by arn:aws:iam::aws:policy/Edge",
    ]


def test_a_function_that_somebody_else_may_call_is_shown() -> None:
    called = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
        },
    }
    assert broadened({}, {"Resources": {"Call": called}}) == [
        "policy of ${Function.Arn}: allows lambda:InvokeFunction on it for *"
    ]


def test_a_statement_that_moves_to_another_policy_of_the_role_is_not_shown() -> None:
    assert broadened(role(statement()), policy_of_role(statement())) == []
    assert broadened(policy_of_role(statement()), policy_of_role(statement(), name="New")) == []


def test_what_an_intrinsic_decides_is_shown_when_it_changes() -> None:
    old, new = ({"Fn::If": [name, statement(), {"Ref": "AWS::NoValue"}]} for name in "AB")
    assert broadened(role(old), role(old)) == []
    [found] = broadened(role(old), role(new))
    assert '"Fn::If":["B"' in found


def test_a_policy_in_text_is_read() -> None:
    def of_logs(text: str) -> dict[str, Any]:
        properties = {"PolicyDocument": text}
        return {"Resources": {"R": {"Type": "AWS::Logs::ResourcePolicy", "Properties": properties}}}

    given = json.dumps({"Statement": [statement(Principal="*")]})
    assert broadened(of_logs(""), of_logs(given)) == [
        "R.PolicyDocument: allows s3:GetObject on arn:aws:s3:::fruits/* for *"
    ]
    assert broadened(of_logs(given), of_logs('{"Statement": broken')) == []


def test_text_of_references() -> None:
    assert text_of({"Ref": "Fruits"}) == "${Fruits}"
    assert text_of({"Fn::Sub": "arn:${AWS::Partition}:s3:::x"}) == "arn:${AWS::Partition}:s3:::x"


CONDITIONS = st.sampled_from(
    [None, {"StringEquals": {"k": "a"}}, {"StringEquals": {"k": ["a", "b"], "l": "c"}}]
)
STATEMENTS = st.builds(
    lambda effect, actions, resources, condition: {
        "Effect": effect,
        "Action": actions,
        "Resource": resources,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Deny"]),
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
    st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3),
    CONDITIONS,
)
POLICIES = st.lists(STATEMENTS, max_size=4)


@given(POLICIES)
def test_the_same_is_not_broader(statements: list[Any]) -> None:
    assert broadened(role(*statements), role(*statements)) == []


@given(POLICIES, st.randoms())
def test_order_and_splitting_do_not_matter(statements: list[Any], random: Any) -> None:
    split = [
        {**each, "Action": action, "Resource": [resource]}
        for each in statements
        for action in each["Action"]
        for resource in each["Resource"]
    ]
    random.shuffle(split)
    assert broadened(role(*statements), role(*split)) == []
    assert broadened(role(*split), role(*statements)) == []


@given(POLICIES, STATEMENTS)
def test_fewer_allowances_and_more_denials_are_not_broader(
    statements: list[Any], more: dict[str, Any]
) -> None:
    allow, deny = {**more, "Effect": "Allow"}, {**more, "Effect": "Deny"}
    assert broadened(role(*statements, allow), role(*statements)) == []
    assert broadened(role(*statements), role(*statements, deny)) == []


@given(POLICIES)
def test_an_allowance_of_something_new_is_shown(statements: list[Any]) -> None:
    new = statement(Action="iam:PassRole", Resource="arn:aws:iam::111111111111:role/x")
    covered = any(
        each["Effect"] == "Allow"
        and "*" in each["Action"]
        and "*" in each["Resource"]
        and "Condition" not in each
        for each in statements
    )
    found = broadened(role(*statements), role(*statements, new))
    line = "Role: allows iam:PassRole on arn:aws:iam::111111111111:role/x"
    assert found == ([] if covered else [line])


@given(POLICIES, STATEMENTS)
def test_a_denial_that_is_gone_is_shown_unless_another_covers_it(
    statements: list[Any], denial: dict[str, Any]
) -> None:
    deny = {**denial, "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:::key/x"}
    deny.pop("Condition", None)
    covered = any(
        each["Effect"] == "Deny"
        and "*" in each["Action"]
        and "*" in each["Resource"]
        and "Condition" not in each
        for each in statements
    )
    found = broadened(role(*statements, deny), role(*statements))
    line = "Role: no longer denies kms:Decrypt on arn:aws:kms:::key/x"
    assert found == ([] if covered else [line])
