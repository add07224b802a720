"""Puts an action that calls a function into a pipeline stage.

The action of `aws_cdk` grants the function's versions too, and the results of jobs to the function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Acknowledgment, Stack, Validations, pipelines
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs.pipeline.permissions import Statement, allow
from dpra_constructs.pipeline.service_roles import role_of


@dataclass(frozen=True, slots=True)
class ArtifactAccess:
    """What an action needs whose function reads or writes artifacts."""

    bucket: s3.Bucket
    key: kms.Key

    def statements(self, *, writes: bool) -> list[Statement]:
        """Return what the credentials of a job need that reads, or also writes."""
        objects, keys = ["s3:GetObject"], ["kms:Decrypt"]
        if writes:
            objects, keys = [*objects, "s3:PutObject"], [*keys, "kms:GenerateDataKey"]
        return [
            allow(objects, [f"{self.bucket.bucket_arn}/*"]),
            allow(keys, [self.key.key_arn]),
        ]

    def acknowledge(self, role: Construct) -> None:
        """Acknowledge what cdk-nag finds of it."""
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        name = Stack.of(bucket).get_logical_id(bucket)
        Validations.of(role).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{name}.Arn>/*]",
                reason="The keys of artifacts are made by CodePipeline for each execution; the "
                "bucket is the pipeline's own",
            )
        )


@dataclass(frozen=True, slots=True)
class InvokedFunction:
    """A function as actions name it, and the role by which they all call it."""

    name: str
    role: iam.IRole


def invoked_function(
    scope: Construct,
    id: str,
    function: lambda_.CfnFunction,
    pipeline: codepipeline.Pipeline,
    *,
    access: ArtifactAccess | None = None,
    writes: bool = False,
) -> InvokedFunction:
    """Make the role of all actions that call a function: CodePipeline would make one for each.

    Args:
        scope: where it is made.
        id: of the function.
        function: what is called.
        pipeline: what calls it.
        access: the artifacts that the actions read; CodePipeline hands the credentials for them on
            to the function.
        writes: whether the actions also write artifacts.
    """
    role = role_of(
        scope,
        f"{id}ActionRole",
        description=f"Lets the pipeline call its function {id}",
        principal={"AWS": pipeline.role.role_arn},
        policy="Call",
        statements=[
            allow(["lambda:InvokeFunction"], [function.attr_arn]),
            *(access.statements(writes=writes) if access else ()),
        ],
    )
    if access:
        access.acknowledge(role)
    return InvokedFunction(
        function.ref,
        # Actions take no `CfnRole`. Nothing is granted to it beyond what stands above.
        iam.Role.from_role_arn(role, "Arn", role.attr_arn, mutable=False),
    )


@jsii.implements(pipelines.ICodePipelineActionFactory)
class InvokeStep(pipelines.Step):
    """A step of CDK Pipelines for an action that calls a function.

    Args:
        id: the action's name.
        function: what is called; one that is made later is set then, before the pipeline is.
        user_parameters: what it is told; outputs of other steps may stand in it.
        reads: its input artifact.
        writes: the name of its output artifact, and of the namespace of its variables.
    """

    def __init__(
        self,
        id: str,
        function: InvokedFunction | None,
        user_parameters: str,
        *,
        reads: pipelines.FileSet | None = None,
        writes: str | None = None,
    ) -> None:
        super().__init__(id)
        self._reads = reads
        self._writes = writes
        self._id = id
        self._function = function
        self._user_parameters = user_parameters
        if "${Token[" in user_parameters:
            self._discover_referenced_outputs({"told": user_parameters})

    def call(self, function: InvokedFunction) -> None:
        """Say what is called, where it was not known when the step was made."""
        self._function = function

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        """Add the action; called by CDK Pipelines."""
        function = self._function
        assert function is not None  # made before the pipeline is built
        stage.add_action(
            _Action(
                self._id,
                configuration={
                    "FunctionName": function.name,
                    "UserParameters": self._user_parameters,
                },
                role=function.role,
                run_order=options.run_order,
                inputs=[options.artifacts.to_code_pipeline(self._reads)] if self._reads else None,
                outputs=[codepipeline.Artifact(self._writes)] if self._writes else None,
                variables_namespace=self._writes,
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)


class _Action(codepipeline_actions.Action):
    """The action itself."""

    def __init__(
        self, name: str, *, configuration: dict[str, Any], role: iam.IRole, **properties: Any
    ) -> None:
        self._configuration = configuration
        super().__init__(
            action_name=name,
            role=role,
            category=codepipeline.ActionCategory.INVOKE,
            owner="AWS",
            provider="Lambda",
            version="1",
            artifact_bounds=codepipeline.ActionArtifactBounds(
                min_inputs=0, max_inputs=5, min_outputs=0, max_outputs=5
            ),
            **properties,
        )

    def _bound(
        self,
        scope: Construct,
        stage: codepipeline.IStage,
        *,
        bucket: s3.IBucket,
        role: iam.IRole,
    ) -> codepipeline.ActionConfig:
        """Say what the action is told; called by CodePipeline."""
        return codepipeline.ActionConfig(configuration=self._configuration)
