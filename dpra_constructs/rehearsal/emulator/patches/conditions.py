"""What condition keys of a policy are compared with.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ministack.app as app
from ministack.core import iam_evaluator
from ministack.services import iam, s3, signer

_RESOURCE_TAG = "iam:resourcetag/"
_BUCKET = "arn:aws:s3:::"


def secure_transport() -> None:
    """Report plain HTTP on loopback as TLS: every CDK bucket denies `aws:SecureTransport` false."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def resource_tag() -> None:
    """Know `iam:ResourceTag/...`, by which self-mutation finds the bootstrap roles."""

    def tag(key: str, context: Any) -> Any:
        if not key.lower().startswith(_RESOURCE_TAG):
            return None
        *_, account, resource = context.resource_arn.split(":", 5)
        role = iam._roles.get_scoped(account, None, resource.rpartition("/")[2])
        tags = role.get("Tags") if role else None
        name = key[len(_RESOURCE_TAG) :].lower()
        return next((each["Value"] for each in tags or () if each["Key"].lower() == name), None)

    _answer(tag)


def resource_account() -> None:
    """Compare `aws:ResourceAccount` of a bucket with its owner, not with the caller."""

    def owner(key: str, context: Any) -> Any:
        if key.lower() not in ("aws:resourceaccount", "s3:resourceaccount"):
            return None
        if not context.resource_arn.startswith(_BUCKET):
            return None
        bucket = context.resource_arn[len(_BUCKET) :].partition("/")[0]
        return s3._bucket_owner_account(bucket)

    _answer(owner)


def caller_account() -> None:
    """Know `kms:CallerAccount`, by which the key of the CDK bootstrap lets its account in."""

    def account(key: str, context: Any) -> Any:
        return context.principal_account if key.lower() == "kms:calleraccount" else None

    _answer(account)


def principal_role() -> None:
    """Compare `aws:PrincipalArn` of a session with its role, as the service does."""

    def role(key: str, context: Any) -> Any:
        if key.lower() != "aws:principalarn":
            return None
        return role_of_session(context.principal_arn)

    _answer(role)


def profile_version() -> None:
    """Know `signer:ProfileVersion`, by which a policy names one version of a signing profile."""

    def version(key: str, context: Any) -> Any:
        if key.lower() != "signer:profileversion":
            return None
        *_, region, account, resource = context.resource_arn.split(":", 5)
        name = resource.rpartition("/")[2]
        profile = signer._profiles.get_scoped(account, region, name)
        return profile["profileVersion"] if profile else None

    _answer(version)


def role_of_session(arn: str) -> str | None:
    """Return the ARN of the role that an assumed-role session is of; None for another ARN."""
    account, _, name = arn.partition("arn:aws:sts::")[2].partition(":assumed-role/")
    if not name:
        return None
    name = name.partition("/")[0]
    role = iam._roles.get_scoped(account, None, name)
    found: str = role["Arn"] if role else f"arn:aws:iam::{account}:role/{name}"
    return found


def _answer(know: Callable[[str, Any], Any]) -> None:
    """Ask `know` for a key's value first, and MiniStack where it returns None."""
    resolve = iam_evaluator._resolve_condition_key

    def first(key: str, ctx: Any) -> Any:
        known = know(key, ctx)
        return resolve(key, ctx) if known is None else known

    iam_evaluator._resolve_condition_key = first
