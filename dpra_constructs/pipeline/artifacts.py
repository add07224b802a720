"""Where the pipeline keeps its artifacts, in its own region and in those that it deploys to."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_ARTIFACT_LOGS = "artifacts/"


def artifact_bucket(scope: Construct, key: kms.Key, days: int) -> s3.Bucket:
    """Make the artifact bucket: encrypted, versioned, TLS only, logged, kept for `days`."""
    bucket = s3.Bucket(
        scope,
        "Artifacts",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    _keep_and_log(scope, bucket, _retention(days))
    return bucket


def keep_replicas(pipeline: codepipeline.Pipeline, days: int) -> None:
    """Give the bucket that the CDK makes in each other region the same properties."""
    rule = _retention(days)
    for _, support in sorted(pipeline.cross_region_support.items()):
        # Two pipelines of one stack share it.
        if support.stack.node.try_find_child("AccessLogs"):
            continue
        bucket = support.replication_bucket
        assert isinstance(bucket, s3.Bucket)  # made by the CDK, and typed by its interface
        _keep_and_log(support.stack, bucket, rule)


def _keep_and_log(scope: Construct, bucket: s3.Bucket, rule: s3.LifecycleRule) -> None:
    logs = _log_bucket(scope, rule)
    logs.add_to_resource_policy(_log_delivery(Stack.of(scope), bucket, logs))
    bucket.add_lifecycle_rule(
        id=rule.id,
        expiration=rule.expiration,
        noncurrent_version_expiration=rule.noncurrent_version_expiration,
        abort_incomplete_multipart_upload_after=rule.abort_incomplete_multipart_upload_after,
    )
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.versioning_configuration = s3.CfnBucket.VersioningConfigurationProperty(
        status="Enabled"
    )
    # Not by the bucket's own property: what that does depends on a feature flag of the app.
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=logs.bucket_name, log_file_prefix=_ARTIFACT_LOGS
    )


def _log_bucket(scope: Construct, rule: s3.LifecycleRule) -> s3.Bucket:
    return s3.Bucket(
        scope,
        "AccessLogs",
        # S3 delivers access logs to no bucket with a key of the customer's.
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[rule],
        removal_policy=RemovalPolicy.RETAIN,
    )


def _retention(days: int) -> s3.LifecycleRule:
    # One for all regions: each Duration is a call to the jsii kernel.
    horizon = Duration.days(days)
    return s3.LifecycleRule(
        id="RollbackHorizon",
        expiration=horizon,
        noncurrent_version_expiration=horizon,
        abort_incomplete_multipart_upload_after=Duration.days(7),
    )


def _log_delivery(stack: Stack, source: s3.IBucket, logs: s3.Bucket) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
        actions=["s3:PutObject"],
        resources=[logs.arn_for_objects(f"{_ARTIFACT_LOGS}*")],
        conditions={
            "ArnLike": {"aws:SourceArn": source.bucket_arn},
            "StringEquals": {"aws:SourceAccount": stack.account},
        },
    )
