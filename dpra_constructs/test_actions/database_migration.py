"""A change of a database's schema before the software is deployed, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

from dpra_constructs import arguments
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.locked_tools import Download, download
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, secret
from dpra_constructs.build_actions.shell import command
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.test_actions.build_network import BuildNetwork
from dpra_constructs.test_actions.deployed_test import DeployedTest

_RUNTIME = Path(__file__).parent / "runtime"
_OUTPUT = arguments.matching(
    r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)?", "the id of a CfnOutput", "DatabaseUrl"
)
_VERSION = arguments.matching(r"\d+(\.\d+)+[\w.+-]*", "a version", "11.8.0")
_SHA256 = arguments.matching(r"[0-9a-f]{64}", "a SHA-256, 64 digits of 0-9 a-f", "0123...")
# The steps that CDK Pipelines has for the stack beside which a migration stands.
_TAKEN = ("Prepare", "Deploy")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tool:
    """A tool: where it is, the variables by which it logs in, and how it migrates."""

    address: str
    variables: tuple[str, str, str]

    @property
    def url(self) -> str:
        return self.variables[0]


_TOOLS = {
    "flyway": _Tool(
        address="https://download.red-gate.com/maven/release/com/redgate/flyway/"
        "flyway-commandline/{version}/flyway-commandline-{version}.tar.gz",
        variables=("FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"),
    ),
    "liquibase": _Tool(
        address="https://github.com/liquibase/liquibase/releases/download/v{version}/"
        "liquibase-{version}.tar.gz",
        variables=(
            "LIQUIBASE_COMMAND_URL",
            "LIQUIBASE_COMMAND_USERNAME",
            "LIQUIBASE_COMMAND_PASSWORD",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class DatabaseMigration:
    """Migrates a database with Liquibase or Flyway, in each region before its software.

    It runs after the stack of the database and before the stacks that depend on that, so the
    database has a stack of its own.

    In a ROLLBACK execution it does nothing: the old software meets the new schema. So every
    change has to go in two releases: one that expands, so that old and new software work with it,
    and one that contracts, when no rollback can bring the old software back any more.

    Not run against a database by this library's tests.
    Source: https://documentation.red-gate.com/flyway and https://docs.liquibase.com

    Args:
        tool: liquibase or flyway.
        changes: Liquibase's changelog file, or Flyway's folder of migrations.
        url_output: the `CfnOutput` of the database's stack that gives the JDBC address.
        access: the id of the application's `DatabaseAccess` (of `dpra_constructs.database`),
            through which it gets the credentials in the environment's account.
        credentials: instead, a secret of the pipeline's account with `username` and `password`.
        version: the tool's version, which is downloaded; needs `sha256`. Without it the tool is
            in the image of `project`.
        sha256: of that version's archive, as the publisher states it.
        network: the VPC to run in, where the database is not on the internet.
        extra_arguments: further arguments of the tool.
        environment: environment variables as text; no secrets, as they stand in the template.
        project: where it runs.
        name: the action's name in the pipeline.

    Raises:
        InvalidArgumentError: a value is not one of those, or it is not exactly one of `access`
            and `credentials`.

    >>> DatabaseMigration("flyway", changes="database/migrations", url_output="DatabaseUrl",
    ...     access="Access", project=CodeBuildProject(image="flyway/flyway:11")).name
    'DatabaseMigration'
    """

    tool: str
    _: KW_ONLY
    changes: str
    url_output: str
    access: str | None = None
    credentials: SecretsManagerSecret | None = None
    version: str | None = None
    sha256: str | None = None
    network: BuildNetwork | None = None
    extra_arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    project: CodeBuildProject | None = None
    name: str = "DatabaseMigration"

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'DatabaseMigration "{self.name}"'
        arguments.name(where, self.name)
        if self.name in _TAKEN:
            raise InvalidArgumentError(
                where,
                f"name={self.name!r} is that of a step of the database's stack",
                'choose another, like name="Migrate"',
            )
        arguments.one_of(where, "tool", self.tool, _TOOLS)
        arguments.relative_path(where, "changes", self.changes)
        _OUTPUT(where, "url_output", self.url_output)
        if (self.credentials is None) == (self.access is None):
            raise InvalidArgumentError(
                where,
                "exactly one of access and credentials is needed",
                'write it like access="Access", the id of a DatabaseAccess of the application, or '
                'credentials=SecretsManagerSecret("fruit/database")',
            )
        if self.credentials is not None:
            secret(where, "credentials", self.credentials)
            if not isinstance(self.credentials, SecretsManagerSecret):
                raise InvalidArgumentError(
                    where,
                    "credentials is a parameter, and a secret with username and password is needed",
                    'write it like credentials=SecretsManagerSecret("fruit/database")',
                )
        else:
            arguments.name(where, self.access, "access")
        arguments.optional(BuildNetwork)(where, "network", self.network)
        arguments.optional(CodeBuildProject)(where, "project", self.project)
        self._check_version(where)
        extra = arguments.texts(where, "extra_arguments", self.extra_arguments)
        object.__setattr__(self, "extra_arguments", extra)
        environment = arguments.plain(where, "environment", self.environment)
        object.__setattr__(self, "environment", environment)

    def _check_version(self, where: str) -> None:
        arguments.optional(_VERSION)(where, "version", self.version)
        arguments.optional(_SHA256)(where, "sha256", self.sha256)
        if (self.version is None) != (self.sha256 is None):
            missing, given = ("sha256", "version") if self.version else ("version", "sha256")
            raise InvalidArgumentError(
                where,
                f"{given} is given, and {missing} is not",
                "give both: the version, and the SHA-256 that its publisher states",
            )
        if self.version is None and not (self.project and self.project.image):
            raise InvalidArgumentError(
                where,
                f"nothing brings {self.tool}: there is no version, and no image that has it",
                'give version="1.2.3" and sha256="...", or '
                'project=CodeBuildProject(image="...") with an image that has the tool',
            )

    @property
    def description(self) -> str:
        """What the pipeline's plan says of it."""
        return f"{self.name} of {self.changes} by {self.tool}"

    def with_credentials(self) -> DeployedTest:
        """Return the action with a secret of the pipeline's account."""
        assert self.credentials is not None  # the caller has asked
        _, user, password = _TOOLS[self.tool].variables
        return self._action(
            self._command,
            secrets={
                user: replace(self.credentials, json_key="username"),
                password: replace(self.credentials, json_key="password"),
            },
        )

    def with_access(
        self, region: str, *, role_arn: str, secret_output: str | None, user: str | None
    ) -> DeployedTest:
        """Return the action with credentials that it gets in the environment's account.

        Args:
            region: the database's region.
            role_arn: of the environment's role that may get them; `{partition}` is filled in.
            secret_output: the id of the `CfnOutput` with the secret's ARN; without it the action
                logs in with IAM.
            user: the database user then.
        """
        rest = role_arn.removeprefix("arn:{partition}:")
        variables = ",".join(_TOOLS[self.tool].variables)
        by_iam = [f"--user={user}"] if user else []
        begin = command(ISOLATED, [f"--region={region}", f"--variables={variables}"], by_iam)
        source = "".join(
            runtime_source(program, _RUNTIME)
            for program in ("environment_cli", "database_credentials")
        )
        # The build knows its partition by its own ARN.
        role = f'--role="arn:$(echo "$CODEBUILD_BUILD_ARN" | cut -d: -f2):{rest}"'
        return self._action(
            here_document(f"{begin} {role} -- {self._command}", source),
            outputs={"DATABASE_ACCESS": secret_output} if secret_output else {},
            permissions=[Permission(actions=["sts:AssumeRole"], resources=[role_arn])],
        )

    @property
    def _command(self) -> str:
        if self.tool == "flyway":
            locations = f"-locations=filesystem:{self.changes}"
            return command("flyway", [locations], self.extra_arguments, ["migrate"])
        return command(
            "liquibase update", [f"--changelog-file={self.changes}"], self.extra_arguments
        )

    def _action(
        self,
        migrate: str,
        *,
        outputs: Mapping[str, str] | None = None,
        permissions: Sequence[Permission] = (),
        secrets: Mapping[str, SecretsManagerSecret] | None = None,
    ) -> DeployedTest:
        tool = _TOOLS[self.tool]
        install = []
        if self.version and self.sha256:
            address = tool.address.format(version=self.version)
            install.append(download(self.tool, {"*": Download(address, self.sha256)}))
            # The archive of Flyway has one folder, with the program in it.
            install.append('export PATH="$(echo "$folder"/*/):$folder:$PATH"')
        return DeployedTest(
            migrate,
            name=self.name,
            install=install,
            outputs={tool.url: self.url_output, **(outputs or {})},
            environment=self.environment,
            secrets=secrets or {},
            permissions=permissions,
            runtime_versions={} if self.project and self.project.image else {"java": "corretto21"},
            project=self.project,
        )
