"""S3 deploy: puts an artifact, or the files in it, into a bucket.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html
"""

from __future__ import annotations

import io
import mimetypes
import zipfile

from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError

_EXTRACT = {"true": True, "false": False}


def _deploy(context: ActionContext) -> Result:
    configuration = context.configuration
    extract = _EXTRACT.get(configuration["Extract"].lower())
    if extract is None:
        raise ActionFailedError(
            "ConfigurationError", f"Extract is {configuration['Extract']}, not true or false"
        )
    key = configuration.get("ObjectKey", "")
    [name] = context.action.inputs
    body = context.read(name)
    if not extract:
        if not key:
            raise ActionFailedError(
                "ConfigurationError", "ObjectKey is needed when Extract is false"
            )
        _put(context, key, body)
        return Result(summary=f"Deployed {key}")
    prefix = f"{key.strip('/')}/" if key else ""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        for entry in files:
            _put(context, prefix + entry.filename, archive.read(entry))
    return Result(summary=f"Deployed {len(files)} files")


def _put(context: ActionContext, key: str, body: bytes) -> None:
    configuration = context.configuration
    options = {}
    if acl := configuration.get("CannedACL"):
        options["ACL"] = acl
    if cache_control := configuration.get("CacheControl"):
        options["CacheControl"] = cache_control
    if kms_key := configuration.get("KMSEncryptionKeyARN"):
        options |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
    content_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
    bucket = configuration["BucketName"]
    context.actor.client("s3").put_object(
        Bucket=bucket, Key=key, Body=body, ContentType=content_type, **options
    )
    context.note(f"s3://{bucket}/{key}")


S3 = ActionType(
    run=_deploy,
    keys=frozenset(
        {
            *("BucketName", "Extract", "ObjectKey", "CannedACL", "CacheControl"),
            "KMSEncryptionKeyARN",
        }
    ),
    required=frozenset({"BucketName", "Extract"}),
)
