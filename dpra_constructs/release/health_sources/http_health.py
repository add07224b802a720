"""Any monitor behind an HTTP address of the team, as a bake watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret
from dpra_constructs.release.health_sources.health_source import HealthSource

_url = arguments.https_url("https://health.acme.example/fruit", query=True)


@dataclass(frozen=True, slots=True)
class HttpHealth(HealthSource):
    """Any other monitor, behind an address of the team, watched in a bake (DPRA-PROD-ROLLBACK).

    The bake asks `GET <url>?since=<milliseconds since 1970>` with the header
    `Authorization: Bearer <token>`, and the answer is JSON:
    `{"state": "OK", "reason": "no errors", "alarmed_at": null}`. The `state` is OK, ALARM or
    INSUFFICIENT_DATA; `alarmed_at` is when it first went into ALARM after `since`, in milliseconds
    since 1970, or null. Any other answer counts as unreadable.

    Args:
        url: an address of https, which may have a query.
        token: as a `SecretsManagerSecret` of the pipeline's account.
        name: what messages and metrics call it.
        settle: how long after a deployment it may still show the version before, 5 minutes to 23
            hours; 5 minutes without it.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from dpra_constructs.build_actions import SecretsManagerSecret
    >>> HttpHealth("https://health.acme.example/fruit",
    ...     token=SecretsManagerSecret("acme/health"), name="Grafana").name
    'Grafana'
    """

    KIND: ClassVar[str] = "http"

    url: str
    _: KW_ONLY
    token: SecretsManagerSecret

    def check(self) -> None:
        """Check what it has of its own."""
        object.__setattr__(self, "url", _url(self.where, "url", self.url))

    @property
    def secrets(self) -> Mapping[str, SecretsManagerSecret]:
        """Its token."""
        return {"token": self.token}

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the bake's function is told."""
        return {"url": self.url, "page": self.url}
