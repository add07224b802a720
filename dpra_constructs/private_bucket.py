"""What every bucket has that is made by its CloudFormation type, with keys of Amazon S3's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Properties of `s3.CfnBucket`: encrypted, nothing public, and no object of another owner.
PRIVATE_BUCKET: Mapping[str, Any] = MappingProxyType(
    {
        "bucket_encryption": {
            "serverSideEncryptionConfiguration": [
                {"serverSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
            ]
        },
        "ownership_controls": {"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
        "public_access_block_configuration": {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    }
)
