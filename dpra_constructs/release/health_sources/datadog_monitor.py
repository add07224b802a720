"""A monitor of Datadog that a bake watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret
from dpra_constructs.release.health_sources.health_source import HealthSource

# https://docs.datadoghq.com/getting_started/site/
_SITES = (
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "uk1.datadoghq.com",
    "us2.ddog-gov.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
)
_MONITOR = arguments.count(1, 2**53)


@dataclass(frozen=True, slots=True)
class DatadogMonitor(HealthSource):
    """A monitor of Datadog, watched in a bake beside `DeploymentHealth` (DPRA-PROD-ROLLBACK).

    A trigger after the deployment fails the bake at once, be it an alert or a warning: Datadog
    keeps one time for both. Without data, muted or in alert since before the deployment, it is
    waited for until `settle` is over. The bake reads it with an application key that needs
    `monitors_read` alone.
    Source: https://docs.datadoghq.com/api/latest/monitors/#get-a-monitors-details

    Args:
        monitor_id: the number in the monitor's address.
        api_key: Datadog's API key, as a `SecretsManagerSecret` of the pipeline's account.
        application_key: Datadog's application key, in the same way.
        site: where the account is, like `datadoghq.eu`.
        group: of a multi alert, the one group that counts, as Datadog names it; without it all.
        name: what messages and metrics call it.
        settle: how long after a deployment it may still show the version before, 5 minutes to 23
            hours; 5 minutes without it. Take the monitor's evaluation window and 2 minutes.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from dpra_constructs.build_actions import SecretsManagerSecret
    >>> DatadogMonitor(1234, api_key=SecretsManagerSecret("acme/datadog", json_key="api"),
    ...     application_key=SecretsManagerSecret("acme/datadog", json_key="app")).page
    'https://app.datadoghq.com/monitors/1234'
    """

    KIND: ClassVar[str] = "datadog"

    monitor_id: int
    _: KW_ONLY
    api_key: SecretsManagerSecret
    application_key: SecretsManagerSecret
    site: str = "datadoghq.com"
    group: str = ""

    def check(self) -> None:
        """Check what it has of its own."""
        _MONITOR(self.where, "monitor_id", self.monitor_id)
        arguments.one_of(self.where, "site", self.site, _SITES)
        if self.group:
            arguments.text(self.where, "group", self.group)

    @property
    def secrets(self) -> Mapping[str, SecretsManagerSecret]:
        """Its tokens."""
        return {"api_key": self.api_key, "application_key": self.application_key}

    @property
    def page(self) -> str:
        """Where a person looks at it."""
        own = "" if self.site.count(".") > 1 else "app."
        return f"https://{own}{self.site}/monitors/{self.monitor_id}"

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the bake's function is told."""
        return {
            "url": f"https://api.{self.site}",
            "monitor": self.monitor_id,
            "page": self.page,
            **({"group": self.group} if self.group else {}),
        }
