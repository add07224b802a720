"""Buckets and KMS keys, in one account and across two."""

from __future__ import annotations

from typing import Any

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import (
    ACCOUNT,
    HERE,
    OTHER,
    OTHER_ACCOUNT,
    Statement,
    allowed,
    policy,
    session,
)

_S3 = {"Action": "s3:*", "Resource": "*"}


def secure_transport(endpoint: str) -> bool:
    """A bucket that denies plain HTTP can be used."""
    name = "dpra-secure-transport"
    _bucket(
        endpoint,
        name,
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )
    return allowed(session(endpoint, HERE, name, _S3)("s3").list_objects_v2, Bucket=name)


def resource_account(endpoint: str) -> bool:
    """A role that may use its own account's buckets only may not use another account's."""
    name = "dpra-resource-account"
    _bucket(
        endpoint,
        name,
        {
            "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{name}",
        },
    )
    own_only = {"Condition": {"StringEquals": {"aws:ResourceAccount": OTHER_ACCOUNT}}}
    s3 = session(endpoint, OTHER, name, {**_S3, **own_only})("s3")
    return not allowed(s3.list_objects_v2, Bucket=name)


def caller_account(endpoint: str) -> bool:
    """A key whose policy lets in what its account lets in is used by a role of the account."""
    of_account = {"StringEquals": {"kms:CallerAccount": ACCOUNT}}
    use = {"Action": "kms:*", "Resource": "*"}
    key = client("kms", endpoint, HERE).create_key(
        Policy=policy({**use, "Principal": {"AWS": "*"}, "Condition": of_account})
    )["KeyMetadata"]["Arn"]
    kms = session(endpoint, HERE, "dpra-caller-account", use)("kms")
    return allowed(kms.encrypt, KeyId=key, Plaintext=b"a")


def key_alias(endpoint: str) -> bool:
    """A key is used by its alias with a permission for the key."""
    key = _key(endpoint, f"arn:aws:iam::{ACCOUNT}:root")
    client("kms", endpoint, HERE).create_alias(AliasName="alias/dpra", TargetKeyId=key)
    use = {"Action": "kms:Encrypt", "Resource": key}
    kms = session(endpoint, HERE, "dpra-key-alias", use)("kms")
    return allowed(kms.encrypt, KeyId="alias/dpra", Plaintext=b"a")


def foreign_bucket(endpoint: str) -> bool:
    """A bucket policy that names a role of another account lets in that role only."""
    name = "dpra-foreign-bucket"
    named = session(endpoint, OTHER, "dpra-named", _S3)("s3")
    unnamed = session(endpoint, OTHER, "dpra-unnamed", _S3)("s3")
    _bucket(
        endpoint,
        name,
        {
            "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:role/dpra-named"},
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{name}",
        },
    )
    return allowed(named.list_objects_v2, Bucket=name) and not allowed(
        unnamed.list_objects_v2, Bucket=name
    )


def foreign_key(endpoint: str) -> bool:
    """A key's policy lets in a role of another account, and only the one it names."""
    decrypt = {"Action": "kms:*", "Resource": "*"}
    named = session(endpoint, OTHER, "dpra-key-named", decrypt)("kms")
    unnamed = session(endpoint, OTHER, "dpra-key-unnamed", decrypt)("kms")
    key = _key(endpoint, f"arn:aws:iam::{OTHER_ACCOUNT}:role/dpra-key-named")
    text = client("kms", endpoint, HERE).encrypt(KeyId=key, Plaintext=b"a")["CiphertextBlob"]
    return allowed(named.decrypt, CiphertextBlob=text, KeyId=key) and not allowed(
        unnamed.decrypt, CiphertextBlob=text, KeyId=key
    )


def object_key(endpoint: str) -> bool:
    """Objects under a key are written and read with permissions for the key only."""
    name = "dpra-object-key"
    s3 = client("s3", endpoint, HERE)
    s3.create_bucket(Bucket=name)
    key = _key(endpoint, f"arn:aws:iam::{ACCOUNT}:root")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    use = {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key}
    may = session(endpoint, HERE, "dpra-may-use", _S3, use)("s3")
    may_not = session(endpoint, HERE, "dpra-may-not-use", _S3)("s3")
    return (
        allowed(may.put_object, Bucket=name, Key="a", Body=b"a")
        and allowed(may.get_object, Bucket=name, Key="a")
        and not allowed(may_not.put_object, Bucket=name, Key="a", Body=b"a")
        and not allowed(may_not.get_object, Bucket=name, Key="a")
    )


def _bucket(endpoint: str, name: str, statement: Statement) -> None:
    s3 = client("s3", endpoint, HERE)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=policy(statement))


def _key(endpoint: str, principal: str) -> str:
    owner = {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", principal]}
    created: Any = client("kms", endpoint, HERE).create_key(
        Policy=policy({"Principal": owner, "Action": "kms:*", "Resource": "*"})
    )
    arn: str = created["KeyMetadata"]["Arn"]
    return arn
