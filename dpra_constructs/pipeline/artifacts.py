"""Where the pipeline keeps its artifacts, in its own region and in those that it deploys to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs.private_bucket import PRIVATE_BUCKET
from dpra_constructs.resource_policies import tls_only

_LOGS = "AccessLogs"
ARTIFACT_LOGS = "artifacts/"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the versions of a bucket's objects are kept: the rule's name, and the days."""

    rule: str
    days: int


def horizon(days: int) -> Retention:
    """Return the retention of artifacts and access logs: the rollback horizon."""
    return Retention("RollbackHorizon", days)


def kept_bucket(
    scope: Construct, id: str, key: kms.Key, lock: s3.ObjectLockRetention | None = None
) -> s3.Bucket:
    """Make a bucket that is encrypted, TLS only, and outlives its stack."""
    return s3.Bucket(
        scope,
        id,
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        object_lock_default_retention=lock,
        removal_policy=RemovalPolicy.RETAIN,
    )


def keep_and_log(
    scope: Construct, account: str, log_days: int, kept: Mapping[str, tuple[s3.Bucket, Retention]]
) -> None:
    """Have buckets versioned, logged to one bucket, and kept as long as they say.

    Args:
        scope: of the bucket of access logs.
        account: of all.
        log_days: how long access logs are kept.
        kept: each bucket, by the prefix of its logs.
    """
    made: dict[str, tuple[s3.CfnBucket, Retention]] = {}
    for prefix, (bucket, retention) in kept.items():
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        made[prefix] = resource, retention
    _keep_and_log(scope, account, log_days, made)


def keep_replicas(pipeline: codepipeline.Pipeline, days: int, account: str) -> None:
    """Give the bucket that the CDK makes in each other region the same properties."""
    for _, support in sorted(pipeline.cross_region_support.items()):
        made = support.stack.node.find_all()
        buckets = [each for each in made if isinstance(each, s3.CfnBucket)]
        # Two pipelines of one stack share it.
        if len(buckets) > 1:
            continue
        kept = {ARTIFACT_LOGS: (buckets[0], horizon(days))}
        _keep_and_log(support.stack, account, days, kept)
        # The bucket outlives its stack, and is worth nothing without its key.
        for key in made:
            if isinstance(key, kms.CfnKey):
                key.apply_removal_policy(RemovalPolicy.RETAIN)


def _keep_and_log(
    scope: Construct,
    account: str,
    log_days: int,
    kept: Mapping[str, tuple[s3.CfnBucket, Retention]],
) -> None:
    # By CloudFormation types and plain values: each bucket, principal, statement and duration of
    # aws_cdk is a call to the jsii kernel, for each region.
    sources = {prefix: resource.attr_arn for prefix, (resource, _) in kept.items()}
    logs_name = _log_bucket(scope, sources, log_days, account)
    for prefix, (resource, retention) in kept.items():
        resource.lifecycle_configuration = _lifecycle(retention)
        resource.versioning_configuration = s3.CfnBucket.VersioningConfigurationProperty(
            status="Enabled"
        )
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=logs_name, log_file_prefix=prefix
        )


def _log_bucket(scope: Construct, sources: Mapping[str, str], days: int, account: str) -> str:
    """Make the bucket of access logs as `s3.Bucket` does, with its logical ids; return its name.

    Args:
        scope: of the bucket.
        sources: the ARNs of the buckets that are logged, by the prefix of their logs.
        days: how long logs are kept.
        account: of all.
    """
    place = Construct(scope, _LOGS)
    logs = s3.CfnBucket(
        place,
        "Resource",
        # S3 delivers access logs to no bucket with a key of the customer's.
        **PRIVATE_BUCKET,
        lifecycle_configuration=_lifecycle(horizon(days)),
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
                *(
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "logging.s3.amazonaws.com"},
                        "Action": "s3:PutObject",
                        "Resource": f"{arn}/{prefix}*",
                        "Condition": {
                            "ArnLike": {"aws:SourceArn": source},
                            "StringEquals": {"aws:SourceAccount": account},
                        },
                    }
                    for prefix, source in sources.items()
                ),
            ],
        },
    )
    return name


def _lifecycle(retention: Retention) -> s3.CfnBucket.LifecycleConfigurationProperty:
    return s3.CfnBucket.LifecycleConfigurationProperty(
        rules=[
            {
                "id": retention.rule,
                "status": "Enabled",
                "expirationInDays": retention.days,
                "noncurrentVersionExpiration": {"noncurrentDays": retention.days},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            }
        ]
    )
