"""Puts an action of CodePipeline that is not CodeBuild into the build stage."""

from __future__ import annotations

from typing import Any

import jsii
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines
from constructs import Construct

from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.pipeline.permissions import acknowledge_permissions, statements


@jsii.implements(pipelines.ICodePipelineActionFactory)
class PipelineActionStep(pipelines.Step):
    """A step of CDK Pipelines for a `PipelineAction`."""

    def __init__(self, action: PipelineAction, source: pipelines.FileSet, pipeline: str) -> None:
        super().__init__(action.name)
        self._action = action
        self._pipeline = pipeline
        self._source = source

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        """Add the action; called by CDK Pipelines."""
        stage.add_action(
            _Action(
                self._action,
                pipeline=self._pipeline,
                input=options.artifacts.to_code_pipeline(self._source),
                action_name=options.action_name,
                run_order=options.run_order,
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)


class _Action(codepipeline_actions.Action):
    """The action itself, under a role of its own."""

    def __init__(
        self,
        action: PipelineAction,
        *,
        pipeline: str,
        input: codepipeline.Artifact,
        action_name: str,
        run_order: Any,
    ) -> None:
        self._action = action
        self._permissions = action.permissions(pipeline)
        super().__init__(
            action_name=action_name,
            run_order=run_order,
            category=codepipeline.ActionCategory[action.category.upper()],
            owner="AWS",
            provider=action.provider,
            version="1",
            artifact_bounds=codepipeline.ActionArtifactBounds(
                min_inputs=1, max_inputs=1, min_outputs=1, max_outputs=1
            ),
            inputs=[input],
            outputs=[codepipeline.Artifact(action.output)],
        )

    def _bound(
        self,
        scope: Construct,
        stage: codepipeline.IStage,
        *,
        bucket: s3.IBucket,
        role: iam.IRole,
    ) -> codepipeline.ActionConfig:
        """Give the role what it needs; called by CodePipeline."""
        bucket.grant_read(role)
        bucket.grant_write(role)
        for statement in statements(scope, self._permissions):
            role.add_to_principal_policy(statement)
        acknowledge_permissions(role, self._permissions)
        return codepipeline.ActionConfig(configuration=dict(self._action.configuration()))
