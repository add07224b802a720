"""A deployment by Octopus Deploy, as a value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
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

_COMMIT = "{commit}"

_server_url = arguments.https_url("https://acme.octopus.app")


@dataclass(frozen=True, slots=True)
class OctopusDeployment(ApiDeployment):
    """Deploys a release with Octopus Deploy, after a region's stacks and before its tests.

    Creates the release of the commit, where it is not there yet, deploys it to the environment
    and waits until it has succeeded; anything else fails the stage, which then rolls back. In a
    rollback, and in a retry, the commit says which release: the old one is deployed again.
    Projects that deploy by tenant are not supported.
    Source: https://octopus.com/docs/octopus-rest-api

    Args:
        server_url: the address of the server.
        space: the name of the space.
        project: the name of the project.
        environment: the name of the environment, in which `{environment}` and `{region}` stand
            for the target's.
        api_key: of a service account that may create releases and deployments in this project, as
            a reference to a secret.
        release_version: the release's version, in which `{commit}` stands for the first 12
            digits of the commit.
        package_version: the version of the packages that the build stage has published; without
            it the newest that the channel allows, which is wrong in a rollback: leave it out
            only where a process has no packages.
        channel: the name of the channel; without it the project's default.
        name: the action's name in the pipeline.
        timeout: how long the deployment may take, 1 minute to 7 hours, in whole minutes; one that
            takes longer is cancelled, and fails. 30 minutes without it.
        network: the VPC to run in, where the server is not on the internet.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from dpra_constructs.build_actions import SecretsManagerSecret
    >>> OctopusDeployment("https://acme.octopus.app", space="Default", project="fruit",
    ...     environment="Production", api_key=SecretsManagerSecret("acme/octopus"),
    ...     package_version="1.0.0-g{commit}").release_version
    '0.0.0-g{commit}'
    """

    PROGRAM: ClassVar[str] = "octopus"
    KEY: ClassVar[str] = "OCTOPUS_API_KEY"

    server_url: str
    _: KW_ONLY
    space: str
    project: str
    environment: str
    api_key: SecretsManagerSecret | SecureParameter
    release_version: str = "0.0.0-g{commit}"
    package_version: str = ""
    channel: str = ""

    def check(self) -> None:
        """Check what it has of its own."""
        url = _server_url(self.where, "server_url", self.server_url)
        object.__setattr__(self, "server_url", url)
        for argument in ("space", "project", "environment"):
            arguments.text(self.where, argument, getattr(self, argument))
        secret(self.where, "api_key", self.api_key)
        for argument in ("release_version", "package_version"):
            version = getattr(self, argument)
            if argument == "package_version" and version == "":
                continue
            if not isinstance(version, str) or _COMMIT not in version:
                raise InvalidArgumentError(
                    self.where,
                    f"{argument}={version!r} is the same for every commit, so that a rollback "
                    "could not name the old one",
                    f'put {{commit}} into it, like {argument}="0.0.0-g{{commit}}"',
                )

    @property
    def key(self) -> SecretsManagerSecret | SecureParameter:
        """The key of the server."""
        return self.api_key

    def options(self, target: DeploymentTarget) -> list[str]:
        """Return what the program is told."""
        return [
            f"--url={self.server_url}",
            f"--space={self.space}",
            f"--project={self.project}",
            f"--environment={in_place(self.environment, target)}",
            f"--version={self.release_version}",
            *([f"--package-version={self.package_version}"] if self.package_version else []),
            *([f"--channel={self.channel}"] if self.channel else []),
        ]
