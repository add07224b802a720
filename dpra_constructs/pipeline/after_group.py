"""Orders the regions of one pipeline stage: a group is deployed to after the one before it."""

from __future__ import annotations

import jsii
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import pipelines


@jsii.implements(pipelines.ICodePipelineActionFactory)
class AfterGroup(pipelines.Step):
    """Stands between two groups and makes no action: only the order of the others.

    CDK Pipelines deploys to all targets of a wave at once and knows no order among them but that
    of steps. This one comes after the deployments and tests of a group, being a post step of each
    of its targets, and is a pre step of each target of the next group.
    """

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        """Add nothing; called by CDK Pipelines."""
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=0)
