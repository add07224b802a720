"""Uploads what was built to Sonatype Nexus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import file_patterns, path_segments
from dpra_constructs.build_actions.curl_upload import upload, user_and_password
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class NexusPublish(TypedAction):
    """Packages, uploaded to a hosted repository of Sonatype Nexus 3 (DPRA-BUILD-PACKAGE).

    Checked against Nexus' documentation; its requests were run against a server of the tests, not
    against Nexus. Source: https://help.sonatype.com/en/components-api.html

    Args:
        url: the address of Nexus.
        repository: the hosted repository.
        format: pypi for wheels, npm for tarballs, maven2 or raw, as the repository is.
        files: paths or patterns of the files; with maven2 of the `.pom` files, each with a `.jar`
            of the same name beside it.
        username: a reference to the user's name, or to the name part of a user token.
        password: a reference to the password, or to the pass code of a user token.
        directory: for raw, the folder in the repository.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> token = SecretsManagerSecret("acme/nexus", json_key="token")
    >>> NexusPublish(url="https://nexus.acme.example", repository="wheels", format="pypi",
    ...     files=["dist/*.whl"], username=token, password=token, inputs=["dist"]).name
    'Publish'
    """

    DEFAULT_NAME: ClassVar[str] = "Publish"

    url: str = needed(arguments.https_url("https://nexus.acme.example"))
    repository: str = needed(path_segments)
    format: str = needed(arguments.choice("pypi", "npm", "maven2", "raw"))
    files: Sequence[str] = needed(file_patterns)
    username: SecretsManagerSecret | SecureParameter = needed(secret)
    password: SecretsManagerSecret | SecureParameter = needed(secret)
    directory: str | None = option(None, arguments.optional(path_segments))

    def check(self) -> None:
        """Refuse a folder where the format makes it, and the want of one where it does not."""
        if (self.format == "raw") != (self.directory is not None):
            raise InvalidArgumentError(
                self.where,
                f"format={self.format!r} and directory={self.directory!r} do not go together",
                'give a directory for raw, like directory="fruit/1.0", and none for the others',
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        forms = {
            "pypi": ['"pypi.asset=@$file"'],
            "npm": ['"npm.asset=@$file"'],
            "maven2": [
                *('"maven2.asset1=@$file"', "maven2.asset1.extension=pom"),
                *('"maven2.asset2=@${file%.pom}.jar"', "maven2.asset2.extension=jar"),
            ],
            "raw": [
                *(f"raw.directory=/{self.directory}", '"raw.asset1=@$file"'),
                '"raw.asset1.filename=${file##*/}"',
            ],
        }[self.format]
        address = f"{self.url}/service/rest/v1/components?repository={self.repository}"
        arguments = " ".join(f"--form {form}" for form in forms)
        return self.action(
            commands=[
                upload(
                    user_and_password("NEXUS_USERNAME", "NEXUS_PASSWORD"),
                    self.files,
                    command(arguments, self.extra_arguments, [address]),
                )
            ],
            secrets={"NEXUS_USERNAME": self.username, "NEXUS_PASSWORD": self.password},
            meets=[Requirement.BUILD_PACKAGE],
            publishes=True,
        )
