"""Builds the plan with CDK Pipelines, over a CodePipeline of our own.

The only place that makes CodePipeline and CodeBuild resources, and that has jsii callbacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Duration, RemovalPolicy, Stack, Stage, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.buildspec import (
    asset_buildspec,
    partial_buildspec,
    report_group_name,
)
from dpra_constructs.build_actions.cdk_synth import CLOUD_ASSEMBLY
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline import artifacts, self_mutation
from dpra_constructs.pipeline.acknowledgements import acknowledge_wildcards
from dpra_constructs.pipeline.definitions import SelfMutation
from dpra_constructs.pipeline.plan import Limits, PipelinePlan, PlannedStage, Purpose
from dpra_constructs.pipeline.source_action import make_source, start_on_trunk, use_connection
from dpra_constructs.pipeline.stack_outputs import outputs_by_stack, outputs_for
from dpra_constructs.release import ManualApproval
from dpra_constructs.source import ConnectedRepository

_IMAGE = codebuild.LinuxBuildImage.STANDARD_8_0


@dataclass(frozen=True, slots=True)
class Built:
    """What the engine made; `stacks` are name, account and region of what is deployed."""

    pipeline: codepipeline.Pipeline
    artifact_bucket: s3.Bucket
    artifact_key: kms.Key
    stacks: list[tuple[str, str, str]]


def build(
    scope: Construct,
    *,
    plan: PipelinePlan,
    applications: Mapping[str, Stage],
    execution_mode: codepipeline.ExecutionMode,
    mutation: SelfMutation,
    horizon_days: int,
    limits: Limits,
) -> Built:
    """Make the pipeline of a plan.

    Args:
        scope: the construct that everything is made in.
        plan: what to build.
        applications: the team's `cdk.Stage` for each target, by its stage id.
        execution_mode: SUPERSEDED or QUEUED.
        mutation: how the pipeline updates itself.
        horizon_days: how long artifacts are kept.
        limits: the quotas of CodePipeline.
    """
    stack = Stack.of(scope)
    key = kms.Key(
        scope,
        "ArtifactKey",
        description=f"Artifacts of the pipeline {plan.pipeline.name}",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    bucket = artifacts.artifact_bucket(scope, key, horizon_days)
    pipeline = _NamedPipeline(
        scope,
        "Pipeline",
        plan=plan,
        pipeline_name=plan.pipeline.name,
        pipeline_type=codepipeline.PipelineType.V2,
        execution_mode=execution_mode,
        artifact_bucket=bucket,
        cross_account_keys=True,
        enable_key_rotation=True,
        reuse_cross_region_support_stacks=False,
        # A commit that changes the pipeline runs through what it has made of it.
        restart_execution_on_update=True,
    )
    source = make_source(scope, plan)
    steps = _Steps(scope, plan, source)
    cdk_pipeline = pipelines.CodePipeline(
        scope,
        "Deployment",
        code_pipeline=pipeline,
        synth=steps.synth(),
        self_mutation=mutation is not SelfMutation.OFF,
        self_mutation_code_build_defaults=self_mutation.options(stack, plan, mutation),
        code_build_defaults=pipelines.CodeBuildOptions(
            build_environment=codebuild.BuildEnvironment(build_image=_IMAGE)
        ),
        cli_version=tool_versions.CDK_CLI,
        cdk_assets_cli_version=tool_versions.CDK_ASSETS,
        asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
            partial_build_spec=codebuild.BuildSpec.from_object(asset_buildspec())
        ),
        # One action publishes all assets, so that a changed asset changes no action.
        publish_assets_in_parallel=False,
    )
    deployments: dict[str, pipelines.StageDeployment] = {}
    for stage in plan.stages:
        if stage.purpose is Purpose.APPROVE and plan.approval:
            topic = _approval_topic(scope, plan.approval, key)
            cdk_pipeline.add_wave(stage.name, pre=[_ApprovalStep(plan.approval, topic)])
        elif stage.purpose is Purpose.DEPLOY:
            wave = cdk_pipeline.add_wave(stage.name)
            for target in stage.targets:
                application = applications[target.stage_id]
                tests = steps.tests(stage, target.stage_id, target.region, application)
                deployments[target.stage_id] = wave.add_stage(application, post=tests)
    stacks = {
        target.stage_id: list(_stacks(target, deployments[target.stage_id]))
        for target in plan.targets
    }
    plan.check_limits({stage_id: len(names) for stage_id, names in stacks.items()}, limits)
    cdk_pipeline.build_pipeline()
    start_on_trunk(scope, plan, pipeline)
    artifacts.keep_replicas(pipeline, horizon_days)
    acknowledge_wildcards(scope)
    return Built(pipeline, bucket, key, [each for names in stacks.values() for each in names])


def _stacks(
    target: DeploymentTarget, deployment: pipelines.StageDeployment
) -> Iterator[tuple[str, str, str]]:
    for stack in deployment.stacks:
        name = stack.stack_name
        # A name that CDK made is the target's alone; a given one may stand in several places.
        if name.startswith(f"{target.stage_id}-"):
            yield name, target.account, target.region
        else:
            yield name, stack.account or "", stack.region or ""


class _NamedPipeline(codepipeline.Pipeline):
    """Names each pipeline stage as the plan does, and attaches its rollback as it is made.

    CDK Pipelines names a stage with a single target after its cdk.Stage. Here the name is right
    before any resource, permission or event rule is derived from it.
    """

    def __init__(self, scope: Construct, id: str, *, plan: PipelinePlan, **kwargs: Any) -> None:
        self._planned = {stage.cdk_name: stage for stage in plan.stages}
        super().__init__(scope, id, **kwargs)

    def add_stage(
        self,
        *,
        stage_name: str,
        placement: Any = None,
        actions: Any = None,
        before_entry: Any = None,
        on_failure: Any = None,
        on_success: Any = None,
        transition_disabled_reason: str | None = None,
        transition_to_enabled: bool | None = None,
    ) -> codepipeline.IStage:
        """Add a stage. jsii passes each argument by its name, so all stand here."""
        planned = self._planned.get(stage_name)
        if planned and planned.rolls_back:
            on_failure = codepipeline.FailureConditions(result=codepipeline.Result.ROLLBACK)
        return super().add_stage(
            stage_name=planned.name if planned else stage_name,
            placement=placement,
            actions=actions,
            before_entry=before_entry,
            on_failure=on_failure,
            on_success=on_success,
            transition_disabled_reason=transition_disabled_reason,
            transition_to_enabled=transition_to_enabled,
        )


@jsii.implements(pipelines.ICodePipelineActionFactory)
class _ApprovalStep(pipelines.Step):
    """The manual approval of CDK Pipelines takes no timeout; this one does."""

    def __init__(self, approval: ManualApproval, topic: sns.ITopic | None) -> None:
        super().__init__("Approve")
        self._approval = approval
        self._topic = topic

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        """Add the action; called by CDK Pipelines."""
        minutes = self._approval.timeout_minutes
        stage.add_action(
            codepipeline_actions.ManualApprovalAction(
                action_name=options.action_name,
                run_order=options.run_order,
                additional_information=self._approval.message,
                external_entity_link=self._approval.review_url,
                notification_topic=self._topic,
                timeout=Duration.minutes(minutes) if minutes else None,
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)


class _Steps:
    """Makes the CodeBuild steps: build actions, synth and tests, all on the same clone."""

    def __init__(
        self, scope: Construct, plan: PipelinePlan, source: pipelines.CodePipelineSource
    ) -> None:
        self._scope = scope
        self._plan = plan
        self._source = source
        repository = plan.repository
        # The CDK grants codestar-connections:UseConnection; connections with an ARN of
        # codeconnections, the service's name since 2024, are granted under that name.
        self._clone_policy = (
            [use_connection(repository)] if isinstance(repository, ConnectedRepository) else []
        )

    def synth(self) -> pipelines.CodeBuildStep:
        """Make the build actions, and the synth step that waits for all of them."""
        built = {action.name: self._build_action(action) for action in self._plan.build_actions}
        additional = {
            directory: built[action.name].add_output_directory(directory)
            for action in self._plan.build_actions
            for directory in action.outputs.values()
        }
        synth = self._build_action(
            self._plan.synth,
            additional_inputs=additional,
            primary_output_directory=CLOUD_ASSEMBLY,
        )
        for step in built.values():
            synth.add_step_dependency(step)
        return synth

    def _build_action(self, action: BuildAction, **properties: Any) -> pipelines.CodeBuildStep:
        return self._step(
            action.name,
            project=f"{self._plan.pipeline.name}-Build-{action.name}",
            reports=action.reports,
            runtime_versions=action.runtime_versions,
            minutes=self._plan.build_minutes,
            commands=list(action.commands),
            install_commands=list(action.install),
            env=dict(action.environment),
            **properties,
        )

    def tests(
        self, stage: PlannedStage, stage_id: str, region: str, application: Stage
    ) -> list[pipelines.Step]:
        """Make the tests of one target."""
        if not stage.tests:
            return []
        outputs = outputs_by_stack(application)
        _refuse_names_of_stacks(stage, application)
        return [
            self._step(
                test.name,
                project=f"{self._plan.pipeline.name}-{stage.name}-{test.name}-{region}",
                reports=test.reports,
                runtime_versions={},
                minutes=stage.time_budget_minutes,
                commands=list(test.command),
                install_commands=list(test.install),
                env=dict(test.environment),
                env_from_cfn_outputs=outputs_for(test, stage_id, outputs),
            )
            for test in stage.tests
        ]

    def _step(
        self,
        name: str,
        *,
        project: str,
        reports: Sequence[Report],
        runtime_versions: Mapping[str, str],
        minutes: int | None,
        **properties: Any,
    ) -> pipelines.CodeBuildStep:
        for report in reports:
            codebuild.ReportGroup(
                self._scope,
                f"Reports-{project}-{report.name}",
                report_group_name=report_group_name(project, report),
                type=codebuild.ReportGroupType.CODE_COVERAGE
                if report.is_coverage
                else codebuild.ReportGroupType.TEST,
                removal_policy=RemovalPolicy.DESTROY,
                delete_reports=True,
            )
        return pipelines.CodeBuildStep(
            name,
            input=self._source,
            project_name=project,
            timeout=Duration.minutes(minutes) if minutes else None,
            partial_build_spec=codebuild.BuildSpec.from_object(
                partial_buildspec(
                    project=project, reports=reports, runtime_versions=runtime_versions
                )
            ),
            role_policy_statements=self._clone_policy,
            **properties,
        )


def _refuse_names_of_stacks(stage: PlannedStage, application: Stage) -> None:
    """Refuse a test with the name of a stack: CDK Pipelines keeps both in one graph."""
    stacks = {each.node.id for each in application.node.find_all() if isinstance(each, Stack)}
    for test in stage.tests:
        if test.name in stacks:
            raise InvalidArgumentError(
                f'{type(test).__name__} "{test.name}"',
                f"the application has a stack {test.name!r}, and both become actions "
                f"of {stage.name}",
                f'give the test another name, like name="{test.name}Test"',
            )


def _approval_topic(scope: Construct, approval: ManualApproval, key: kms.Key) -> sns.ITopic | None:
    if approval.topic_arn:
        return sns.Topic.from_topic_arn(scope, "ApprovalTopic", approval.topic_arn)
    if not approval.notify:
        return None
    topic = sns.Topic(scope, "ApprovalTopic", master_key=key, enforce_ssl=True)
    for address in approval.notify:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    return topic
