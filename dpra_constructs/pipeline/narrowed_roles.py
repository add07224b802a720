"""Denies what aws_cdk lets the pipeline's roles do beyond their jobs.

CDK Pipelines writes some statements before the resources have names, and so for all resources of
the account. A denial beside them holds whatever is granted, in which policy ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam

from dpra_constructs.pipeline.permissions import Statement

_LOGGING = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_REPORTS = [
    "codebuild:BatchPutCodeCoverages",
    "codebuild:BatchPutTestCases",
    "codebuild:CreateReport",
    "codebuild:CreateReportGroup",
    "codebuild:UpdateReport",
]
_BATCHES = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
_KEY_USE = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]


def narrow_pipeline_role(pipeline: codepipeline.Pipeline) -> None:
    """Let the pipeline's role use keys for objects of S3 alone.

    The keys of the other regions have no ARN that the stack could name, so that the CDK allows
    every key. Of S3's objects, the role reads and writes those of the artifact buckets alone.
    Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    if pipeline.cross_region_support:
        outside = {"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}
        statement = _deny(_KEY_USE, Resource="*", Condition=outside)
        pipeline.add_to_role_policy(iam.PolicyStatement.from_json(statement))


def narrow_assets_role(scope: pipelines.CodePipeline, log_group: str) -> None:
    """Let the build that publishes assets write to its own log group, and start no other build.

    Args:
        scope: the pipeline, after it is built.
        log_group: the name of the group that the build is told to write to.
    """
    assets = scope.node.try_find_child("Assets")
    role = assets.node.try_find_child("FileRole") if assets else None
    # A pipeline without assets publishes none.
    if not assets or not role:
        return
    project = assets.node.find_child("FileAsset")
    # Made by CDK Pipelines.
    assert isinstance(role, iam.Role)
    assert isinstance(project, codebuild.Project)
    stack = Stack.of(scope)
    arn = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:"
    # The second is what CodeBuild calls it unless it is told, as other builds may write to.
    groups = [f"{arn}{log_group}", f"{arn}/aws/codebuild/{project.project_name}"]
    # A policy of its own: this role drops statements about actions that it has already.
    iam.CfnPolicy(
        role,
        "Denied",
        policy_name="Denied",
        roles=[role.role_name],
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                _deny(_LOGGING, NotResource=[*groups, *(f"{each}:*" for each in groups)]),
                # Starting any build means running any command under the role of any project.
                _deny([*_BATCHES, *_REPORTS], Resource="*"),
            ],
        },
    )


def _deny(actions: Sequence[str], **rest: object) -> Statement:
    return {"Effect": "Deny", "Action": list(actions), **rest}
