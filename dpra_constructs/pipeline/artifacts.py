"""Where the pipeline keeps its artifacts, in its own region and in those that it deploys to."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs.resource_policies import tls_only

_LOGS = "AccessLogs"
_ARTIFACT_LOGS = "artifacts/"


def artifact_bucket(scope: Construct, key: kms.Key, days: int, account: str) -> s3.Bucket:
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
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    _keep_and_log(scope, resource, days, account)
    return bucket


def keep_replicas(pipeline: codepipeline.Pipeline, days: int, account: str) -> None:
    """Give the bucket that the CDK makes in each other region the same properties."""
    for _, support in sorted(pipeline.cross_region_support.items()):
        made = support.stack.node.find_all()
        buckets = [each for each in made if isinstance(each, s3.CfnBucket)]
        # Two pipelines of one stack share it.
        if len(buckets) > 1:
            continue
        _keep_and_log(support.stack, buckets[0], days, account)
        # The bucket outlives its stack, and is worth nothing without its key.
        for key in made:
            if isinstance(key, kms.CfnKey):
                key.apply_removal_policy(RemovalPolicy.RETAIN)


def _keep_and_log(scope: Construct, resource: s3.CfnBucket, days: int, account: str) -> None:
    # By CloudFormation types and plain values: each bucket, principal, statement and duration of
    # aws_cdk is a call to the jsii kernel, for each region.
    logs_name = _log_bucket(scope, resource.attr_arn, days, account)
    resource.lifecycle_configuration = _retention(days)
    resource.versioning_configuration = s3.CfnBucket.VersioningConfigurationProperty(
        status="Enabled"
    )
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=logs_name, log_file_prefix=_ARTIFACT_LOGS
    )


def _log_bucket(scope: Construct, source_arn: str, days: int, account: str) -> str:
    """Make the bucket of access logs as `s3.Bucket` does, with its logical ids; return its name."""
    place = Construct(scope, _LOGS)
    logs = s3.CfnBucket(
        place,
        "Resource",
        # S3 delivers access logs to no bucket with a key of the customer's.
        bucket_encryption={
            "serverSideEncryptionConfiguration": [
                {"serverSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
            ]
        },
        lifecycle_configuration=_retention(days),
        ownership_controls={"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
        public_access_block_configuration={
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    )
    logs.apply_removal_policy(RemovalPolicy.RETAIN)
    arn, name = logs.attr_arn, logs.ref
    s3.CfnBucketPolicy(
        Construct(place, "Policy"),
        "Resource",
        bucket=name,
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                tls_only(arn),
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logging.s3.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"{arn}/{_ARTIFACT_LOGS}*",
                    "Condition": {
                        "ArnLike": {"aws:SourceArn": source_arn},
                        "StringEquals": {"aws:SourceAccount": account},
                    },
                },
            ],
        },
    )
    return name


def _retention(days: int) -> s3.CfnBucket.LifecycleConfigurationProperty:
    return s3.CfnBucket.LifecycleConfigurationProperty(
        rules=[
            {
                "id": "RollbackHorizon",
                "status": "Enabled",
                "expirationInDays": days,
                "noncurrentVersionExpiration": {"noncurrentDays": days},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            }
        ]
    )
