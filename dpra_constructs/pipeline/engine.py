"""Builds the plan with CDK Pipelines, over a CodePipeline of our own.

Here, and in the modules beside it that make its steps, CodePipeline and CodeBuild resources are
made, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy, Stack, Stage, pipelines
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.buildspec import asset_buildspec
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.delivery_metrics import DeliveryMetrics, PipelineDashboard
from dpra_constructs.delivery_metrics.delivery_metrics import function_name
from dpra_constructs.pipeline import artifacts, self_mutation
from dpra_constructs.pipeline.acknowledgements import acknowledge_wildcards, resolved_policies
from dpra_constructs.pipeline.after_group import AfterGroup
from dpra_constructs.pipeline.approval import Approval
from dpra_constructs.pipeline.artifact_seal import ArtifactSeal
from dpra_constructs.pipeline.attached_conditions import attach_conditions
from dpra_constructs.pipeline.bakes import Bakes, bake_actions
from dpra_constructs.pipeline.break_glass import PeoplePolicies, people_policies
from dpra_constructs.pipeline.code_build_environment import DEFAULT_IMAGE
from dpra_constructs.pipeline.code_build_steps import CodeBuildSteps
from dpra_constructs.pipeline.definitions import SelfMutation
from dpra_constructs.pipeline.deployed_stacks import DeployedStack, deployed_stacks
from dpra_constructs.pipeline.entry_conditions import EntryConditions
from dpra_constructs.pipeline.evidence import EVIDENCE_LOGS, EvidenceRetention, EvidenceStore
from dpra_constructs.pipeline.invoke_step import ArtifactAccess
from dpra_constructs.pipeline.limits import Limits
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.made_limits import check_made
from dpra_constructs.pipeline.narrowed_roles import narrow_assets_role, narrow_pipeline_role
from dpra_constructs.pipeline.notifications import Notifications, tell_of_events
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage, Purpose
from dpra_constructs.pipeline.planned_limits import check_planned
from dpra_constructs.pipeline.pull_requests import build_pull_requests
from dpra_constructs.pipeline.source_action import make_source, start_on_trunk
from dpra_constructs.pipeline.stage_budgets import watch_budgets
from dpra_constructs.pipeline.stop_the_line import stop_the_line
from dpra_constructs.release.chat_channels import Recipients


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What the engine made; `stacks` are what is deployed."""

    pipeline: codepipeline.Pipeline
    artifact_bucket: s3.Bucket
    artifact_key: kms.Key
    evidence_bucket: s3.Bucket
    notifications: sns.Topic
    budget_alarms: dict[str, cloudwatch.CfnAlarm]
    policies: PeoplePolicies
    delivery_metrics: DeliveryMetrics | None
    stacks: list[DeployedStack]


def build(
    scope: Construct,
    *,
    plan: PipelinePlan,
    applications: Mapping[str, Stage],
    execution_mode: codepipeline.ExecutionMode,
    mutation: SelfMutation,
    horizon_days: int,
    evidence_retention: EvidenceRetention,
    limits: Limits,
    notify: Recipients,
    publishes_metrics: bool,
) -> Built:
    """Make the pipeline of a plan.

    Args:
        scope: the construct that everything is made in.
        plan: what to build.
        applications: the team's `cdk.Stage` for each target, by its stage id.
        execution_mode: SUPERSEDED or QUEUED.
        mutation: how the pipeline updates itself.
        horizon_days: how long artifacts are kept.
        evidence_retention: how long evidence is kept, and whether it is locked.
        limits: the quotas of AWS.
        notify: who hears of what happens in the pipeline.
        publishes_metrics: whether it has delivery metrics.
    """
    stack = Stack.of(scope)
    baking = bake_actions(plan, applications)
    key = kms.Key(
        scope,
        "ArtifactKey",
        description=f"Artifacts of the pipeline {plan.pipeline.name}",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    bucket = artifacts.kept_bucket(scope, "Artifacts", key)
    evidence = EvidenceStore(scope, key, plan.pipeline.name, evidence_retention)
    artifacts.keep_and_log(
        scope,
        plan.pipeline.account,
        horizon_days,
        {
            artifacts.ARTIFACT_LOGS: (bucket, artifacts.horizon(horizon_days)),
            EVIDENCE_LOGS: (evidence.bucket, evidence.retention),
        },
    )
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
    name = plan.pipeline.name
    logs = EncryptedLogs(scope, key, name, plan.log_retention_days)
    source = make_source(scope, plan)
    steps = CodeBuildSteps(scope, plan, source, logs, evidence)
    synth = steps.synth()
    seal = (
        ArtifactSeal(
            scope,
            plan,
            plan.signing,
            source=source,
            steps=steps,
            synth=synth,
            logs=logs,
            evidence=evidence,
        )
        if plan.signing
        else None
    )
    cdk_pipeline = pipelines.CodePipeline(
        scope,
        "Deployment",
        code_pipeline=pipeline,
        synth=seal.step if seal else synth,
        self_mutation=mutation is not SelfMutation.OFF,
        self_mutation_code_build_defaults=self_mutation.options(
            stack,
            plan,
            mutation,
            logs.of_stage("UpdatePipeline") if mutation is not SelfMutation.OFF else None,
        ),
        code_build_defaults=pipelines.CodeBuildOptions(
            build_environment=codebuild.BuildEnvironment(build_image=DEFAULT_IMAGE)
        ),
        cli_version=tool_versions.CDK_CLI,
        cdk_assets_cli_version=tool_versions.CDK_ASSETS,
        asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
            logging=logs.of_stage("Assets"),
            partial_build_spec=codebuild.BuildSpec.from_object(asset_buildspec()),
        ),
        # One action publishes all assets, so that a changed asset changes no action.
        publish_assets_in_parallel=False,
    )
    notifications = Notifications(scope, key, plan.pipeline, notify)
    bakes = Bakes(scope, plan, baking, pipeline, logs)
    entries = EntryConditions(scope, plan, pipeline, notifications=notifications, logs=logs)
    access = ArtifactAccess(bucket, key)
    assembly = cdk_pipeline.cloud_assembly_file_set
    deployments: dict[str, pipelines.StageDeployment] = {}
    approval: Approval | None = None
    for stage in plan.stages:
        if stage.purpose is Purpose.APPROVE and plan.approval:
            approval = Approval(
                scope, plan, plan.approval, pipeline=pipeline, access=access, key=key, logs=logs
            )
            cdk_pipeline.add_wave(stage.name, pre=approval.steps(source, steps.authors, assembly))
        elif stage.purpose is Purpose.OPEN:
            cdk_pipeline.add_wave(stage.name, pre=[entries.step(stage)])
        elif stage.purpose is Purpose.DEPLOY:
            wave = cdk_pipeline.add_wave(
                stage.name,
                pre=[seal.verify(stage, assembly)] if seal else None,
                post=bakes.steps(stage),
            )
            deployments.update(_deploy(wave, stage, applications, steps))
    partition = stack.partition
    stacks = {
        target.stage_id: list(deployed_stacks(target, deployments[target.stage_id], partition))
        for target in plan.targets
    }
    if approval:
        production = [each.stage_id for each in plan.targets if each.is_production]
        approval.read(each for stage_id in production for each in stacks[stage_id])
    if seal:
        seal.read((each for found in stacks.values() for each in found), pipeline, access)
    check_planned(plan, {stage_id: len(found) for stage_id, found in stacks.items()}, limits)
    cdk_pipeline.build_pipeline()
    attach_conditions(pipeline, plan, pipeline.made)
    start_on_trunk(scope, plan, pipeline)
    artifacts.keep_replicas(pipeline, horizon_days, plan.pipeline.account)
    narrow_pipeline_role(pipeline)
    narrow_assets_role(cdk_pipeline, logs.name_of_stage("Assets"))
    steps.after_build()
    if seal:
        seal.after_build()
    letters = DeadLetters(scope, of=name, pipeline=name, topic_arn=notifications.topic.topic_arn)
    if plan.stops_the_line:
        stop_the_line(
            scope, plan=plan, notifications=notifications, logs=logs, dead_letters=letters
        )
    alarms = watch_budgets(
        scope, pipeline=name, minutes=plan.time_budgets, logs=logs, dead_letters=letters
    )
    tell_of_events(
        scope,
        plan=plan,
        notifications=notifications,
        budgets=list(alarms.values()),
        seal=seal,
        logs=logs,
        dead_letters=letters,
    )
    metrics = _delivery_metrics(scope, plan, letters, logs) if publishes_metrics else None
    letters.make_policy()
    if plan.pull_requests:
        build_pull_requests(scope, plan, plan.pull_requests, logs)
    policies = people_policies(scope, plan)
    made = scope.node.find_all()
    documents = resolved_policies(scope, made)
    acknowledge_wildcards(documents)
    check_made(f'DeploymentPipeline "{name}"', made, documents, limits)
    return Built(
        pipeline=pipeline,
        artifact_bucket=bucket,
        artifact_key=key,
        evidence_bucket=evidence.bucket,
        notifications=notifications.topic,
        budget_alarms=alarms,
        policies=policies,
        delivery_metrics=metrics,
        stacks=[each for found in stacks.values() for each in found],
    )


def _delivery_metrics(
    scope: Construct, plan: PipelinePlan, letters: DeadLetters, logs: EncryptedLogs
) -> DeliveryMetrics:
    name = plan.pipeline.name
    return DeliveryMetrics(
        scope,
        "DeliveryMetrics",
        pipeline=name,
        production_stages=plan.wave_names,
        dashboard=PipelineDashboard(
            time_budgets_minutes=plan.time_budgets,
            health=[
                (target.environment, target.region)
                for stage in plan.stages
                if stage.bake_minutes is not None
                for target in stage.targets
            ],
        ),
        log_group=logs.of_function(function_name(name)),
        dead_letters=letters,
    )


def _deploy(
    wave: pipelines.Wave,
    stage: PlannedStage,
    applications: Mapping[str, Stage],
    steps: CodeBuildSteps,
) -> dict[str, pipelines.StageDeployment]:
    """Deploy to the targets of a stage, group after group, and return what is deployed to each."""
    deployments: dict[str, pipelines.StageDeployment] = {}
    before: list[pipelines.Step] = []
    for number, group in enumerate(stage.groups, 1):
        is_last = number == len(stage.groups)
        after = [] if is_last else [AfterGroup(f"After-{stage.name}-{number}")]
        for target in group:
            application = applications[target.stage_id]
            tests = steps.tests(stage, target, application)
            for barrier in after:
                for test in tests:
                    barrier.add_step_dependency(test)
            migrations = steps.migrations(stage, target, application)
            deployed = wave.add_stage(
                application,
                pre=before or None,
                post=[*tests, *after],
                stack_steps=migrations.stack_steps or None,
            )
            migrations.check(deployed)
            deployments[target.stage_id] = deployed
        before = [*after]
    return deployments


class _NamedPipeline(codepipeline.Pipeline):
    """Names each pipeline stage as the plan does, as it is made.

    CDK Pipelines names a stage with a single target after its cdk.Stage. Here the name is right
    before any resource, permission or event rule is derived from it.
    """

    def __init__(self, scope: Construct, id: str, *, plan: PipelinePlan, **kwargs: Any) -> None:
        self._planned = {stage.cdk_name: stage for stage in plan.stages}
        #: The names of the pipeline stages, in their order.
        self.made: list[str] = []
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
        name = planned.name if planned else stage_name
        self.made.append(name)
        return super().add_stage(
            stage_name=name,
            placement=placement,
            actions=actions,
            before_entry=before_entry,
            on_failure=on_failure,
            on_success=on_success,
            transition_disabled_reason=transition_disabled_reason,
            transition_to_enabled=transition_to_enabled,
        )
