"""The same pipeline with CDK Pipelines alone: same topology, same resources, its own defaults."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import App, Duration, Environment, IgnoreMode, Stack, pipelines
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from benchmarks.application import BETA, CONNECTION, GAMMA, PROD, TOOLS, Topology, Workload

# The code of functions, as large as ours.
_LIBRARY = Path(__file__).parents[1] / "dpra_constructs"
_BUDGETS = ("Build", "Beta", "Gamma")


def _logs(scope: Construct) -> s3.Bucket:
    return s3.Bucket(scope, "AccessLogs", enforce_ssl=True)


def _logging(scope: Construct, name: str, key: kms.Key) -> codebuild.LoggingOptions:
    group = logs.LogGroup(
        scope, f"Logs-{name}", log_group_name=f"/aws/codebuild/fruit-{name}", encryption_key=key
    )
    return codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=group))


def _function(
    scope: Construct,
    name: str,
    key: kms.Key,
    code: lambda_.Code,
    statements: Sequence[iam.PolicyStatement],
    **properties: Any,
) -> lambda_.Function:
    return lambda_.Function(
        scope,
        name,
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=code,
        log_group=logs.LogGroup(scope, f"Logs-{name}", encryption_key=key),
        initial_policy=statements,
        **properties,
    )


def _rule(
    scope: Construct,
    id: str,
    function: lambda_.IFunction,
    letters: sqs.Queue,
    source: str = "aws.codepipeline",
) -> None:
    events.Rule(
        scope,
        id,
        event_pattern=events.EventPattern(source=[source]),
        targets=[events_targets.LambdaFunction(function, dead_letter_queue=letters)],
    )


def _may(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources)


def _role(kind: str, account: str, region: str) -> str:
    return f"arn:aws:iam::{account}:role/cdk-hnb659fds-{kind}-role-{account}-{region}"


def _of_pipeline(*actions: str, stage: str = "") -> iam.PolicyStatement:
    arn = f"arn:aws:codepipeline:us-west-2:{TOOLS}:fruit{stage}"
    return _may([f"codepipeline:{action}" for action in actions], [arn])


def _time_budget(scope: Construct, key: kms.Key, topic: sns.Topic, letters: sqs.Queue) -> None:
    function = _function(
        scope,
        "StageDuration",
        key,
        lambda_.Code.from_inline("def handler(event, context):\n    pass\n"),
        [_of_pipeline("ListActionExecutions")],
        dead_letter_queue=letters,
    )
    _rule(scope, "StageEnded", function, letters)
    for stage in _BUDGETS:
        alarm = cloudwatch.Alarm(
            scope,
            f"TimeBudget-{stage}",
            metric=_metric("StageDuration", Stage=stage),
            threshold=600,
            evaluation_periods=1,
        )
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))


def _stop_the_line(scope: Construct, key: kms.Key, topic: sns.Topic, letters: sqs.Queue) -> None:
    function = _function(
        scope,
        "StopTheLine",
        key,
        _code("release"),
        [_of_pipeline("DisableStageTransition", stage="/Approve")],
        environment={"TOPIC_ARN": topic.topic_arn},
        dead_letter_queue=letters,
    )
    topic.grant_publish(function)
    _rule(scope, "WaveFailed", function, letters)
    iam.ManagedPolicy(
        scope, "Resume", statements=[_of_pipeline("EnableStageTransition", stage="/Approve")]
    )


def _notify(scope: Construct, key: kms.Key, topic: sns.Topic, letters: sqs.Queue) -> None:
    function = _function(
        scope,
        "Notify",
        key,
        _code("release"),
        [_of_pipeline("GetPipelineState")],
        environment={"TOPIC_ARN": topic.topic_arn},
        dead_letter_queue=letters,
    )
    topic.grant_publish(function)
    _rule(scope, "StageFailed", function, letters)
    _rule(scope, "ApprovalNeeded", function, letters)
    _rule(scope, "BudgetExceeded", function, letters, "aws.cloudwatch")
    _rule(scope, "SigningKeyUsed", function, letters, "aws.kms")


def _dead_letters(scope: Construct, topic: sns.Topic) -> sqs.Queue:
    queue = sqs.Queue(scope, "DeadLetters", enforce_ssl=True)
    alarm = cloudwatch.Alarm(
        scope,
        "DeadLettersAlarm",
        metric=queue.metric_approximate_number_of_messages_visible(),
        threshold=0,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    )
    alarm.add_alarm_action(cloudwatch_actions.SnsAction(topic))
    return queue


def _delivery_metrics(scope: Construct, key: kms.Key, letters: sqs.Queue) -> None:
    function = _function(
        scope,
        "DeliveryMetrics",
        key,
        _code("delivery_metrics"),
        [_of_pipeline("ListActionExecutions", "ListPipelineExecutions")],
        dead_letter_queue=letters,
    )
    _rule(scope, "ExecutionEnded", function, letters)
    dashboard = cloudwatch.Dashboard(scope, "Dashboard")
    dashboard.add_widgets(
        *(
            cloudwatch.GraphWidget(title=name, left=[_metric(name)])
            for name in (
                "LeadTime",
                "DeployFrequency",
                "MeanTimeBetweenFailures",
                "MeanTimeToRecovery",
                "ChangeFailureRate",
                "Deployments",
                "Rollbacks",
            )
        ),
        *(
            cloudwatch.GraphWidget(title=stage, left=[_metric("StageDuration", Stage=stage)])
            for stage in _BUDGETS
        ),
        cloudwatch.LogQueryWidget(
            log_group_names=["/aws/lambda/fruit-DeliveryMetrics"], query_lines=["sort Ended desc"]
        ),
    )


def _metric(name: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="Fruit", metric_name=name, dimensions_map={"Pipeline": "fruit", **dimensions}
    )


def _code(package: str) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(_LIBRARY / package),
        exclude=["*", "!runtime", "!runtime/*.py", "**/__pycache__"],
        ignore_mode=IgnoreMode.DOCKER,
    )


def _role_of_actions(scope: Construct, id: str, pipeline: codepipeline.Pipeline) -> iam.Role:
    return iam.Role(scope, id, assumed_by=iam.ArnPrincipal(pipeline.role.role_arn))


@jsii.implements(pipelines.ICodePipelineActionFactory)
class _Invoke(pipelines.Step):
    """An action that calls a function, as the guide of CDK Pipelines shows it."""

    def __init__(
        self,
        id: str,
        function: lambda_.IFunction,
        role: iam.IRole,
        reads: pipelines.FileSet,
        writes: str | None = None,
    ) -> None:
        super().__init__(id)
        self._id, self._function, self._role = id, function, role
        self._reads, self._writes = reads, writes

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        stage.add_action(
            codepipeline_actions.LambdaInvokeAction(
                action_name=options.action_name,
                run_order=options.run_order,
                lambda_=self._function,
                role=self._role,
                inputs=[options.artifacts.to_code_pipeline(self._reads)],
                outputs=[codepipeline.Artifact(self._writes)] if self._writes else None,
                user_parameters={"execution": "#{codepipeline.PipelineExecutionId}"},
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)


def plain_pipeline(app: App, deployments: int) -> None:
    """Make the pipeline stack."""
    topology = Topology(deployments)
    stack = Stack(app, "Pipeline", env=Environment(account=TOOLS, region="us-west-2"))
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    _logs(stack)
    bucket, _ = (
        s3.Bucket(stack, name, encryption_key=key, enforce_ssl=True, versioned=True)
        for name in ("Artifacts", "Evidence")
    )
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
    seal_role = iam.Role(
        stack, "SealRole", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com")
    )
    signing_key = kms.Key(
        stack,
        "SigningKey",
        key_spec=kms.KeySpec.ECC_NIST_P256,
        key_usage=kms.KeyUsage.SIGN_VERIFY,
    )
    signing_key.grant(seal_role, "kms:GetPublicKey", "kms:Sign")
    seal = pipelines.CodeBuildStep(
        "Seal",
        input=synth,
        primary_output_directory=".",
        project_name="fruit-Build-Seal",
        role=seal_role,
        env={"SIGNING_KEY": signing_key.key_arn},
        commands=["make seal"],
        timeout=Duration.minutes(10),
        logging=_logging(stack, "Build-Seal", key),
    )
    deployment = pipelines.CodePipeline(
        stack,
        "Deployment",
        code_pipeline=pipeline,
        synth=seal,
        self_mutation_code_build_defaults=pipelines.CodeBuildOptions(
            logging=_logging(stack, "UpdatePipeline", key)
        ),
        asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
            logging=_logging(stack, "Assets", key)
        ),
    )

    assembly = deployment.cloud_assembly_file_set
    verify = _function(
        stack,
        "VerifyArtifacts",
        key,
        _code("artifact_integrity"),
        [
            _may(["kms:Verify"], [signing_key.key_arn]),
            _may(
                ["sts:AssumeRole"],
                [
                    _role("file-publishing", account, region)
                    for account, regions in (
                        (BETA, topology.beta),
                        (GAMMA, topology.prod),
                        (PROD, topology.prod),
                    )
                    for region in regions
                ],
            ),
        ],
    )
    verifying = _role_of_actions(stack, "VerifyRole", pipeline)

    def deploy(wave: str, account: str, regions: Sequence[str], *, tested: bool = False) -> None:
        made = deployment.add_wave(wave, pre=[_Invoke("Verify", verify, verifying, assembly)])
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
    summarize = _function(
        stack,
        "SummarizeChanges",
        key,
        _code("release"),
        [
            _may(
                ["sts:AssumeRole"],
                [
                    _role(kind, PROD, region)
                    for region in topology.prod
                    for kind in ("deploy", "file-publishing")
                ],
            )
        ],
    )
    summary = _Invoke(
        "Summarize",
        summarize,
        _role_of_actions(stack, "SummarizeRole", pipeline),
        assembly,
        "Changes",
    )
    approve = pipelines.ManualApprovalStep("Approve", notification_topic=topic)
    approve.add_step_dependency(summary)
    deployment.add_wave("Approve", pre=[summary, approve])
    for wave, regions in topology.waves.items():
        deploy(f"Prod-{wave}", PROD, regions)
    deployment.build_pipeline()
    topic = sns.Topic(stack, "Notifications", master_key=key, enforce_ssl=True)
    letters = _dead_letters(stack, topic)
    _time_budget(stack, key, topic, letters)
    _stop_the_line(stack, key, topic, letters)
    _notify(stack, key, topic, letters)
    _delivery_metrics(stack, key, letters)
    for _, support in sorted(pipeline.cross_region_support.items()):
        _logs(support.stack)
