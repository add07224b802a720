"""The URL that a synthetic test begins with."""

from __future__ import annotations

from urllib.parse import urlsplit

from aws_cdk import Token

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError


def checked_url(where: str, value: object, *, has_secrets: bool) -> str:
    """Return the URL; what it is may be known at deployment only.

    Raises:
        InvalidArgumentError: it is no URL of http: or https:, or secrets would be sent by http:.
    """
    url = arguments.text(where, "base_url", value)
    if Token.is_unresolved(url):
        return url
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc or parts.query or parts.fragment or not url.isascii():
        # Not repeated: it may have a password in it.
        raise InvalidArgumentError(
            where,
            "base_url is not a URL of https: or http: with a host, and without a user, query and "
            "fragment",
            'write it like "https://api.acme.example/v1", and queries in the steps',
        )
    if has_secrets and parts.scheme == "http":
        raise InvalidArgumentError(
            where,
            f"base_url={arguments.shown(url)} is without TLS, and secrets would be sent to it",
            "use https:, or leave the secrets out",
        )
    return url
