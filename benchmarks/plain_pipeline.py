"""The same pipeline with CDK Pipelines alone: same topology, same resources, its own defaults."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import App, Duration, Environment, IgnoreMode, Stack, pipelines
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from benchmarks.application import BETA, CONNECTION, GAMMA, PROD, TOOLS, Topology, Workload

# The code of a function, as large as ours.
_RELEASE = Path(__file__).parents[1] / "dpra_constructs" / "release"


def _logs(scope: Construct) -> s3.Bucket:
    return s3.Bucket(scope, "AccessLogs", enforce_ssl=True)


def _logging(scope: Construct, name: str, key: kms.Key) -> codebuild.LoggingOptions:
    group = logs.LogGroup(
        scope, f"Logs-{name}", log_group_name=f"/aws/codebuild/fruit-{name}", encryption_key=key
    )
    return codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=group))


def _time_budget(scope: Construct, key: kms.Key) -> sns.Topic:
    topic = sns.Topic(scope, "Notifications", master_key=key, enforce_ssl=True)
    function = lambda_.Function(
        scope,
        "StageDuration",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context):\n    pass\n"),
        log_group=logs.LogGroup(scope, "Logs-StageDuration", encryption_key=key),
    )
    events.Rule(
        scope,
        "StageEnded",
        event_pattern=events.EventPattern(source=["aws.codepipeline"]),
        targets=[events_targets.LambdaFunction(function)],
    )
    for stage in ("Build", "Beta", "Gamma"):
        alarm = cloudwatch.Alarm(
            scope,
            f"TimeBudget-{stage}",
            metric=cloudwatch.Metric(namespace="Fruit", metric_name="StageDuration"),
            threshold=600,
            evaluation_periods=1,
        )
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
    return topic


def _stop_the_line(scope: Construct, key: kms.Key, topic: sns.Topic) -> None:
    function = lambda_.Function(
        scope,
        "StopTheLine",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="runtime.stop_the_line.handler",
        code=_release_code(),
        log_group=logs.LogGroup(scope, "Logs-StopTheLine", encryption_key=key),
        environment={"TOPIC_ARN": topic.topic_arn},
        initial_policy=[
            iam.PolicyStatement(
                actions=["codepipeline:DisableStageTransition"],
                resources=[f"arn:aws:codepipeline:us-west-2:{TOOLS}:fruit/Approve"],
            )
        ],
    )
    topic.grant_publish(function)
    events.Rule(
        scope,
        "WaveFailed",
        event_pattern=events.EventPattern(source=["aws.codepipeline"]),
        targets=[events_targets.LambdaFunction(function)],
    )


def _summarize_changes(scope: Construct, key: kms.Key, regions: list[str]) -> None:
    lambda_.Function(
        scope,
        "SummarizeChanges",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="runtime.change_summary.handler",
        code=_release_code(),
        log_group=logs.LogGroup(scope, "Logs-SummarizeChanges", encryption_key=key),
        initial_policy=[
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    f"arn:aws:iam::{PROD}:role/cdk-hnb659fds-deploy-role-{PROD}-{region}"
                    for region in regions
                ],
            )
        ],
    )


def _notify(scope: Construct, key: kms.Key, topic: sns.Topic) -> None:
    function = lambda_.Function(
        scope,
        "Notify",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="runtime.notify.handler",
        code=_release_code(),
        log_group=logs.LogGroup(scope, "Logs-Notify", encryption_key=key),
        environment={"TOPIC_ARN": topic.topic_arn},
        initial_policy=[
            iam.PolicyStatement(
                actions=["codepipeline:GetPipelineState"],
                resources=[f"arn:aws:codepipeline:us-west-2:{TOOLS}:fruit"],
            )
        ],
    )
    topic.grant_publish(function)
    for event, source in (
        ("StageFailed", "aws.codepipeline"),
        ("ApprovalNeeded", "aws.codepipeline"),
        ("BudgetExceeded", "aws.cloudwatch"),
    ):
        events.Rule(
            scope,
            event,
            event_pattern=events.EventPattern(source=[source]),
            targets=[events_targets.LambdaFunction(function)],
        )


def _release_code() -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(_RELEASE),
        exclude=["*", "!runtime", "!runtime/*.py", "**/__pycache__"],
        ignore_mode=IgnoreMode.DOCKER,
    )


def plain_pipeline(app: App, deployments: int) -> None:
    """Make the pipeline stack."""
    topology = Topology(deployments)
    stack = Stack(app, "Pipeline", env=Environment(account=TOOLS, region="us-west-2"))
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    _logs(stack)
    bucket = s3.Bucket(stack, "Artifacts", encryption_key=key, enforce_ssl=True, versioned=True)
    pipeline = codepipeline.Pipeline(
        stack,
        "CodePipeline",
        pipeline_name="fruit",
        pipeline_type=codepipeline.PipelineType.V2,
        artifact_bucket=bucket,
        cross_account_keys=True,
        reuse_cross_region_support_stacks=False,
    )
    source = pipelines.CodePipelineSource.connection(
        "acme/fruit", "main", connection_arn=CONNECTION, code_build_clone_output=True
    )
    layout, package, unit, quality = (
        pipelines.CodeBuildStep(
            name,
            input=source,
            project_name=f"fruit-Build-{name}",
            install_commands=["python -m pip install build"],
            commands=["make"],
            timeout=Duration.minutes(10),
            logging=_logging(stack, f"Build-{name}", key),
        )
        for name in ("SourceLayout", "Package", "UnitTests", "CodeQuality")
    )
    for step in (package, unit, quality):
        step.add_step_dependency(layout)
    for name in ("unit-tests", "code-quality"):
        codebuild.ReportGroup(stack, name, report_group_name=f"fruit-{name}")
    synth = pipelines.CodeBuildStep(
        "Synth",
        input=source,
        project_name="fruit-Build-Synth",
        additional_inputs={"dist": package.add_output_directory("dist")},
        commands=["cdk synth"],
        primary_output_directory="cdk.out",
        timeout=Duration.minutes(10),
        logging=_logging(stack, "Build-Synth", key),
    )
    for step in (unit, quality):
        synth.add_step_dependency(step)
    deployment = pipelines.CodePipeline(
        stack,
        "Deployment",
        code_pipeline=pipeline,
        synth=synth,
        self_mutation_code_build_defaults=pipelines.CodeBuildOptions(
            logging=_logging(stack, "UpdatePipeline", key)
        ),
        asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
            logging=_logging(stack, "Assets", key)
        ),
    )

    def deploy(wave: str, account: str, regions: Sequence[str], *, tested: bool = False) -> None:
        made = deployment.add_wave(wave)
        for region in regions:
            environment = Environment(account=account, region=region)
            workload = Workload(stack, f"{wave}-{region}", environment)
            name = workload.node.find_child("Api").node.find_child("Name")
            tests = [
                pipelines.CodeBuildStep(
                    test,
                    input=source,
                    project_name=f"fruit-{wave}-{test}-{region}",
                    commands=["make"],
                    env_from_cfn_outputs={"NAME": name},  # type: ignore[dict-item]
                    timeout=Duration.minutes(30),
                    logging=_logging(stack, f"{wave}-{test}-{region}", key),
                )
                for test in ("IntegrationTest", "AcceptanceTest")
                if tested
            ]
            made.add_stage(workload, post=tests)

    deploy("Beta", BETA, topology.beta, tested=True)
    deploy("Gamma", GAMMA, topology.prod)
    topic = sns.Topic(stack, "Topic", master_key=key, enforce_ssl=True)
    topic.add_subscription(subscriptions.EmailSubscription("release@acme.example"))
    deployment.add_wave("Approve", pre=[pipelines.ManualApprovalStep("Approve")])
    for wave, regions in topology.waves.items():
        deploy(f"Prod-{wave}", PROD, regions)
    deployment.build_pipeline()
    topic = _time_budget(stack, key)
    _summarize_changes(stack, key, topology.prod)
    _stop_the_line(stack, key, topic)
    _notify(stack, key, topic)
    for _, support in sorted(pipeline.cross_region_support.items()):
        _logs(support.stack)
