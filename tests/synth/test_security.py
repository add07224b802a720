"""Least privilege and secure defaults, in the templates of the whole example."""

import json
from typing import Any

import pytest
from aws_cdk import App

from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import Synthesized, resources
from tests.pipelines import beta_stage, pipeline, template_of, tools_stack

# What grants of aws_cdk write; none of it is written by this library.
GRANTED_BY_CDK = {
    "s3:GetObject*",
    "s3:GetBucket*",
    "s3:List*",
    "s3:DeleteObject*",
    "s3:Abort*",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cdk_nag_finds_nothing_in_the_example(fruit_api: Synthesized) -> None:
    assert unacknowledged_findings(fruit_api.app) == []


@pytest.mark.parametrize("context", [{}, {"@aws-cdk/core:enablePartitionLiterals": True}])
def test_cdk_nag_finds_nothing_whatever_the_feature_flags(context: dict[str, bool]) -> None:
    app = App(context=context)
    made = pipeline(tools_stack(app))
    assert unacknowledged_findings(made) == []


def test_a_wildcard_of_the_team_is_still_found() -> None:
    from aws_cdk import aws_iam as iam

    made = pipeline()
    queues = "arn:aws:sqs:us-west-2:111111111111:*"
    statement = iam.PolicyStatement(actions=["sqs:DeleteQueue"], resources=[queues])
    made.pipeline.add_to_role_policy(statement)
    [finding] = unacknowledged_findings(made)
    assert finding.startswith(f"AwsSolutions-IAM5[Resource::{queues}]")


def test_no_statement_has_a_wildcard_action_but_those_of_cdk_grants(
    fruit_api: Synthesized,
) -> None:
    seen: set[str] = set()
    for template in fruit_api.templates().values():
        for policy in (
            *resources(template, "AWS::IAM::Policy"),
            *resources(template, "AWS::IAM::ManagedPolicy"),
        ):
            for statement in policy["PolicyDocument"]["Statement"]:
                seen.update(each for each in as_list(statement["Action"]) if "*" in each)
    assert seen == GRANTED_BY_CDK


def test_each_bucket_of_the_pipeline_is_encrypted_versioned_tls_only_logged_and_kept(
    fruit_api: Synthesized,
) -> None:
    count = 0
    for path, template in fruit_api.templates().items():
        if path.startswith("assembly-"):
            continue
        policies = json.dumps(resources(template, "AWS::S3::BucketPolicy"))
        for name, resource in template["Resources"].items():
            if resource["Type"] != "AWS::S3::Bucket":
                continue
            properties = resource["Properties"]
            assert resource["DeletionPolicy"] == "Retain"
            assert all(properties["PublicAccessBlockConfiguration"].values())
            [rule] = properties["LifecycleConfiguration"]["Rules"]
            assert rule["ExpirationInDays"] == 365
            assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 365
            assert f'"{name}"' in policies
            [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            algorithm = encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
            if name.startswith("PipelineAccessLogs") or name.startswith("AccessLogs"):
                assert algorithm == "AES256"
                continue
            count += 1
            assert algorithm == "aws:kms"
            assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
            prefix = "evidence/" if name.startswith("PipelineEvidence") else "artifacts/"
            assert properties["LoggingConfiguration"]["LogFilePrefix"] == prefix
        assert policies.count("aws:SecureTransport") == policies.count('"Bucket":')
    # Artifacts and evidence in the pipeline's own region, and artifacts in five more.
    assert count == 2 + 5


def test_each_key_rotates(fruit_api: Synthesized) -> None:
    keys = [
        key
        for template in fruit_api.templates().values()
        for key in resources(template, "AWS::KMS::Key")
    ]
    # The pipeline's and those of its replicas, and one for the logs of each of 13 targets.
    rotating = [key for key in keys if key.get("EnableKeyRotation")]
    assert len(rotating) == 6 + 13
    # Asymmetric keys do not rotate: another generation is another key.
    [signs] = [key for key in keys if key not in rotating]
    assert signs["KeyUsage"] == "SIGN_VERIFY"


def test_each_tool_is_installed_in_a_pinned_version(fruit_api: Synthesized) -> None:
    text = json.dumps(fruit_api.template) + "".join(
        path.read_text() for path in fruit_api.folder.glob("buildspec-*.yaml")
    )
    assert "@latest" not in text
    assert "curl" not in text
    assert "aws-cdk@2.1148.1" in text
    assert "cdk-assets@4.7.3" in text


def test_no_build_is_privileged(fruit_api: Synthesized) -> None:
    projects = resources(fruit_api.template, "AWS::CodeBuild::Project")
    assert projects
    assert not any(project["Environment"]["PrivilegedMode"] for project in projects)


def denials_of(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """Return what policies deny to the role whose logical id begins so."""
    return [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        if any(each["Ref"].startswith(role) for each in policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]


def test_the_pipeline_uses_keys_for_objects_of_s3_alone(fruit_api: Synthesized) -> None:
    [denied] = denials_of(fruit_api.template, "PipelineRole")
    assert denied["Action"] == [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ]
    assert denied["Resource"] == "*"
    assert denied["Condition"] == {"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}


def test_a_pipeline_of_one_region_is_allowed_its_own_key_alone() -> None:
    template = template_of(pipeline(last_stage=beta_stage(tools_stack())))
    [policy] = [
        each
        for each in resources(template, "AWS::IAM::Policy")
        if each["PolicyName"].startswith("PipelineRoleDefaultPolicy")
    ]
    [key] = [
        each["Resource"]
        for each in policy["PolicyDocument"]["Statement"]
        if "kms:Decrypt" in each["Action"]
    ]
    [name, _] = key["Fn::GetAtt"]
    assert name.startswith("PipelineArtifactKey")
    assert denials_of(template, "PipelineRole") == []


def test_publishing_assets_starts_no_build_and_writes_no_other_log(fruit_api: Synthesized) -> None:
    logs, builds = denials_of(fruit_api.template, "PipelineDeploymentAssetsFileRole")
    group = "arn:aws:logs:us-west-2:111111111111:log-group:/aws/codebuild/fruit-api-Assets"
    named, by_default, *streams = logs["NotResource"]
    assert named == group
    assert "PipelineDeploymentAssetsFileAsset" in json.dumps(by_default)
    assert streams[0] == f"{group}:*"
    assert len(streams) == 2
    assert "logs:PutLogEvents" in logs["Action"]
    assert builds["Resource"] == "*"
    assert {"codebuild:StartBuild", "codebuild:CreateReport"} <= set(builds["Action"])


def test_a_pipeline_without_assets_has_no_role_that_publishes_them() -> None:
    template = template_of(pipeline())
    assert denials_of(template, "PipelineDeploymentAssetsFileRole") == []
    assert not any("AssetsFileRole" in name for name in template["Resources"])
