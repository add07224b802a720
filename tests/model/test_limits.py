# mypy: disable-error-code="arg-type"
"""The limits as values, and what of a template exceeds them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError, Limits
from dpra_constructs.pipeline.limits import characters
from dpra_constructs.testing import exceeded_limits


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"actions_per_stage": 60},
            "Limits: actions_per_stage=60 is not a whole number from 1 to 50; "
            "write it like actions_per_stage=50",
        ),
        (
            {"managed_policies_per_role": 21},
            "Limits: managed_policies_per_role=21 is not a whole number from 1 to 20; "
            "write it like managed_policies_per_role=20",
        ),
        (
            {"resources_per_template": 0},
            "Limits: resources_per_template=0 is not a whole number from 1 to 100000; "
            "write it like resources_per_template=80",
        ),
        (
            {"template_bytes": "1 MB"},
            "Limits: template_bytes='1 MB' is not a whole number from 1 to 1000000; "
            "write it like template_bytes=80",
        ),
    ],
)
def test_a_limit_that_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        Limits(**given)
    assert str(raised.value) == message


def document(count: int) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/b"}
    return {"Version": "2012-10-17", "Statement": [statement] * count}


@given(st.recursive(st.text() | st.integers(), lambda each: st.lists(each, max_size=3)))
def test_white_space_does_not_count_and_more_is_longer(value: Any) -> None:
    assert characters([value, "x"]) > characters([value])


def test_a_reference_counts_as_a_long_name() -> None:
    assert characters({"Ref": "AWS::Partition"}) == len('"aws"')
    assert characters({"Ref": "Key"}) == characters({"Fn::GetAtt": ["Key", "Arn"]}) == 72


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def role(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def policy(kind: str, size: int = 1) -> dict[str, Any]:
    return {
        "Type": f"AWS::IAM::{kind}",
        "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": document(size)},
    }


def pipeline(*actions: int) -> dict[str, Any]:
    stages = [{"Name": f"S{n}", "Actions": [{}] * count} for n, count in enumerate(actions)]
    return {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": stages}}


@pytest.mark.parametrize(
    ("given", "limits", "message"),
    [
        (
            template(A=role(), B=role()),
            Limits(resources_per_template=1),
            "the template has 2 resources, and 1 is the most",
        ),
        (
            template(A=role(Description="x" * 1_000)),
            Limits(template_bytes=1_000),
            "the template has 1,110 bytes, and 1,000 is the most",
        ),
        (
            template(A=role(), B=role()),
            Limits(roles=1),
            "the template has 2 roles, and 1 is the most",
        ),
        (
            template(A={"Type": "AWS::Events::Rule"}, B={"Type": "AWS::Events::Rule"}),
            Limits(event_rules=1),
            "the template has 2 event rules, and 1 is the most",
        ),
        (
            template(R=role(Policies=[{"PolicyDocument": document(90)}]), P=policy("Policy", 50)),
            Limits(),
            "the role R has 10,296 characters of policies of its own, and 10,240 is the most",
        ),
        (
            template(
                R=role(ManagedPolicyArns=["a"] * 9),
                M=policy("ManagedPolicy"),
                **{"N": policy("ManagedPolicy")},
            ),
            Limits(),
            "the role R has 11 managed policies, and 10 is the most",
        ),
        (
            template(
                B={
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {"PolicyDocument": document(300)},
                }
            ),
            Limits(),
            "the bucket policy B has 21,938 bytes, and 20,480 is the most",
        ),
        (
            template(P=pipeline(*[1] * 51)),
            Limits(),
            "the pipeline P has 51 stages, and 50 is the most",
        ),
        (
            template(P=pipeline(51)),
            Limits(),
            "the stage S0 has 51 actions, and 50 is the most",
        ),
        (
            template(P=pipeline(*[50] * 10, 1)),
            Limits(),
            "the pipeline P has 501 actions, and 500 is the most",
        ),
    ],
)
def test_what_is_too_much_is_found(given: dict[str, Any], limits: Limits, message: str) -> None:
    assert exceeded_limits(given, limits) == [message]


def test_what_is_at_the_limit_is_not() -> None:
    assert exceeded_limits(template(P=pipeline(*[10] * 50))) == []
