"""Repositories of images, and with which profile their registry signs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack

from dpra_constructs import DeploymentEnvironment, InvalidArgumentError
from dpra_constructs.build_actions import BuildAction, EcrPush, Pytest, PythonBuild, Ruff
from dpra_constructs.code_signing import ImageRepository, ImageSigningProfile
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import ROOT, Synthesized, cfn_lint_rules, resources
from tests.pipelines import (
    BETA,
    GAMMA,
    SCANS,
    TOOLS,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    template_of,
    tools_stack,
)


def registry_stack() -> Stack:
    return Stack(App(), "Images", env=Environment(account=TOOLS, region="us-west-2"))


def repository(**changes: Any) -> ImageRepository:
    given = {"repository_name": "acme/fruit", "readers": [BETA, GAMMA], **changes}
    return ImageRepository(registry_stack(), "Images", **given)


def profile(**changes: Any) -> ImageSigningProfile:
    given = {"repositories": ["acme/*", "fruit-service"], **changes}
    return ImageSigningProfile(registry_stack(), "Signing", **given)


@pytest.fixture(scope="module")
def registry() -> Stack:
    stack = registry_stack()
    ImageRepository(stack, "Images", repository_name="acme/fruit", readers=[BETA, GAMMA])
    ImageSigningProfile(stack, "Signing", repositories=["acme/*"], generation=2, validity_months=24)
    return stack


@pytest.fixture(scope="module")
def template(registry: Stack) -> dict[str, Any]:
    assembly = registry.node.root.synth()  # type: ignore[attr-defined]
    assert cfn_lint_rules(Path(assembly.directory)) == set()
    made: dict[str, Any] = assembly.get_stack_by_name("Images").template
    return made


def test_a_tag_stays_and_other_accounts_may_pull_alone(template: dict[str, Any]) -> None:
    [made] = resources(template, "AWS::ECR::Repository")
    assert made["ImageTagMutability"] == "IMMUTABLE"
    assert made["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert made["EncryptionConfiguration"] == {"EncryptionType": "AES256"}
    [statement] = made["RepositoryPolicyText"]["Statement"]
    assert set(statement["Action"]) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    }
    principals = str(statement["Principal"])
    assert all(f"iam::{account}:root" in principals for account in (BETA, GAMMA))


def test_the_newest_images_are_kept_and_signatures_are_not_counted(
    template: dict[str, Any],
) -> None:
    [made] = resources(template, "AWS::ECR::Repository")
    text = made["LifecyclePolicy"]["LifecyclePolicyText"]
    assert '"countNumber":1000' in text
    assert '"tagStatus":"tagged","tagPatternList":["*"]' in text


def test_the_registry_signs_what_is_pushed_to_the_repositories(template: dict[str, Any]) -> None:
    [made] = resources(template, "AWS::Signer::SigningProfile")
    assert made == {
        "PlatformId": "Notation-OCI-SHA384-ECDSA",
        "ProfileName": "dpra_images_2",
        "SignatureValidityPeriod": {"Type": "MONTHS", "Value": 24},
    }
    [configuration] = resources(template, "AWS::ECR::SigningConfiguration")
    [rule] = configuration["Rules"]
    assert ":signer:us-west-2:111111111111:/signing-profiles/dpra_images_2" in str(rule)
    assert rule["RepositoryFilters"] == [{"Filter": "acme/*", "FilterType": "WILDCARD_MATCH"}]


def test_the_repository_and_the_profile_stay(template: dict[str, Any]) -> None:
    kept = [r for r in template["Resources"].values() if r.get("DeletionPolicy") == "Retain"]
    assert {each["Type"] for each in kept} == {
        "AWS::ECR::Repository",
        "AWS::Signer::SigningProfile",
    }


def test_cdk_nag_finds_nothing_of_them(registry: Stack) -> None:
    assert unacknowledged_findings(registry) == []


def verifier(template: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the environment of the function that verifies, and what it may of Amazon ECR."""
    [function] = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if "VerifyArtifacts" in each["FunctionName"]
    ]
    role = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    asking = [each for each in statements if "ecr:" in str(each["Action"])]
    return function["Environment"]["Variables"], asking


def test_the_verifier_may_ask_for_images_of_the_builds_repositories_alone() -> None:
    stack = tools_stack()
    pushes = [
        EcrPush(repository="acme/fruit", signing_profile="dpra_images_1"),
        EcrPush(name="Tools", repository="acme/tools", output="tools"),
    ]
    build = build_stage(stack, actions=[PythonBuild(), Pytest(), Ruff(), SCANS, *pushes])
    environment = DeploymentEnvironment("gamma", account=GAMMA, regions=["us-west-2"])
    gamma = gamma_stage(stack, beta=beta_stage(stack, build=build), environment=environment)
    made = pipeline(stack, last_stage=gamma)
    variables, asking = verifier(template_of(made))
    partition = {"Ref": "AWS::Partition"}

    def joined(*parts: str) -> dict[str, Any]:
        return {"Fn::Join": ["", [parts[0], partition, *parts[1:]]]}

    fruit, tools = (
        joined("arn:", f":ecr:us-west-2:{TOOLS}:repository/acme/{name}")
        for name in ("fruit", "tools")
    )
    assert [(each["Action"], each["Resource"]) for each in asking] == [
        ("ecr:DescribeImages", [fruit, tools]),
        ("ecr:DescribeImageSigningStatus", fruit),
    ]
    assert variables["IMAGES"] == joined(
        '{"acme/fruit": "arn:',
        f':signer:us-west-2:{TOOLS}:/signing-profiles/dpra_images_1", "acme/tools": ""}}',
    )
    assert unacknowledged_findings(made) == []


def test_the_verifier_of_a_pipeline_without_images_may_ask_for_none(
    fruit_api: Synthesized,
) -> None:
    variables, asking = verifier(fruit_api.template)
    assert "IMAGES" not in variables
    assert not asking


def test_the_examples_of_the_document_run() -> None:
    text = (ROOT / "docs" / "artifact-integrity.md").read_text()
    names: dict[str, Any] = {}
    for fence in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(fence, names)
    assert names["PUSH"].signing_profile == names["SIGNATURE"].profile.profile_name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: BuildAction("Push", commands=["make push"], pushes=["acme/fruit"]),  # type: ignore[arg-type]
            "BuildAction \"Push\": pushes=['acme/fruit'] is not a mapping of repositories to "
            'signing profiles; write it like pushes={"acme/fruit": None}',
        ),
        (
            lambda: BuildAction("Push", commands=["make push"], pushes={"acme/fruit": None}),
            'BuildAction "Push": pushes has acme/fruit, and publishes is False; write '
            "publishes=True, so that it runs in the pipeline alone",
        ),
        (
            lambda: repository(repository_name="Acme"),
            "ImageRepository \"Images\": repository_name='Acme' is not the name of an image "
            "repository: 2 to 256 small letters, digits and / . _ -; write it like "
            'repository_name="acme/fruit"',
        ),
        (
            lambda: repository(readers=[]),
            'ImageRepository "Images": readers is empty; give readers at least one',
        ),
        (
            lambda: repository(readers=["2222"]),
            "ImageRepository \"Images\": readers='2222' is not an AWS account id, which is twelve "
            'digits as text; write it like readers="111111111111"',
        ),
        (
            lambda: repository(max_image_count=0),
            'ImageRepository "Images": max_image_count=0 is not a whole number from 1 to 40000; '
            "write it like max_image_count=80",
        ),
        (
            lambda: profile(repositories=["acme/fruit", "Acme"]),
            "ImageSigningProfile \"Signing\": repositories[1]='Acme' is not the name of a "
            'repository, or a pattern of names with *; write it like repositories[1]="acme/*"',
        ),
        (
            lambda: profile(repositories=[f"fruit{each}" for each in range(101)]),
            'ImageSigningProfile "Signing": repositories has 101 names, and 100 are the most; take '
            'a pattern for several, like "acme/*"',
        ),
        (
            lambda: profile(validity_months=136),
            'ImageSigningProfile "Signing": validity_months=136 is not a whole number from 1 to '
            "135; write it like validity_months=80",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        make()
    assert str(refused.value) == message
