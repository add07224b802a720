"""Bucket policies across accounts."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region, request_scope
from ministack.services import s3

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
