"""The problems that Dynatrace finds, as a bake watches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.health_sources.health_source import HealthSource

_EXAMPLE = "https://abc12345.live.dynatrace.com"
_environment_url = arguments.https_url(_EXAMPLE)


@dataclass(frozen=True, slots=True)
class DynatraceProblems(HealthSource):
    """Problems of Dynatrace, watched in a bake beside `DeploymentHealth` (DPRA-PROD-ROLLBACK).

    A problem that begins after the deployment fails the bake at once. One that is open since
    before it is waited for until `settle` is over. The bake reads them with a token that needs
    `problems.read` alone.
    Source: https://docs.dynatrace.com/docs/dynatrace-api/environment-api/problems-v2

    Args:
        environment_url: of the Dynatrace environment, without `/api`.
        api_token: the access token, as a `SecretsManagerSecret` of the pipeline's account.
        entity_selector: whose problems count, like `type(SERVICE),tag("app:fruit")`. Needed, as
            an environment has the problems of all teams.
        problem_selector: which problems count, like `severityLevel("ERROR")`, without `status`;
            without it all.
        name: what messages and metrics call it.
        settle: how long after a deployment it may still show the version before, 5 minutes to 23
            hours; 5 minutes without it.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from dpra_constructs.build_actions import SecretsManagerSecret
    >>> DynatraceProblems("https://abc12345.live.dynatrace.com",
    ...     api_token=SecretsManagerSecret("acme/dynatrace"),
    ...     entity_selector='type(SERVICE),tag("app:fruit")').name
    'DynatraceProblems'
    """

    KIND: ClassVar[str] = "dynatrace"

    environment_url: str
    _: KW_ONLY
    api_token: SecretsManagerSecret
    entity_selector: str
    problem_selector: str = ""

    def check(self) -> None:
        """Check what it has of its own."""
        url = _environment_url(self.where, "environment_url", self.environment_url)
        if url.endswith(("/api", "/api/v2")):
            raise InvalidArgumentError(
                self.where,
                f"environment_url={self.environment_url!r} is more than the environment's address",
                f'write it like environment_url="{_EXAMPLE}"',
            )
        object.__setattr__(self, "environment_url", url)
        arguments.text(self.where, "entity_selector", self.entity_selector)
        if "status(" in self.problem_selector.lower():
            raise InvalidArgumentError(
                self.where,
                f"problem_selector={self.problem_selector!r} has a status, and the bake asks for "
                "open and for new problems by itself",
                "leave the status out",
            )

    @property
    def secrets(self) -> Mapping[str, SecretsManagerSecret]:
        """Its token."""
        return {"api_token": self.api_token}

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the bake's function is told."""
        return {
            "url": self.environment_url,
            "page": f"{self.environment_url}/#problems",
            "entity_selector": self.entity_selector,
            **({"problem_selector": self.problem_selector} if self.problem_selector else {}),
        }
