"""Where evidence is kept, for how long, and who may write it."""

import json
import re
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from dpra_constructs import DeploymentPipeline
from dpra_constructs.pipeline.evidence import EvidenceRetention, EvidenceStore
from tests.conftest import resources
from tests.pipelines import UNSIGNED, beta_stage, build_stage, pipeline, template_of, tools_stack

ANY_EXECUTION = "????????-????-????-????-????????????"


def small(**arguments: Any) -> DeploymentPipeline:
    stack = tools_stack()
    return pipeline(stack, last_stage=beta_stage(stack), **arguments)


def rules(made: DeploymentPipeline) -> list[tuple[str, int]]:
    resource = made.evidence_bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    lifecycle = Stack.of(made).resolve(resource.lifecycle_configuration)
    return [(rule["id"], rule["expirationInDays"]) for rule in lifecycle["rules"]]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(small(evidence_retention=Duration.days(3_650)))


def buckets(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        re.sub(r"[0-9A-F]{8}$", "", name): resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::S3::Bucket"
    }


def kept(bucket: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [
        (
            rule["Id"],
            rule["ExpirationInDays"],
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"],
        )
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    ]


def writers(template: dict[str, Any]) -> dict[str, list[str]]:
    """Return what each role may write below executions/, by the beginning of its policy's name."""
    found: dict[str, list[str]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Policy":
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            text = json.dumps(statement)
            if "Evidence" in text:
                assert statement["Action"] == "s3:PutObject", name
                _, [bucket, key] = statement["Resource"]["Fn::Join"]
                assert bucket["Fn::GetAtt"][0].startswith("PipelineEvidence")
                found.setdefault(name.partition("RoleDefaultPolicy")[0], []).append(key)
    return found


def test_evidence_is_kept_for_its_own_time_and_artifacts_for_theirs(
    template: dict[str, Any],
) -> None:
    found = buckets(template)
    assert kept(found["PipelineEvidence"]) == [("EvidenceRetention", 3_650, 3_650)]
    assert kept(found["PipelineArtifacts"]) == [("RollbackHorizon", 365, 365)]
    assert "ObjectLockEnabled" not in found["PipelineEvidence"]
    assert found["PipelineEvidence"]["LoggingConfiguration"]["LogFilePrefix"] == "evidence/"


def test_a_build_may_write_its_own_evidence_and_nothing_else(template: dict[str, Any]) -> None:
    own = f"/executions/fruit/{ANY_EXECUTION}"
    assert writers(template) == {
        "PipelineBuildCodeQuality": [f"{own}/fruit-Build-CodeQuality/*"],
        "PipelineBuildUnitTests": [f"{own}/fruit-Build-UnitTests/*"],
        "PipelineSeal": [f"{own}/fruit-Build-Seal/*"],
    }


def test_builds_with_evidence_are_told_the_bucket_and_the_execution(
    template: dict[str, Any],
) -> None:
    addresses = {
        project["Name"]: each["Value"]
        for project in resources(template, "AWS::CodeBuild::Project")
        for each in project["Environment"].get("EnvironmentVariables", ())
        if each["Name"] == "DPRA_EVIDENCE"
    }
    assert addresses.keys() == {
        f"fruit-Build-{name}" for name in ("UnitTests", "CodeQuality", "Seal")
    }
    for address in addresses.values():
        _, [bucket, prefix] = address["Fn::Join"]
        assert bucket["Ref"].startswith("PipelineEvidence")
        assert prefix == "/executions/fruit"
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    told = {
        action["Name"]
        for stage in made["Stages"]
        for action in stage["Actions"]
        if "DPRA_EXECUTION" in str(action["Configuration"].get("EnvironmentVariables", ""))
    }
    assert told == {
        *("UnitTests", "CodeQuality", "Seal"),
        # They ask whether this is a rollback.
        *("IntegrationTest", "AcceptanceTest"),
    }


def test_a_build_that_failed_keeps_its_reports_too(template: dict[str, Any]) -> None:
    [tests] = [
        project
        for project in resources(template, "AWS::CodeBuild::Project")
        if project.get("Name") == "fruit-Build-UnitTests"
    ]
    [command] = json.loads(tests["Source"]["BuildSpec"])["phases"]["post_build"]["commands"]
    assert "-path ./reports/junit.xml" in command


def test_evidence_is_kept_as_long_as_a_release_can_be_rolled_back_to() -> None:
    made = small(rollback_horizon=Duration.days(730))
    assert rules(made) == [("EvidenceRetention", 730)]
    made = small(rollback_horizon=Duration.days(90))
    assert rules(made) == [("EvidenceRetention", 365)]


@pytest.mark.parametrize("mode", list(s3.ObjectLockMode))
def test_a_lock_holds_evidence_for_its_retention(mode: s3.ObjectLockMode) -> None:
    stack = tools_stack()
    EvidenceStore(stack, kms.Key(stack, "Key"), "fruit", EvidenceRetention(400, mode))
    template = stack.node.root.synth().stacks[0].template  # type: ignore[attr-defined]
    [bucket] = resources(template, "AWS::S3::Bucket")
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Days": 400, "Mode": mode.name}},
    }


def test_without_a_seal_reports_are_kept_still() -> None:
    stack = tools_stack()
    build = build_stage(stack, waivers=UNSIGNED)
    template = template_of(pipeline(stack, last_stage=beta_stage(stack, build=build)))
    assert set(writers(template)) == {"PipelineBuildCodeQuality", "PipelineBuildUnitTests"}
