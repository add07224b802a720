"""Keeps a rehearsal away from AWS: nothing of the caller's credentials reaches what it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from dpra_constructs.errors import RehearsalError
from dpra_constructs.isolation import without_aws

# Any text does: the emulator takes the account from the key id and checks no signature.
SECRET = "rehearsal"


def refuse_other_endpoints(environment: Mapping[str, str]) -> None:
    """Refuse to start where a variable sends AWS calls to another machine.

    Raises:
        RehearsalError: an `AWS_ENDPOINT_URL` variable is not a loopback address.
    """
    for name, value in sorted(environment.items()):
        if name.startswith("AWS_ENDPOINT_URL") and value and not is_loopback(value):
            raise RehearsalError(
                f"{name}={value} is not on this machine, and a rehearsal must not leave it; "
                f"unset {name}"
            )


def is_loopback(url: str) -> bool:
    """Whether an address is certainly on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def child_environment(
    *, endpoint: str | None = None, account: str = "", region: str = ""
) -> dict[str, str]:
    """Return the environment for a process: the caller's, without anything that reaches AWS.

    Args:
        endpoint: the emulator's address; without it the process gets no credentials at all.
        account: used as the access key id, from which the emulator takes the account.
        region: the process's default region.

    Raises:
        RehearsalError: the endpoint is not a loopback address.
    """
    environment = without_aws(os.environ)
    if endpoint:
        if not is_loopback(endpoint):
            raise RehearsalError(f"the emulator's address {endpoint} is not on this machine")
        environment |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
    return environment
