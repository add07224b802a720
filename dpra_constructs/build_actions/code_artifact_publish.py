"""Publishes packages to AWS CodeArtifact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import file_patterns
from dpra_constructs.build_actions.locked_tools import pip_install
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

# https://maven.apache.org/plugins/maven-deploy-plugin/deploy-file-mojo.html
_DEPLOY = "org.apache.maven.plugins:maven-deploy-plugin:3.1.4:deploy-file"
# https://docs.aws.amazon.com/codeartifact/latest/APIReference/API_CreateDomain.html
_DOMAIN = arguments.matching(
    r"[a-z][a-z0-9-]{0,48}[a-z0-9]", "a domain: 2 to 50 small letters, digits and hyphens", "acme"
)
_REPOSITORY = arguments.matching(
    r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}",
    "a repository: 2 to 100 letters, digits and . _ -",
    "releases",
)
_PACKAGE = re.compile(r"([A-Za-z0-9._-]+/)?[A-Za-z0-9._-]+")


def _account(where: str, argument: str, value: object) -> str:
    arguments.account_id(where, value, argument)
    return str(value)


def _packages(where: str, argument: str, values: object) -> tuple[str, ...]:
    checked = arguments.some_texts(where, argument, values)
    for value in checked:
        if not _PACKAGE.fullmatch(value):
            raise InvalidArgumentError(
                where,
                f"{argument} has {value!r}, which is not the name of a package",
                "write it like fruit-api, or with its scope or group like acme/fruit-api (without "
                "@) or com.acme/fruit-api",
            )
    arguments.unique(where, argument, checked)
    return checked


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeArtifactPublish(TypedAction):
    """Packages, published to AWS CodeArtifact (DPRA-BUILD-PACKAGE).

    Its role may publish the named packages alone. The token is asked for by the build, holds for
    it alone, and stands on no command line. Checked against the documentation of AWS and the
    tools, not run. Source: https://docs.aws.amazon.com/codeartifact/latest/ug/using-python.html

    Args:
        domain: the domain.
        repository: the repository in the pipeline's region.
        format: pypi for wheels (published by twine), npm for tarballs, or maven.
        files: paths or patterns of the files; with maven of the `.pom` files, each with a `.jar`
            of the same name beside it.
        packages: names of the packages that may be published; with their scope (without `@`) or
            group like `com.acme/fruit`.
        domain_owner: the account that owns the domain; without it the pipeline's.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> action = CodeArtifactPublish(domain="acme", repository="releases", format="pypi",
    ...     files=["dist/*.whl"], packages=["fruit-api"], inputs=["dist"])
    >>> action.to_build_action().permissions[2].resources
    ('arn:{partition}:codeartifact:{region}:{account}:package/acme/releases/pypi//fruit-api',)
    """

    DEFAULT_NAME: ClassVar[str] = "Publish"

    domain: str = needed(_DOMAIN)
    repository: str = needed(_REPOSITORY)
    format: str = needed(arguments.choice("maven", "npm", "pypi"))
    files: Sequence[str] = needed(file_patterns)
    packages: Sequence[str] = needed(_packages)
    domain_owner: str | None = option(None, arguments.optional(_account))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        owner = ["--domain-owner", self.domain_owner] if self.domain_owner else []
        token = command(
            "aws codeartifact get-authorization-token --domain",
            [self.domain, *owner, "--query", "authorizationToken", "--output", "text"],
        )
        endpoint = command(
            "aws codeartifact get-repository-endpoint --domain",
            [self.domain, *owner, "--repository", self.repository, "--format", self.format],
            ["--query", "repositoryEndpoint", "--output", "text"],
        )
        publish = {"pypi": self._twine, "npm": self._npm, "maven": self._maven}[self.format]()
        script = [
            "( set -eu",
            f'CODEARTIFACT_AUTH_TOKEN="$({token})"',
            "export CODEARTIFACT_AUTH_TOKEN",
            f'endpoint="$({endpoint})"',
            *publish,
            ")",
        ]
        return self.action(
            install=[pip_install("twine")] if self.format == "pypi" else [],
            commands=["\n".join(script)],
            permissions=self._permissions(),
            meets=[Requirement.BUILD_PACKAGE],
            publishes=True,
        )

    def _twine(self) -> list[str]:
        upload = "python -m twine upload --non-interactive --disable-progress-bar"
        return [
            'export TWINE_USERNAME=aws TWINE_PASSWORD="$CODEARTIFACT_AUTH_TOKEN"',
            f'{command(upload, self.extra_arguments)} --repository-url "$endpoint" '
            f"{' '.join(self.files)}",
        ]

    def _npm(self) -> list[str]:
        # ./ as npm reads dist/fruit.tgz as a repository on GitHub.
        publish = (
            'npm publish "./$file" --ignore-scripts --registry "$endpoint" --userconfig "$config"'
        )
        # npm itself reads the token from the environment: the file has the variable's name.
        line = "//%s:_authToken=${CODEARTIFACT_AUTH_TOKEN}\\n"
        return [
            *_temporary_file(),
            f'printf \'{line}\' "${{endpoint#*://}}" >"$config"',
            *self._each_file(command(publish, self.extra_arguments)),
        ]

    def _maven(self) -> list[str]:
        deploy = (
            'mvn --batch-mode --no-transfer-progress --strict-checksums --settings "$config" '
            f'{_DEPLOY} -DrepositoryId=codeartifact -Durl="$endpoint" -DpomFile="$file" '
            '-Dfile="${file%.pom}.jar"'
        )
        # Maven itself reads the token from the environment: the file has the variable's name.
        return [
            *_temporary_file(),
            "cat >\"$config\" <<'SETTINGS'",
            "<settings><servers><server><id>codeartifact</id><username>aws</username>"
            "<password>${env.CODEARTIFACT_AUTH_TOKEN}</password></server></servers></settings>",
            "SETTINGS",
            *self._each_file(command(deploy, self.extra_arguments)),
        ]

    def _each_file(self, publish: str) -> list[str]:
        return [
            f"for file in {' '.join(self.files)}; do",
            """  [ -f "$file" ] || { echo "no file matches $file" >&2; exit 1; }""",
            f"  {publish}",
            "done",
        ]

    def _permissions(self) -> list[Permission]:
        account = self.domain_owner or "{account}"
        arn = f"arn:{{partition}}:codeartifact:{{region}}:{account}"
        place = f"{self.domain}/{self.repository}"
        packages = [each if "/" in each else f"/{each}" for each in self.packages]
        return [
            Permission(
                actions=["codeartifact:GetAuthorizationToken"],
                resources=[f"{arn}:domain/{self.domain}"],
            ),
            Permission(
                actions=["codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository"],
                resources=[f"{arn}:repository/{place}"],
            ),
            Permission(
                actions=["codeartifact:PublishPackageVersion", "codeartifact:PutPackageMetadata"],
                resources=[f"{arn}:package/{place}/{self.format}/{each}" for each in packages],
            ),
            Permission(
                actions=["sts:GetServiceBearerToken"],
                resources=["*"],
                reason="CodeArtifact's token is made by STS, which knows no resource for it",
                # As AWS's own policy AWSCodeArtifactAdminAccess has it.
                conditions={"StringEquals": {"sts:AWSServiceName": ["codeartifact.amazonaws.com"]}},
            ),
        ]


def _temporary_file() -> list[str]:
    return ['config="$(mktemp)"', """trap 'rm -f "$config"' EXIT"""]
