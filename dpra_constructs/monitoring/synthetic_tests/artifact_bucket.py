"""The bucket to which the synthetic tests of a stack write what they saw."""

from __future__ import annotations

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_s3 as s3

from dpra_constructs.private_bucket import PRIVATE_BUCKET
from dpra_constructs.resource_policies import tls_only

#: How long it is kept.
EXPIRY_DAYS = 31
_ID = "SyntheticTestArtifacts"


def artifact_bucket(stack: Stack) -> s3.CfnBucket:
    """Return the bucket of a stack; the first test makes it.

    It stays when the stack is removed, as a bucket that is not empty cannot be, and is empty
    `EXPIRY_DAYS` later.
    """
    if isinstance(found := stack.node.try_find_child(_ID), s3.CfnBucket):
        return found
    bucket = s3.CfnBucket(
        stack,
        _ID,
        **PRIVATE_BUCKET,
        lifecycle_configuration={
            "rules": [
                {
                    "id": "Expiry",
                    "status": "Enabled",
                    "expirationInDays": EXPIRY_DAYS,
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                }
            ]
        },
    )
    bucket.apply_removal_policy(RemovalPolicy.RETAIN)
    s3.CfnBucketPolicy(
        stack,
        f"{_ID}Policy",
        bucket=bucket.ref,
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                tls_only(bucket.attr_arn),
            ],
        },
    )
    Validations.of(bucket).acknowledge(
        Acknowledgment(
            id="AwsSolutions-S1",
            reason="It keeps for a month what canaries saw; only their roles write to it, under "
            "their own names.",
        )
    )
    return bucket
