"""Uploads what was built to JFrog Artifactory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import file_patterns, path_segments
from dpra_constructs.build_actions.curl_upload import bearer, upload
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, needed, option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactoryPublish(TypedAction):
    """Files, uploaded to a local repository of JFrog Artifactory (DPRA-BUILD-PACKAGE).

    Artifactory makes its index of wheels, npm tarballs or Maven artifacts from the files, each by
    the repository's type, and refuses a file whose SHA-256 is another than was sent with it.
    Checked against Artifactory's documentation; its requests were run against a server of the
    tests, not against Artifactory. Source:
    https://jfrog.com/help/r/jfrog-rest-apis/deploy-artifact

    Args:
        url: the address of Artifactory, like `https://acme.jfrog.io/artifactory`.
        repository: the local repository.
        files: paths or patterns of the files.
        token: a reference to an access token that may deploy to the repository.
        directory: the folder in the repository, which for Maven is its layout, like
            `com/acme/fruit/1.0`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> ArtifactoryPublish(url="https://acme.jfrog.io/artifactory", repository="wheels",
    ...     files=["dist/*.whl"], directory="fruit/1.0", inputs=["dist"],
    ...     token=SecretsManagerSecret("acme/artifactory", json_key="token")).name
    'Publish'
    """

    DEFAULT_NAME: ClassVar[str] = "Publish"

    url: str = needed(arguments.https_url("https://acme.jfrog.io/artifactory"))
    repository: str = needed(path_segments)
    files: Sequence[str] = needed(file_patterns)
    token: SecretsManagerSecret | SecureParameter = needed(secret)
    directory: str | None = option(None, arguments.optional(path_segments))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        folder = "/".join(filter(None, [self.url, self.repository, self.directory]))
        put = command(
            '--header "X-Checksum-Sha256: $(sha256sum "$file" | cut -d " " -f 1)" '
            '--upload-file "$file"',
            self.extra_arguments,
        )
        return self.action(
            commands=[
                upload(bearer("ARTIFACTORY_TOKEN"), self.files, f'{put} {folder}/"${{file##*/}}"')
            ],
            secrets={"ARTIFACTORY_TOKEN": self.token},
            meets=[Requirement.BUILD_PACKAGE],
            publishes=True,
        )
