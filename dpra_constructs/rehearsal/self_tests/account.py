"""The accounts that self-tests work in, and their principals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client

# Accounts that no rehearsed app has: their ids are AWS's examples for documentation.
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "111122223333"
REGION = "us-east-1"
HERE = Place(ACCOUNT, REGION)
OTHER = Place(OTHER_ACCOUNT, REGION)

_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")

_FAILED = 500

Statement = Mapping[str, object]


def policy(*statements: Statement) -> str:
    """Return a policy of statements, each `Allow` where it does not say otherwise."""
    whole = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def trust(account: str = ACCOUNT, service: str = "", **condition: object) -> str:
    """Return the policy by which an account, or a service, may assume a role."""
    principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{account}:root"}
    return policy({"Action": "sts:AssumeRole", "Principal": principal, **condition})


def role(endpoint: str, place: Place, name: str, *statements: Statement, **more: Any) -> str:
    """Create a role that its account may assume; return its ARN."""
    iam = client("iam", endpoint, place)
    created = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=more.pop("trust", None) or trust(place.account),
        **more,
    )
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy(*statements))
    arn: str = created["Role"]["Arn"]
    return arn


def assume(endpoint: str, place: Place, arn: str, by: Mapping[str, str] | None = None) -> Any:
    """Return the credentials of a role, assumed by a place's account or by other credentials."""
    sts = client("sts", endpoint, place, by)
    return sts.assume_role(RoleArn=arn, RoleSessionName="self-test")["Credentials"]


def session(
    endpoint: str, place: Place, name: str, *statements: Statement, **more: Any
) -> Callable[..., Any]:
    """Create a role and return how to make clients of it, by service."""
    credentials = assume(endpoint, place, role(endpoint, place, name, *statements, **more))

    def make(service: str, region: str = place.region) -> Any:
        return client(service, endpoint, Place(place.account, region), credentials)

    return make


def allowed(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether a call is not refused by IAM; that what it asks for is missing counts as allowed.

    Raises:
        ClientError: the emulator itself failed.
    """
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAILED:
            raise
        return error.response["Error"]["Code"] not in _DENIED
    return True
