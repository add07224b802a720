"""Statements of the policies that buckets and keys have themselves, as IAM writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def tls_only(bucket_arn: str) -> dict[str, Any]:
    """Return the statement that denies a bucket to requests without TLS."""
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def for_log_groups(region: str, log_groups: str | Sequence[str]) -> dict[str, Any]:
    """Return the statement that lets CloudWatch Logs encrypt log groups with a key.

    Args:
        region: of the groups and the key.
        log_groups: patterns of the groups' ARNs.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:DescribeKey",
        ],
        # In a key's own policy it stands for the key.
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    }
