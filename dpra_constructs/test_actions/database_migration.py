"""A change of a database's schema before the software is deployed, as a value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, secret
from dpra_constructs.errors import InvalidArgumentError

_TOOLS = ("flyway", "liquibase")
_OUTPUT = arguments.matching(
    r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)?", "the id of a CfnOutput", "DatabaseUrl"
)


@dataclass(frozen=True, slots=True)
class DatabaseMigration:
    """Migrates a database with Liquibase or Flyway, before the software of its region.

    In a ROLLBACK execution it does nothing: the old software meets the new schema. So every
    change has to go in two releases: one that expands, so that old and new software work with it,
    and one that contracts, when no rollback can bring the old software back any more.

    Args:
        tool: liquibase or flyway.
        changes: Liquibase's changelog file, or Flyway's folder of migrations.
        url_output: the `CfnOutput` that gives the JDBC address, of a stack that is there before.
        credentials: a secret with `username` and `password`.
        iam_authentication: log in with IAM instead, as this database user.
        name: the action's name in the pipeline.

    Raises:
        InvalidArgumentError: a value is not one of those, or it is not exactly one of
            `credentials` and `iam_authentication`.

    >>> DatabaseMigration("flyway", changes="database/migrations", url_output="DatabaseUrl",
    ...     credentials=SecretsManagerSecret("fruit/database")).name
    'DatabaseMigration'
    """

    tool: str
    _: KW_ONLY
    changes: str
    url_output: str
    credentials: SecretsManagerSecret | None = None
    iam_authentication: str | None = None
    name: str = "DatabaseMigration"

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'DatabaseMigration "{self.name}"'
        arguments.name(where, self.name)
        arguments.one_of(where, "tool", self.tool, _TOOLS)
        arguments.relative_path(where, "changes", self.changes)
        _OUTPUT(where, "url_output", self.url_output)
        if (self.credentials is None) == (self.iam_authentication is None):
            raise InvalidArgumentError(
                where,
                "exactly one of credentials and iam_authentication is needed",
                'write it like credentials=SecretsManagerSecret("fruit/database"), or '
                'iam_authentication="migrator"',
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
            arguments.text(where, "iam_authentication", self.iam_authentication)

    @property
    def description(self) -> str:
        """What the pipeline's plan says of it."""
        return f"{self.name} of {self.changes} by {self.tool}"
