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


# What would make an AWS SDK or the CDK CLI act as somebody.
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
# Where the emulator would listen and what it would call itself.
_HOSTS = ("BIND_HOST", "MINISTACK_HOST")


def refuse_ambient_credentials(environment: Mapping[str, str]) -> None:
    """Refuse to start where variables carry credentials or choose a profile.

    Nothing of them would reach what a rehearsal starts; but a command that is meant for AWS and
    one that is meant for the emulator must not be typed in the same shell.

    Raises:
        RehearsalError: such a variable is set; the message says which, and how to run without.
    """
    found = [name for name in _CREDENTIALS if environment.get(name)]
    if found:
        without = " ".join(f"-u {name}" for name in found)
        raise RehearsalError(
            f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} set, and a rehearsal runs "
            f"where no AWS account can be reached; run it without: env {without} dpra rehearse"
        )


def refuse_other_hosts(environment: Mapping[str, str]) -> None:
    """Refuse to serve the emulator to other machines: it gives all rights to who asks.

    Raises:
        RehearsalError: an address to listen on is not certainly of this machine.
    """
    for name in _HOSTS:
        host = environment.get(name, "")
        if not is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
            raise RehearsalError(
                f"{name}={host} is no loopback address, and the emulator serves this machine "
                f"only; set {name}=127.0.0.1"
            )


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
