# mypy: disable-error-code="arg-type, dict-item"
"""What is written wrong of the signing of functions is refused at once."""

from collections.abc import Callable

import pytest

from dpra_constructs import InvalidArgumentError
from dpra_constructs.artifact_integrity import ArtifactSigning, FunctionSigning

PROFILE = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
OTHER = "arn:aws:signer:us-west-2:222222222222:/signing-profiles/layers/a1B2c3D4e5"
ELSEWHERE = "arn:aws:signer:eu-west-1:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
MANY = [f"{OTHER[:-2]}{number:02d}" for number in range(20)]

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "profiles is one text": (
        lambda: FunctionSigning(profiles=PROFILE),
        f"FunctionSigning: profiles={PROFILE!r} is not a sequence of texts; write it as a list: "
        "profiles=[...]",
    ),
    "profiles is empty": (
        lambda: FunctionSigning(profiles=[]),
        "FunctionSigning: profiles is empty; give profiles at least one",
    ),
    "a profile without its version": (
        lambda: FunctionSigning(profiles=[PROFILE.rpartition("/")[0]]),
        "FunctionSigning: profiles has 'arn:aws:signer:us-west-2:111111111111:/signing-profiles/"
        "fruit_api', which is not the ARN of a version of a signing profile; write it like "
        f'"{PROFILE}"; the version is the part after the last slash',
    ),
    "two profiles of a region": (
        lambda: FunctionSigning(profiles=[PROFILE, OTHER]),
        "FunctionSigning: profiles has 2 of region us-west-2, and code is signed by one in each "
        "region; name the one that signs; others that are trusted go into other_publishers",
    ),
    "a publisher stands twice": (
        lambda: FunctionSigning(profiles=[PROFILE], other_publishers=[OTHER, OTHER]),
        f"FunctionSigning: profiles and other_publishers has {OTHER} more than once; keep one of "
        "each",
    ),
    "the profile that signs is another one too": (
        lambda: FunctionSigning(profiles=[PROFILE], other_publishers=[PROFILE]),
        f"FunctionSigning: profiles and other_publishers has {PROFILE} more than once; keep one of "
        "each",
    ),
    "more publishers than AWS Lambda takes": (
        lambda: FunctionSigning(profiles=[PROFILE], other_publishers=MANY),
        "FunctionSigning: other_publishers has 20 of region us-west-2, and 19 are the most; leave "
        "those out that sign nothing which is deployed",
    ),
    "enforced is a text": (
        lambda: FunctionSigning(profiles=[PROFILE], is_enforced="no"),
        "FunctionSigning: is_enforced='no' is not True or False; write is_enforced=True or "
        "is_enforced=False",
    ),
    "unsigned is a list": (
        lambda: FunctionSigning(profiles=[PROFILE], unsigned=["Api/Hello"]),
        "FunctionSigning: unsigned=['Api/Hello'] is not a mapping of paths to reasons; write it "
        'like unsigned={"Api/Handler": "made by the CDK with inline code"}',
    ),
    "unsigned without a reason": (
        lambda: FunctionSigning(profiles=[PROFILE], unsigned={"Api/Hello": ""}),
        "FunctionSigning: unsigned['Api/Hello']='' is not a text that says something; give "
        "unsigned['Api/Hello'] a text",
    ),
    "functions is a profile": (
        lambda: ArtifactSigning(functions=["fruit_api"]),
        "ArtifactSigning: functions=['fruit_api'] is of type list, and FunctionSigning is needed; "
        "write it like functions=FunctionSigning(profiles=[...])",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError) as refused:
        make()
    assert str(refused.value) == message


def test_the_publishers_of_a_region_begin_with_the_profile_that_signs_there() -> None:
    signing = FunctionSigning(profiles=[PROFILE, ELSEWHERE], other_publishers=[OTHER])
    assert signing.publishers == {"us-west-2": [PROFILE, OTHER], "eu-west-1": [ELSEWHERE]}
    assert FunctionSigning(profiles=[ELSEWHERE], other_publishers=[OTHER]).publishers == {
        "eu-west-1": [ELSEWHERE]
    }
