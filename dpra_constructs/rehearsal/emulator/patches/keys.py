"""KMS keys across accounts, and under S3 objects.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import kms, s3

from dpra_constructs.rehearsal.emulator.authorization import refusal

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_ALGORITHM_HEADER = "x-amz-server-side-encryption"


def foreign_key() -> None:
    """Find a key in the account that its ARN, or a ciphertext, names, and heed its policy."""
    policy = kms.key_policy_for_arn
    handle = kms.handle_request
    extract = iam_actions._kms_key_id_from_ciphertext

    def key_policy_for_arn(resource_arn: str) -> tuple[str, str] | None:
        account, region = _place(resource_arn)
        with request_scope(account, region):
            found: tuple[str, str] | None = policy(resource_arn)
            return found

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        account, region = _place(_key_of_request(body))
        if region != get_region():
            return await handle(method, path, headers, body, query)
        with request_scope(account, region):
            return await handle(method, path, headers, body, query)

    def key_id_from_ciphertext(ciphertext_b64: str) -> str:
        id: str = extract(ciphertext_b64)
        return _arn_of_id(id) or id

    kms.key_policy_for_arn = key_policy_for_arn
    kms.handle_request = handle_request
    iam_actions._kms_key_id_from_ciphertext = key_id_from_ciphertext


def object_key() -> None:
    """Check `kms:Decrypt` and `kms:GenerateDataKey` on the key of an S3 object, as S3 does.

    Reading an object decrypts; writing one needs a data key, and a part of an upload both.
    """
    handle = s3.handle_request

    async def handle_request(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        *args: Any,
        **options: Any,
    ) -> Any:
        if not options.get("internal"):
            for action, key, bucket in _uses(method, path, headers, query_params):
                message = _key_refusal(action, key, bucket, headers, query_params)
                if message:
                    return s3._error("AccessDenied", message, 403, path)
        return await handle(method, path, headers, body, query_params, *args, **options)

    s3.handle_request = handle_request


def _uses(
    method: str, path: str, headers: dict[str, str], query: dict[str, Any]
) -> list[tuple[str, str, str]]:
    """Return what a request does with keys: action, key, bucket."""
    bucket, key = s3._parse_bucket_key(path, headers)
    if not key:
        return []
    uses = []
    source = headers.get("x-amz-copy-source", "").partition("?")[0]
    if source:
        source_bucket, _, source_key = s3.url_unquote(source).lstrip("/").partition("/")
        uses.append(("kms:Decrypt", _key_of_object(source_bucket, source_key), source_bucket))
    if method == "GET" and not _is_subresource(query):
        uses.append(("kms:Decrypt", _key_of_object(bucket, key), bucket))
    elif (method == "PUT" and not _is_subresource(query)) or "uploads" in query:
        uses.append(("kms:GenerateDataKey", _key_of_write(bucket, headers), bucket))
        if "partNumber" in query:
            uses.append(("kms:Decrypt", _key_of_write(bucket, headers), bucket))
    return [use for use in uses if use[1]]


def _is_subresource(query: dict[str, Any]) -> bool:
    return any(
        name in query
        for name in (
            "acl",
            "tagging",
            "attributes",
            "legal-hold",
            "retention",
            "torrent",
            "uploads",
        )
    )


def _key_of_object(bucket: str, key: str) -> str:
    owner = s3._bucket_owner_account(bucket)
    record = s3._buckets.get_scoped(owner, None, bucket) if owner else None
    found = record["objects"].get(key) if record else None
    stored = (found or {}).get("preserved_headers") or {}
    return stored.get(_KEY_HEADER) or ""


def _key_of_write(bucket: str, headers: dict[str, str]) -> str:
    if headers.get(_ALGORITHM_HEADER):
        return headers.get(_KEY_HEADER, "")
    owner = s3._bucket_owner_account(bucket)
    if not owner:
        return ""
    with request_scope(owner, get_region()):
        stored: dict[str, str] = s3._bucket_default_sse_headers(bucket)
    return stored.get(_KEY_HEADER) or ""


def _key_refusal(
    action: str, key: str, bucket: str, headers: dict[str, str], query: dict[str, Any]
) -> str | None:
    if "alias/aws/" in key:
        return None
    owner = s3._bucket_owner_account(bucket) or get_account_id()
    with request_scope(owner, get_region()):
        region = s3.bucket_region(bucket) or get_region()
    arn = _arn_of(key, region)
    if arn is None:
        return f"the key {key} of {bucket} does not exist, or not in {region}"
    return refusal(
        extract_access_key_id(headers, query),
        action,
        arn,
        {
            "kms:ViaService": f"s3.{region}.amazonaws.com",
            "kms:CallerAccount": get_account_id(),
        },
        region,
    )


def _arn_of(key: str, region: str) -> str | None:
    """Return the ARN of a key that is named by ARN, id or alias."""
    account = _place(key)[0]
    with request_scope(account, region):
        record = kms._resolve_key(key)
    return record["Arn"] if record else None


def _place(arn: str) -> tuple[str, str]:
    """Return the account and region of a key's ARN, the request's where it is none."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] != "kms" or not parts[4].isdigit():
        return get_account_id(), get_region()
    return parts[4], parts[3]


def _key_of_request(body: bytes) -> str:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return ""
    named = data.get("KeyId") or ""
    if not named and data.get("CiphertextBlob"):
        named = iam_actions._kms_key_id_from_ciphertext(data["CiphertextBlob"])
    return named if isinstance(named, str) else ""


def _arn_of_id(id: str) -> str | None:
    """Return the ARN of a key of this region in any account."""
    if not id or kms._keys.get(id):
        return None
    for (_, region, key), record in kms._keys.all_items():
        if key == id and region == get_region():
            arn: str = record["Arn"]
            return arn
    return None
