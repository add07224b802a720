"""The function that bakes: one for all waves of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aws_cdk import Acknowledgment, Duration, IgnoreMode, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.bake_action import BakeAction
from dpra_constructs.release.runtime import names

_FOLDER = Path(__file__).parent
# Reading 40 regions takes seconds; every call has to end while its readings are fresh.
_TIMEOUT_SECONDS = 120
_MEMORY_MIB = 512


class BakeFunction(Construct):
    """Runs the bakes of a pipeline's stages (DPRA-PROD-ROLLBACK, DPRA-GAMMA-MONITORING).

    Its role has the name that every `DeploymentHealth` trusts, and may assume the gate roles of
    these stages alone.

    Args:
        scope: the pipeline's construct.
        id: the construct's id.
        actions: the bakes, all of one pipeline; at least one.
        key: encrypts its log; without it CloudWatch Logs' own.

    Raises:
        InvalidArgumentError: there is no bake, or there are bakes of several pipelines.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        actions: Iterable[BakeAction],
        key: kms.IKey | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        bakes = tuple(actions)
        for bake in bakes:
            arguments.instance(where, "actions", bake, BakeAction, "BakeAction(...)")
        pipelines = sorted({bake.pipeline for bake in bakes})
        if len(pipelines) != 1:
            raise InvalidArgumentError(
                where,
                f"actions are of {', '.join(pipelines) or 'no pipeline'}, and one pipeline's bakes "
                "are needed",
                "give the bakes of one pipeline",
            )
        super().__init__(scope, id)
        stack = Stack.of(self)
        log_group = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=key,
        )
        #: The role, by the name that gate roles trust.
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.bake_role_name(pipelines[0], stack.region),
            description=f"Reads the health of what the pipeline {pipelines[0]} deploys",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        log_group.grant_write(self.role)
        permissions = dict.fromkeys(each for bake in bakes for each in bake.permissions)
        for permission in permissions:
            self._allow(permission)
        #: The function that the actions invoke.
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Watches the health of what the pipeline {pipelines[0]} deploys",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="runtime.bake.handler",
            code=lambda_.Code.from_asset(
                str(_FOLDER),
                exclude=["*", "!runtime", "!runtime/*.py"],
                ignore_mode=IgnoreMode.DOCKER,
            ),
            role=self.role,
            timeout=Duration.seconds(_TIMEOUT_SECONDS),
            memory_size=_MEMORY_MIB,
            log_group=log_group,
        )

    def _allow(self, permission: Permission) -> None:
        stack = Stack.of(self)
        place = {
            "partition": stack.partition,
            "region": stack.region,
            "account": stack.account,
        }
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(permission.actions),
                resources=[each.format(**place) for each in permission.resources],
            )
        )
        if "*" in permission.resources:
            Validations.of(self.role).acknowledge(
                Acknowledgment(id="AwsSolutions-IAM5[Resource::*]", reason=permission.reason)
            )
