"""A run of a pipeline of Spinnaker, as a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers.api_deployment import ApiDeployment
from dpra_constructs.other_deployers.external_deployment import in_place

_gate_url = arguments.https_url("https://gate.acme.example")


@dataclass(frozen=True, slots=True)
class SpinnakerPipeline(ApiDeployment):
    """Deploys with a pipeline of Spinnaker, after a region's stacks and before its tests.

    Starts the pipeline with the commit as a parameter and waits until it has succeeded; anything
    else fails the stage, which then rolls back. In a rollback, and in a retry, the commit says
    what is deployed: the old one again.
    Source: https://spinnaker.io/docs/reference/api/

    Args:
        gate_url: the address of Spinnaker's Gate.
        application: the name of the application.
        pipeline: the name of the pipeline, which is enabled and takes the parameters.
        token: for Gate, sent as `Authorization: Bearer`, as a reference to a secret.
        parameters: of the pipeline; in the values `{commit}` stands for the first 12 digits of
            the commit, `{environment}` and `{region}` for the target's. One of them has to have
            the commit. The pipeline gets `dpra_execution` too, by which a retry finds its run.
        name: the action's name in the pipeline.
        timeout: how long the run may take, 1 minute to 7 hours, in whole minutes; one that takes
            longer is cancelled, and fails. 30 minutes without it.
        network: the VPC to run in, where Gate is not on the internet.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from dpra_constructs.build_actions import SecretsManagerSecret
    >>> SpinnakerPipeline("https://gate.acme.example", application="fruit", pipeline="deploy",
    ...     token=SecretsManagerSecret("acme/spinnaker"),
    ...     parameters={"tag": "{commit}", "region": "{region}"}).name
    'SpinnakerPipeline'
    """

    PROGRAM: ClassVar[str] = "spinnaker"
    KEY: ClassVar[str] = "SPINNAKER_TOKEN"

    gate_url: str
    _: KW_ONLY
    application: str
    pipeline: str
    token: SecretsManagerSecret | SecureParameter
    parameters: Mapping[str, str] = field(hash=False)

    def check(self) -> None:
        """Check what it has of its own."""
        url = _gate_url(self.where, "gate_url", self.gate_url)
        object.__setattr__(self, "gate_url", url)
        arguments.text(self.where, "application", self.application)
        arguments.text(self.where, "pipeline", self.pipeline)
        secret(self.where, "token", self.token)
        parameters = arguments.plain(self.where, "parameters", self.parameters)
        if not any("{commit}" in value for value in parameters.values()):
            raise InvalidArgumentError(
                self.where,
                "no parameter has the commit, so that a rollback could not name the old one",
                'give one, like parameters={"tag": "{commit}"}',
            )
        object.__setattr__(self, "parameters", parameters)

    @property
    def key(self) -> SecretsManagerSecret | SecureParameter:
        """The token of Gate."""
        return self.token

    def options(self, target: DeploymentTarget) -> list[str]:
        """Return what the program is told."""
        given = {name: in_place(value, target) for name, value in self.parameters.items()}
        return [
            f"--url={self.gate_url}",
            f"--application={self.application}",
            f"--pipeline={self.pipeline}",
            f"--parameters={json.dumps(given, sort_keys=True)}",
        ]
