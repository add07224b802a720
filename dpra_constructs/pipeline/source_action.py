"""The source action, and what starts the pipeline: a change of the trunk, and nothing else."""

from __future__ import annotations

from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import pipelines
from constructs import Construct

from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.source import CodeCommit, ConnectedRepository, S3Source


def make_source(scope: Construct, plan: PipelinePlan) -> pipelines.CodePipelineSource:
    """Make the source of a plan."""
    repository = plan.repository
    match repository:
        case ConnectedRepository():
            return pipelines.CodePipelineSource.connection(
                repository.name,
                repository.trunk,
                connection_arn=repository.connection_arn,
                action_name="Source",
                # The history is needed by scans, provenance and metrics.
                code_build_clone_output=True,
                # The trigger of the pipeline itself has the filters.
                trigger_on_push=False,
            )
        case CodeCommit():
            return pipelines.CodePipelineSource.code_commit(
                codecommit.Repository.from_repository_name(scope, "Repository", repository.name),
                repository.trunk,
                action_name="Source",
                code_build_clone_output=True,
            )
        case S3Source():
            return pipelines.CodePipelineSource.s3(
                s3.Bucket.from_bucket_name(scope, "SourceBucket", repository.bucket_name),
                repository.object_key,
                action_name="Source",
                trigger=codepipeline_actions.S3Trigger.NONE,
            )
        case _:
            raise AssertionError(f"SourceStage let {repository!r} pass")


def start_on_trunk(scope: Construct, plan: PipelinePlan, pipeline: codepipeline.Pipeline) -> None:
    """Make a change of the trunk start the pipeline, and nothing else."""
    repository = plan.repository
    if isinstance(repository, ConnectedRepository):
        [source] = pipeline.stage("Source").actions
        pipeline.add_trigger(
            provider_type=codepipeline.ProviderType.CODE_STAR_SOURCE_CONNECTION,
            git_configuration=codepipeline.GitConfiguration(
                source_action=source,
                push_filter=[
                    codepipeline.GitPushFilter(
                        branches_includes=[repository.trunk],
                        file_paths_includes=list(repository.only_paths) or None,
                        file_paths_excludes=list(repository.ignore_paths) or None,
                    )
                ],
            ),
        )
        role = pipeline.node.find_child("Source").node.find_child("Source")
        role = role.node.find_child("CodePipelineActionRole")
        assert isinstance(role, iam.Role)
        role.add_to_policy(use_connection(repository))
    elif isinstance(repository, S3Source):
        # CodePipeline's own S3 trigger needs CloudTrail; the bucket's notifications do not.
        events.Rule(
            scope,
            "SourceChanged",
            description=f"Starts {plan.pipeline.name} when {repository.description} changes",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [repository.bucket_name]},
                    "object": {"key": [repository.object_key]},
                },
            ),
            targets=[events_targets.CodePipeline(pipeline)],
        )


def use_connection(repository: ConnectedRepository) -> iam.PolicyStatement:
    """Return the permission to read through a connection."""
    return iam.PolicyStatement(
        actions=["codeconnections:UseConnection"], resources=[repository.connection_arn]
    )
