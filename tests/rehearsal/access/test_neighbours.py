"""Requests next to a request: never the same, and each different in one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal.access.neighbours import neighbours
from tests.rehearsal.access.request import Request

WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
REGIONS = st.sampled_from(["us-west-2", "us-east-2", "eu-central-1", ""])
ACCOUNTS = st.sampled_from(["111111111111", "444444444444", ""])
ARNS = st.builds(
    lambda service, region, account, names, last: (
        f"arn:aws:{service}:{region}:{account}:{'/'.join(names)}{last}"
    ),
    WORDS,
    REGIONS,
    ACCOUNTS,
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(["", "/*", "-*", ":*"]),
)


@given(ARNS)
def test_a_neighbour_is_another_request_of_the_same_action(arn: str) -> None:
    request = Request("a:B", arn)
    found = list(neighbours(request))
    assert len(set(found)) == len(found)
    for other in found:
        assert other.action == request.action
        assert other.concrete != request.concrete


@given(ARNS)
def test_each_neighbour_differs_in_one_part(arn: str) -> None:
    *head, rest = arn.split(":", 5)
    for other in neighbours(Request("a:B", arn)):
        *other_head, other_rest = other.resource.split(":", 5)
        parts = sum(one != two for one, two in zip(head, other_head, strict=True))
        assert parts + (rest != other_rest) == 1


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            "arn:aws:s3:::artifacts/*",
            ["arn:aws:s3:::other-artifacts/*", "arn:aws:s3:::artifacts-other/*"],
        ),
        (
            "arn:aws:iam::111111111111:role/gate",
            [
                "arn:aws:iam::111111111111:role/other-gate",
                "arn:aws:iam::111111111111:role/gate-other",
                "arn:aws:iam::999999999999:role/gate",
            ],
        ),
        (
            "arn:aws:codebuild:us-west-2:111111111111:report-group/fruit-*",
            [
                "arn:aws:codebuild:us-west-2:111111111111:report-group/other-fruit-*",
                "arn:aws:codebuild:us-east-2:111111111111:report-group/fruit-*",
                "arn:aws:codebuild:us-west-2:999999999999:report-group/fruit-*",
            ],
        ),
    ],
)
def test_the_neighbours_of_a_request(resource: str, expected: list[str]) -> None:
    assert [each.resource for each in neighbours(Request("a:B", resource))] == expected


def test_an_action_without_a_resource_is_done_in_another_region() -> None:
    [other] = neighbours(Request("cloudwatch:DescribeAlarms", "*", "ap-south-1"))
    assert (other.resource, other.region) == ("*", "us-east-2")


def test_a_key_that_is_used_through_a_service_is_used_directly() -> None:
    key = "arn:aws:kms:us-west-2:111111111111:key/1"
    first, *others = neighbours(Request("kms:Decrypt", key, via="s3.us-west-2.amazonaws.com"))
    assert first == Request("kms:Decrypt", key)
    assert {each.via for each in others} == {""}
