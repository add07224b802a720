"""Bucket policies across accounts, and how a bucket encrypts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3
from ministack.services.cloudformation import provisioners

_KMS = "aws:kms"
_ALGORITHM_HEADER = "x-amz-server-side-encryption"
_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_EVALUATED = ("Allow", "Deny")


def foreign_bucket() -> None:
    """Evaluate another account's bucket policy for the calling role, not for its account's root."""
    allows = s3._foreign_bucket_allows

    def foreign_bucket_allows(
        owner_account: str,
        bucket_name: str,
        key: str,
        method: str,
        query_params: dict[str, Any],
        caller: str,
        headers: dict[str, str] | None = None,
    ) -> bool:
        if caller:
            decision = _decision(
                owner_account, bucket_name, key, method, query_params, caller, headers
            )
            if decision in _EVALUATED:
                return decision == "Allow"
        granted: bool = allows(
            owner_account, bucket_name, key, method, query_params, caller, headers
        )
        return granted

    s3._foreign_bucket_allows = foreign_bucket_allows


def bucket_encryption() -> None:
    """Encrypt as a bucket's template says, which was dropped, and with S3's own key without one."""
    handlers: Any = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    for step in ("create", "update"):
        handlers[step] = _encrypting(handlers[step])
    resolve = s3._resolve_sse_write_headers

    def resolve_sse_write_headers(headers: dict[str, str], bucket_name: str) -> Any:
        if headers.get(_ALGORITHM_HEADER) == _KMS and not headers.get(_KEY_HEADER):
            own = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
            headers = {**headers, _KEY_HEADER: own}
        return resolve(headers, bucket_name)

    s3._resolve_sse_write_headers = resolve_sse_write_headers


def _encrypting(provision: Callable[..., Any]) -> Callable[..., Any]:
    def encrypt(id: str, *properties: Any, **more: Any) -> Any:
        # Creating gets the properties and the stack, updating the old ones before.
        new = properties[-2]
        name, attributes = provision(id, *properties, **more)
        rules = (new.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration") or ()
        defaults = [rule.get("ServerSideEncryptionByDefault") for rule in rules]
        if defaults and defaults[0]:
            s3._bucket_encryption[name] = _encryption_text(defaults[0])
        else:
            s3._bucket_encryption.pop(name, None)
        return name, attributes

    return encrypt


def _encryption_text(default: dict[str, str]) -> str:
    key = default.get("KMSMasterKeyID")
    return (
        '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<Rule><ApplyServerSideEncryptionByDefault>"
        f"<SSEAlgorithm>{escape(default['SSEAlgorithm'])}</SSEAlgorithm>"
        f"{f'<KMSMasterKeyID>{escape(key)}</KMSMasterKeyID>' if key else ''}"
        "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    )


def _decision(
    owner: str,
    bucket: str,
    key: str,
    method: str,
    query: dict[str, Any],
    caller: str,
    headers: dict[str, str] | None,
) -> str:
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    if not policy:
        return "ImplicitDeny"
    path = f"/{bucket}/{key}" if key else f"/{bucket}"
    default = "GetObject" if method in ("GET", "HEAD") else "PutObject"
    action = f"s3:{iam_actions._s3_action(method, path, query) or default}"
    with request_scope(owner, get_region()):
        service_context = iam_actions.s3_service_context(action, query, path, headers or {})
    # The headers of a copy are those of its destination, which the same caller writes.
    principal = (
        iam_evaluator.request_caller_arn(headers, query) if headers else iam_evaluator.caller_arn()
    )
    resource = f"arn:aws:s3:::{bucket}"
    context = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole" if ":assumed-role/" in principal else "Root",
        principal_account=caller,
        action=action,
        resource_arn=f"{resource}/{key}" if key else resource,
        region=get_region(),
        service_context={name.lower(): value for name, value in service_context.items()},
    )
    decision: str = iam_evaluator.evaluate_resource_policy(policy, context).decision
    return decision
