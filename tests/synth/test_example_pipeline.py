"""The pipeline of the fruit API, read from its template."""

import re
from typing import Any

import pytest

from tests.conftest import Synthesized, resources

REGIONS = ["us-west-2", "us-east-1", "eu-central-1", "eu-west-1", "ap-south-1", "ap-southeast-2"]


@pytest.fixture
def pipeline(fruit_api: Synthesized) -> dict[str, Any]:
    [pipeline] = resources(fruit_api.template, "AWS::CodePipeline::Pipeline")
    return pipeline


def deployments(pipeline: dict[str, Any], stage: str) -> set[tuple[str, str]]:
    """Return account and region of each deployment action; without one it is the pipeline's."""
    [found] = [each for each in pipeline["Stages"] if each["Name"] == stage]
    return {
        (
            re.findall(r"iam::(\d{12}):role/", str(action["RoleArn"]))[0],
            action.get("Region", REGIONS[0]),
        )
        for action in found["Actions"]
        if action["ActionTypeId"]["Provider"] == "CloudFormation"
    }


def test_it_is_one_v2_pipeline_in_which_the_newest_commit_passes(pipeline: dict[str, Any]) -> None:
    assert pipeline["PipelineType"] == "V2"
    assert pipeline["ExecutionMode"] == "SUPERSEDED"
    assert pipeline["Name"] == "fruit-api"


def test_stages_have_their_names_and_order(pipeline: dict[str, Any]) -> None:
    assert [stage["Name"] for stage in pipeline["Stages"]] == [
        "Source",
        "Build",
        "UpdatePipeline",
        "Assets",
        "Beta",
        "Gamma",
        "Approve-Prod",
        "Prod-one-box",
        "Open-second",
        "Prod-second",
        "Open-rest",
        "Prod-rest",
    ]


@pytest.mark.parametrize(
    ("stage", "account", "regions"),
    [
        ("Beta", "222222222222", REGIONS[:1]),
        ("Gamma", "333333333333", REGIONS),
        ("Prod-one-box", "444444444444", REGIONS[:1]),
        ("Prod-second", "444444444444", REGIONS[1:3]),
        ("Prod-rest", "444444444444", REGIONS[3:]),
    ],
)
def test_each_deployment_is_in_its_account_and_region(
    pipeline: dict[str, Any], stage: str, account: str, regions: list[str]
) -> None:
    assert deployments(pipeline, stage) == {(account, region) for region in regions}


def test_regions_of_a_wave_are_deployed_in_parallel(pipeline: dict[str, Any]) -> None:
    [gamma] = [stage for stage in pipeline["Stages"] if stage["Name"] == "Gamma"]
    orders = {
        action["Configuration"].get("ActionMode", action["Name"]): action["RunOrder"]
        for action in gamma["Actions"]
    }
    assert orders == {
        "Verify-Artifacts": 1,
        "CHANGE_SET_REPLACE": 2,
        "CHANGE_SET_EXECUTE": 3,
        "Bake": 4,
    }


def test_only_a_push_to_the_trunk_starts_it(pipeline: dict[str, Any]) -> None:
    assert pipeline["Triggers"] == [
        {
            "ProviderType": "CodeStarSourceConnection",
            "GitConfiguration": {
                "SourceActionName": "Source",
                "Push": [{"Branches": {"Includes": ["main"]}}],
            },
        }
    ]
    [source] = pipeline["Stages"][0]["Actions"]
    assert source["Configuration"]["DetectChanges"] is False
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"


def test_only_gamma_and_prod_roll_back(pipeline: dict[str, Any]) -> None:
    rolling_back = [
        stage["Name"]
        for stage in pipeline["Stages"]
        if stage.get("OnFailure", {}).get("Result") == "ROLLBACK"
    ]
    assert rolling_back == ["Gamma", "Prod-one-box", "Prod-second", "Prod-rest"]


def test_the_approval_has_topic_link_and_timeout(pipeline: dict[str, Any]) -> None:
    [_, action] = next(s for s in pipeline["Stages"] if s["Name"] == "Approve-Prod")["Actions"]
    assert action["TimeoutInMinutes"] == 24 * 60
    assert action["Configuration"]["ExternalEntityLink"].startswith("https://")
    assert "NotificationArn" in action["Configuration"]


def test_synth_gets_what_the_build_made(pipeline: dict[str, Any]) -> None:
    build = {action["Name"]: action for action in pipeline["Stages"][1]["Actions"]}
    assert {name: action["RunOrder"] for name, action in build.items()} == {
        "SourceLayout": 1,
        "Package": 2,
        "UnitTests": 2,
        "CodeQuality": 2,
        "Secrets": 2,
        "Sast": 2,
        "Sca": 2,
        "Sbom": 3,
        "Synth": 4,
        "Seal": 5,
    }
    [wheel] = build["Package"]["OutputArtifacts"]
    assert wheel in build["Synth"]["InputArtifacts"]
    assert wheel in build["Sbom"]["InputArtifacts"]
    assert build["Sbom"]["OutputArtifacts"]


def test_the_wheel_is_the_code_of_the_function_byte_for_byte(fruit_api: Synthesized) -> None:
    from examples.fruit_api.infrastructure.application import DIST, wheel_in

    [asset] = fruit_api.folder.glob("asset.*.zip")
    assert asset.read_bytes() == wheel_in(DIST).read_bytes()
    nested = [path for path in fruit_api.templates() if path.startswith("assembly-")]
    assert len(nested) == 13
    for path in nested:
        [function] = resources(fruit_api.templates()[path], "AWS::Lambda::Function")
        assert function["Code"]["S3Key"] == asset.name.removeprefix("asset.")
