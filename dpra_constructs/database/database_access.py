"""How the migrations of a deployed target log in to its database."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import ArnFormat, CfnOutput, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.runtime import names
from dpra_constructs.target_constructs import first_of_target, role_of_pipeline

_OF_STAGE = "_dpra_database_access"


class DatabaseAccess(Construct):
    """Lets the pipeline's `DatabaseMigration` log in to one database, and do nothing else.

    A role in the target's account that may read one secret, or log in as one database user with
    IAM. All of a target share the role, and stand in one stack.

    Args:
        scope: the database's stack, in the target's account and region.
        id: the construct's id, by which `DatabaseMigration` names it: 1 to 40 letters, digits and
            hyphens.
        target: what the pipeline deploys to, as the application got it.
        secret: a secret with `username` and `password`, as Amazon RDS makes it.
        user: instead, a database user that logs in with IAM; needs `resource_id`.
        resource_id: the resource id of the instance or cluster, like `instance_resource_id` of
            `aws_rds`.

    Raises:
        InvalidArgumentError: an argument is not one of those, it is not exactly one of `secret`
            and `user`, or another access of the target has the id or stands in another stack.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        secret: secretsmanager.ISecret | None = None,
        user: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.name(where, id, "id")
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        if (secret is None) == (user is None) or (user is None) != (resource_id is None):
            raise InvalidArgumentError(
                where,
                "exactly one of secret, and user with resource_id, is needed",
                'write it like secret=database.secret, or user="migrator", '
                "resource_id=database.instance_resource_id",
            )
        if secret is not None and not hasattr(secret, "secret_arn"):
            raise InvalidArgumentError(
                where,
                f"secret is of type {type(secret).__name__}, which is no secret",
                "write it like secret=database.secret",
            )
        if user is not None:
            arguments.text(where, "user", user)
            arguments.text(where, "resource_id", resource_id)
        stage, stack = Stage.of(scope), Stack.of(scope)
        others = self.of(stage)
        first = first_of_target(where, id, stack, others, "that a target has")
        super().__init__(scope, id)
        setattr(stage, _OF_STAGE, {**others, id: self})
        #: The database user that logs in with IAM, or None.
        self.user = user
        #: The id of the output that gives the secret's ARN to the pipeline, or None.
        self.secret_output_id = f"{id}SecretArn" if secret else None
        #: The role through which the pipeline logs in to the target's databases.
        self.role: iam.Role = first.role if first else _role(self, stack, target)
        if secret and self.secret_output_id:
            CfnOutput(self, self.secret_output_id, value=secret.secret_arn)
            secret.grant_read(self.role)
        else:
            self.role.add_to_policy(
                iam.PolicyStatement(
                    actions=["rds-db:connect"],
                    resources=[
                        stack.format_arn(
                            service="rds-db",
                            resource="dbuser",
                            resource_name=f"{resource_id}/{user}",
                            arn_format=ArnFormat.COLON_RESOURCE_NAME,
                        )
                    ],
                )
            )

    @staticmethod
    def of(stage: Stage | None) -> Mapping[str, DatabaseAccess]:
        """Return what a `cdk.Stage` has, by the ids."""
        found: Mapping[str, DatabaseAccess] = getattr(stage, _OF_STAGE, {})
        return found


def _role(scope: Construct, stack: Stack, target: DeploymentTarget) -> iam.Role:
    pipeline = target.pipeline
    place = (pipeline.name, target.environment, target.region)
    return iam.Role(
        scope,
        "Role",
        role_name=names.database_role_name(*place),
        description=f"Lets the migrations of the pipeline {pipeline.name} log in",
        assumed_by=role_of_pipeline(stack.partition, target, names.migration_role_name(*place)),
    )
