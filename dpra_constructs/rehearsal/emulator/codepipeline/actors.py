"""Who makes a call: roles, assumed one after the other as the service does it.

Every call goes over HTTP to the emulator's own address, so that its IAM decides.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import botocore.session
from botocore.config import Config

from dpra_constructs.rehearsal.emulator.authorization import is_allowed, trusts_service
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.isolation import SECRET

_CONFIG = Config(
    retries={"total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=900,
    s3={"addressing_style": "path"},
)
_LOCK = threading.Lock()


def endpoint() -> str:
    """Return the emulator's own address."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


@cache
def _session() -> Any:
    return botocore.session.Session()


@lru_cache(maxsize=100)
def _client(service: str, region: str, actor: Actor) -> Any:
    """Make a client once: each keeps connections open, at both ends of this one process."""
    return _session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint(),
        aws_access_key_id=actor.access_key_id,
        aws_secret_access_key=actor.secret_access_key,
        aws_session_token=actor.session_token,
        config=_CONFIG,
    )


def account_of(arn: str) -> str:
    """Return the account in an ARN."""
    return arn.split(":")[4]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """A principal with credentials, working in a region."""

    account: str
    region: str
    access_key_id: str
    secret_access_key: str = SECRET
    session_token: str | None = None
    role_arn: str = ""

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a botocore client of the emulator."""
        # Making clients of one session is not safe in threads; using them is.
        with _LOCK:
            return _client(service, region or self.region, self)

    def assume(self, role_arn: str, session_name: str, region: str | None = None) -> Actor:
        """Assume a role."""
        sts = self.client("sts")
        credentials = sts.assume_role(
            RoleArn=role_arn, RoleSessionName=re.sub(r"[^\w+=,.@-]", "-", session_name)[:64]
        )["Credentials"]
        return Actor(
            account=account_of(role_arn),
            region=region or self.region,
            access_key_id=credentials["AccessKeyId"],
            secret_access_key=credentials["SecretAccessKey"],
            session_token=credentials["SessionToken"],
            role_arn=role_arn,
        )

    def require(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
        """Ask the emulator's IAM for what no call of its services asks for.

        Raises:
            ActionFailedError: the role has no such permission.
        """
        if not is_allowed(self.role_arn, action, resource, context, self.region):
            raise ActionFailedError(
                "PermissionError",
                f"{self.role_arn} is not authorized to perform: {action} on resource: {resource}",
            )

    def environment(self) -> dict[str, str]:
        """Return the variables that make this principal that of a process."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token or "",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": endpoint(),
        }


def root(account: str, region: str) -> Actor:
    """Return the account itself, which stands in for services."""
    return Actor(account=account, region=region, access_key_id=account)


def as_service(principal: str, role_arn: str, session_name: str, region: str) -> Actor:
    """Let a service assume the role that it was given.

    Args:
        principal: `codepipeline.amazonaws.com`; the role has to trust it.

    Raises:
        ActionFailedError: the role does not exist, or does not trust the service.
    """
    require_trust(principal, role_arn)
    return root(account_of(role_arn), region).assume(role_arn, session_name)


def require_trust(principal: str, role_arn: str) -> None:
    """Look whether a role trusts a service; the emulator lets an account's root assume it.

    Raises:
        ActionFailedError: it does not exist, or does not.
    """
    if not trusts_service(role_arn, principal):
        raise ActionFailedError(
            "PermissionError",
            f"{principal} is not authorized to perform: sts:AssumeRole on resource: {role_arn}; "
            "there is no such role, or its trust policy does not name the service",
        )
