"""Conditions of a permission: as IAM has them, or refused with what to do."""

import pytest

from dpra_constructs import InvalidArgumentError
from dpra_constructs.build_actions import Permission

KEY = "sts:AWSServiceName"
EXAMPLE = 'write it like conditions={"StringEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d"]}}'
REFUSED = {
    "text": (
        "StringEquals",
        f"conditions='StringEquals' is not a mapping of IAM's operators to keys; {EXAMPLE}",
    ),
    "no operator": (
        {"string equals": {KEY: ["a"]}},
        "conditions={'string equals': {'sts:AWSServiceName': ['a']}} is not a mapping of IAM's "
        f"operators to keys; {EXAMPLE}",
    ),
    "no keys": (
        {"StringEquals": KEY},
        "conditions={'StringEquals': 'sts:AWSServiceName'} is not a mapping of IAM's operators to "
        f"keys; {EXAMPLE}",
    ),
    "no key": (
        {"StringEquals": {"service name": ["a"]}},
        "conditions['StringEquals'] has 'service name', which is not a key of IAM; " + EXAMPLE,
    ),
    "one text": (
        {"StringEquals": {KEY: "a"}},
        "conditions['StringEquals']['sts:AWSServiceName']='a' is not a sequence of texts; write it "
        "as a list: conditions['StringEquals']['sts:AWSServiceName']=[...]",
    ),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_conditions_are_refused(given: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        Permission(
            actions=["sts:GetServiceBearerToken"],
            resources=["*"],
            reason="no resource",
            conditions=given,  # type: ignore[arg-type]
        )
    assert str(refused.value) == f"Permission: {message}"


@pytest.mark.parametrize("operator", ["StringEquals", "ForAnyValue:StringLike", "BoolIfExists"])
def test_conditions_are_kept_and_cannot_be_changed(operator: str) -> None:
    values = ["a"]
    permission = Permission(
        actions=["sts:GetServiceBearerToken"],
        resources=["*"],
        reason="no resource",
        conditions={operator: {KEY: values}},
    )
    values.append("b")
    assert permission.conditions == {operator: {KEY: ("a",)}}
    with pytest.raises(TypeError):
        permission.conditions[operator][KEY] = ("b",)  # type: ignore[index]
