"""Finds what migrations need in the deployed application: the database's stack, and access."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack, Stage, pipelines

from dpra_constructs.database import DatabaseAccess
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.runtime import names
from dpra_constructs.test_actions import DatabaseMigration, DeployedTest


class Migrations:
    """The migrations of one target, by the stack of the database after which they run."""

    def __init__(self) -> None:
        self._of_stacks: dict[Stack, list[pipelines.Step]] = {}
        self._waited_for: list[tuple[DatabaseMigration, Stack]] = []

    def add(self, migration: DatabaseMigration, stack: Stack, step: pipelines.Step) -> None:
        """Add one; those of a stack run in their order."""
        steps = self._of_stacks.setdefault(stack, [])
        if steps:
            step.add_step_dependency(steps[-1])
        steps.append(step)
        self._waited_for.append((migration, stack))

    @property
    def stack_steps(self) -> list[pipelines.StackSteps]:
        """What CDK Pipelines is told."""
        return [
            pipelines.StackSteps(stack=stack, post=steps)
            for stack, steps in self._of_stacks.items()
        ]

    def check(self, deployment: pipelines.StageDeployment) -> None:
        """Refuse migrations for which no software waits."""
        for migration, stack in self._waited_for:
            require_waiting_software(migration, stack, deployment)


def in_target(
    migration: DatabaseMigration, target: DeploymentTarget, application: Stage
) -> DeployedTest:
    """Return the action that migrates in one target.

    Raises:
        InvalidArgumentError: the application has no such access.
    """
    if migration.access is None:
        return migration.with_credentials()
    access = _access(migration, target, application)
    role = names.database_role_name(target.pipeline.name, target.environment, target.region)
    return migration.with_access(
        target.region,
        role_arn=names.role_arn("{partition}", target.account, role),
        secret_output=access.secret_output_id,
        user=access.user,
    )


def role_name(target: DeploymentTarget) -> str:
    """Return the name of the role of a target's migrations."""
    return names.migration_role_name(target.pipeline.name, target.environment, target.region)


def stack_of_database(
    migration: DatabaseMigration, target: DeploymentTarget, application: Stage, url: CfnOutput
) -> Stack:
    """Return the stack after which a migration runs.

    Raises:
        InvalidArgumentError: the access stands in another stack.
    """
    stack = Stack.of(url)
    if migration.access is not None:
        access = _access(migration, target, application)
        if Stack.of(access) is not stack:
            raise InvalidArgumentError(
                f'DatabaseMigration "{migration.name}"',
                f"its access {access.node.path} does not stand in the stack of the database, "
                f"{stack.node.path}, whose output {migration.url_output!r} is",
                "move the DatabaseAccess into that stack",
            )
    return stack


def require_waiting_software(
    migration: DatabaseMigration, stack: Stack, deployment: pipelines.StageDeployment
) -> None:
    """Refuse a migration for which no stack would wait.

    Raises:
        InvalidArgumentError: no stack of the application depends on the database's.
    """
    waited_for = {
        each.stack_artifact_id for other in deployment.stacks for each in other.stack_dependencies
    }
    if stack.artifact_id not in waited_for:
        raise InvalidArgumentError(
            f'DatabaseMigration "{migration.name}"',
            f"no stack of {deployment.stage_name} depends on {stack.node.id}, so the software "
            "would not wait for its migration",
            "put the database into a stack of its own, and have the software's stack depend on "
            "it: software.add_stack_dependency(database)",
        )


def _access(
    migration: DatabaseMigration, target: DeploymentTarget, application: Stage
) -> DatabaseAccess:
    found = DatabaseAccess.of(application)
    access = found.get(migration.access or "")
    if not access:
        raise InvalidArgumentError(
            f'DatabaseMigration "{migration.name}"',
            f"access={migration.access!r} is no DatabaseAccess of {target.stage_id}, which has "
            f"{', '.join(sorted(found)) or 'none'}",
            f'put DatabaseAccess(stack, "{migration.access}", target=target, ...) into the stack '
            "of the database",
        )
    return access
