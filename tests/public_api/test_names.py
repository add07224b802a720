"""Names that users depend on; a change here is a change for them."""

import json
import re

import dpra_constructs
from dpra_constructs import (
    artifact_integrity,
    build_actions,
    code_signing,
    database,
    delivery_metrics,
    monitoring,
    other_deployers,
    progressive_deployment,
    rehearsal,
    resilience,
    source,
    terraform,
    test_actions,
    testing,
)
from dpra_constructs.build_actions import tool_versions
from dpra_constructs.delivery_metrics.runtime import publish
from dpra_constructs.release import health_sources, stage_conditions
from tests.conftest import ROOT, Synthesized, resources


def test_exported_names() -> None:
    assert dpra_constructs.__all__ == [
        "BetaStage",
        "BuildStage",
        "ChangeCalendar",
        "DeploymentEnvironment",
        "DeploymentPipeline",
        "DeploymentTarget",
        "DeploymentWindow",
        "DpraError",
        "GammaStage",
        "InvalidArgumentError",
        "Limits",
        "ManualApproval",
        "PermissionSet",
        "ProdWaves",
        "Requirement",
        "SelfMutation",
        "SlackChannel",
        "SourceStage",
        "TeamsChannel",
        "WaiverNeededError",
        "Wave",
    ]
    assert build_actions.__all__ == [
        "ArtifactoryPublish",
        "Bandit",
        "Black",
        "BlackDuck",
        "BuildAction",
        "CdkSynth",
        "CheckmarxOne",
        "Checkstyle",
        "CodeArtifactPublish",
        "CodeBuildProject",
        "CycloneDxNpm",
        "CycloneDxPython",
        "DetectSecrets",
        "Docker",
        "Dotnet",
        "ESLint",
        "EcrPush",
        "GitGuardian",
        "Gitleaks",
        "Go",
        "GoTest",
        "Gradle",
        "InspectorCodeSecurity",
        "JUnit",
        "Jest",
        "Maven",
        "NexusPublish",
        "Npm",
        "NpmAudit",
        "OwaspDependencyCheck",
        "Permission",
        "PipAudit",
        "PipelineAction",
        "PushedImage",
        "Pytest",
        "PythonBuild",
        "Report",
        "Ruff",
        "SecretsManagerSecret",
        "SecureParameter",
        "Semgrep",
        "Snyk",
        "SonarQube",
        "Syft",
        "ToBuildAction",
        "Trivy",
        "TrivySbom",
        "TypedAction",
        "pushed_image",
    ]
    assert source.__all__ == [
        "Bitbucket",
        "CodeCommit",
        "ConnectedRepository",
        "GitHub",
        "GitHubEnterpriseServer",
        "GitLab",
        "GitLabSelfManaged",
        "Repository",
        "S3Source",
        "SourceLayout",
    ]
    assert monitoring.__all__ == [
        "AlarmDefinition",
        "ApiStep",
        "ApiSyntheticTest",
        "ApiThresholds",
        "ApplicationLogs",
        "BrowserSyntheticTest",
        "DeploymentHealth",
        "ErrorLineThresholds",
        "ExternalHealth",
        "FunctionThresholds",
        "HealthAlarm",
        "LoadBalancerThresholds",
        "Measure",
        "QueueThresholds",
        "ServiceThresholds",
        "SyntheticTest",
        "TableThresholds",
        "TargetGroupThresholds",
        "error_line_alarms",
        "function_alarms",
        "http_api_alarms",
        "load_balancer_alarms",
        "queue_alarms",
        "rest_api_alarms",
        "service_alarms",
        "table_alarms",
        "target_group_alarms",
    ]
    assert test_actions.__all__ == [
        "AcceptanceTest",
        "BuildNetwork",
        "Cucumber",
        "Cypress",
        "DatabaseMigration",
        "DeployedTest",
        "FaultInjection",
        "Gatling",
        "IntegrationTest",
        "JMeter",
        "Locust",
        "Playwright",
        "Selenium",
        "SoapUi",
        "Thresholds",
        "ToDeployedTest",
        "ZapBaseline",
    ]
    assert other_deployers.__all__ == [
        "ExternalDeployment",
        "OctopusDeployment",
        "SpinnakerPipeline",
        "TerraformDeployment",
    ]
    assert terraform.__all__ == ["TerraformEnvironment"]
    assert health_sources.__all__ == [
        "DatadogMonitor",
        "DynatraceProblems",
        "HealthSource",
        "HttpHealth",
    ]
    assert stage_conditions.__all__ == [
        "CloudWatchAlarm",
        "CodeBuild",
        "Commands",
        "EntryCondition",
        "FailureCondition",
        "LambdaInvoke",
        "OpenWindow",
        "Rule",
        "StageCondition",
        "SuccessCondition",
        "VariableCheck",
    ]
    assert delivery_metrics.__all__ == [
        "Commit",
        "DeliveryMetrics",
        "Execution",
        "FleetDashboard",
        "HistoryError",
        "Metrics",
        "PipelineDashboard",
        "Point",
        "from_document",
        "lead_times",
        "metrics",
        "points",
        "read",
    ]
    assert testing.__all__ == ["exceeded_limits", "pipeline_outline", "unacknowledged_findings"]
    assert database.__all__ == ["DatabaseAccess"]
    assert progressive_deployment.__all__ == [
        "FeatureFlags",
        "Flag",
        "ProgressiveFunction",
        "ProgressiveService",
        "ServerDeployment",
        "ShiftKind",
        "TrafficShift",
        "check_appspec",
    ]
    assert resilience.__all__ == ["FaultInjectionExperiment"]
    assert artifact_integrity.__all__ == ["AcceptedKey", "ArtifactSigning", "FunctionSigning"]
    assert code_signing.__all__ == [
        "FunctionSigningProfile",
        "ImageRepository",
        "ImageSigningProfile",
    ]
    assert rehearsal.__all__ == ["NOT_CHECKED", "Rehearsal", "rehearse"]


def test_each_exported_name_is_there() -> None:
    for module in (
        dpra_constructs,
        artifact_integrity,
        build_actions,
        code_signing,
        delivery_metrics,
        source,
        test_actions,
        testing,
        progressive_deployment,
        rehearsal,
        resilience,
    ):
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_construct_ids(fruit_api: Synthesized) -> None:
    stack = fruit_api.stack.node
    assert sorted(child.node.id for child in stack.children) == [
        "Beta",
        "BootstrapVersion",
        "Build",
        "CheckBootstrapVersion",
        "Gamma",
        "Pipeline",
        "Prod",
        "Source",
    ]
    assert sorted(child.node.id for child in stack.find_child("Pipeline").node.children) == [
        "AccessLogs",
        "Announce",
        "AnnounceActionRole",
        "AnnounceRole",
        "ApprovalNeeded",
        "ApprovalNeededPermission",
        "ApprovalTopic",
        "ArtifactIntegrityCode",
        "ArtifactKey",
        "Artifacts",
        "Bake",
        "BakeActionRole",
        "BakeRole",
        "BudgetExceeded",
        "BudgetExceededPermission",
        "DeadLetters",
        "DeadLettersAlarm",
        "DeadLettersPolicy",
        "DeliveryMetrics",
        "Deployment",
        "Evidence",
        "Logs-fruit-api-Announce",
        "Logs-fruit-api-Assets",
        "Logs-fruit-api-Bake",
        "Logs-fruit-api-Beta-AcceptanceTest-us-west-2",
        "Logs-fruit-api-Beta-IntegrationTest-us-west-2",
        "Logs-fruit-api-Build-CodeQuality",
        "Logs-fruit-api-Build-Package",
        "Logs-fruit-api-Build-Sast",
        "Logs-fruit-api-Build-Sbom",
        "Logs-fruit-api-Build-Sca",
        "Logs-fruit-api-Build-Seal",
        "Logs-fruit-api-Build-Secrets",
        "Logs-fruit-api-Build-SourceLayout",
        "Logs-fruit-api-Build-Synth",
        "Logs-fruit-api-Build-UnitTests",
        "Logs-fruit-api-DeliveryMetrics",
        "Logs-fruit-api-Notify",
        "Logs-fruit-api-StageDuration",
        "Logs-fruit-api-StopTheLine",
        "Logs-fruit-api-SummarizeChanges",
        "Logs-fruit-api-UpdatePipeline",
        "Logs-fruit-api-VerifyArtifacts",
        "Notifications",
        "Notify",
        "NotifyRole",
        "Overridden",
        "OverriddenPermission",
        "Override",
        "OverridePolicy",
        "Pipeline",
        "ReleaseCode",
        "Reports-fruit-api-Build-CodeQuality-code-quality",
        "Reports-fruit-api-Build-Sast-sast",
        "Reports-fruit-api-Build-Sca-sca",
        "Reports-fruit-api-Build-Secrets-secrets",
        "Reports-fruit-api-Build-UnitTests-unit-tests",
        "ResumePolicy",
        "SealRole",
        "SigningKey1",
        "SigningKeyUsed",
        "SigningKeyUsedPermission",
        "StageDuration",
        "StageDurationRole",
        "StageEnded",
        "StageEndedPermission",
        "StageFailed",
        "StageFailedPermission",
        "StopTheLine",
        "StopTheLineRole",
        "SummarizeChanges",
        "SummarizeChangesActionRole",
        "SummarizeChangesRole",
        "TimeBudget-Beta",
        "TimeBudget-Build",
        "TimeBudget-Gamma",
        "VerifyArtifacts",
        "VerifyArtifactsActionRole",
        "VerifyArtifactsRole",
        "WaveFailed",
        "WaveFailedPermission",
    ]


def test_construct_ids_of_the_delivery_metrics(fruit_api: Synthesized) -> None:
    metrics = fruit_api.stack.node.find_child("Pipeline").node.find_child("DeliveryMetrics")
    assert sorted(child.node.id for child in metrics.node.children) == [
        "Code",
        "Dashboard",
        "ExecutionEnded",
        "ExecutionEndedPermission",
        "Function",
        "Role",
    ]
    template = fruit_api.template
    [dashboard] = resources(template, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "fruit-api-us-west-2"
    [queue] = resources(template, "AWS::SQS::Queue")
    assert queue["QueueName"] == "fruit-api-DeadLetters"


def test_names_and_units_of_the_delivery_metrics() -> None:
    assert publish.UNITS == {
        "LeadTime": "Seconds",
        "DeployFrequency": "None",
        "MeanTimeBetweenFailures": "Seconds",
        "MeanTimeToRecovery": "Seconds",
        "ChangeFailureRate": "Percent",
        "Deployments": "Count",
        "Rollbacks": "Count",
    }
    assert (publish.NAMESPACE, publish.DIMENSION) == ("DPRA", "Pipeline")


def test_physical_names(fruit_api: Synthesized) -> None:
    names: dict[str, list[str]] = {
        resource["Type"]: []
        for resource in fruit_api.template["Resources"].values()
        if resource["Type"].startswith("AWS::Code")
    }
    for resource in fruit_api.template["Resources"].values():
        if resource["Type"] in names and "Name" in resource["Properties"]:
            names[resource["Type"]].append(resource["Properties"]["Name"])
    assert {kind: sorted(each) for kind, each in names.items()} == {
        "AWS::CodePipeline::Pipeline": ["fruit-api"],
        "AWS::CodeBuild::ReportGroup": [
            "fruit-api-Build-CodeQuality-code-quality",
            "fruit-api-Build-Sast-sast",
            "fruit-api-Build-Sca-sca",
            "fruit-api-Build-Secrets-secrets",
            "fruit-api-Build-UnitTests-unit-tests",
        ],
        "AWS::CodeBuild::Project": [
            "fruit-api-Beta-AcceptanceTest-us-west-2",
            "fruit-api-Beta-IntegrationTest-us-west-2",
            "fruit-api-Build-CodeQuality",
            "fruit-api-Build-Package",
            "fruit-api-Build-Sast",
            "fruit-api-Build-Sbom",
            "fruit-api-Build-Sca",
            "fruit-api-Build-Seal",
            "fruit-api-Build-Secrets",
            "fruit-api-Build-SourceLayout",
            "fruit-api-Build-Synth",
            "fruit-api-Build-UnitTests",
        ],
    }


def test_names_of_alarms_metrics_and_log_groups(fruit_api: Synthesized) -> None:
    alarms = resources(fruit_api.template, "AWS::CloudWatch::Alarm")
    assert {each["AlarmName"] for each in alarms} == {
        "fruit-api-DeadLetters",
        "fruit-api-TimeBudget-Beta",
        "fruit-api-TimeBudget-Build",
        "fruit-api-TimeBudget-Gamma",
    }
    assert {(each["Namespace"], each["MetricName"]) for each in alarms} == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("DPRA", "StageDuration"),
    }
    functions = resources(fruit_api.template, "AWS::Lambda::Function")
    assert sorted(function["FunctionName"] for function in functions) == [
        "fruit-api-Announce",
        "fruit-api-Bake",
        "fruit-api-DeliveryMetrics",
        "fruit-api-Notify",
        "fruit-api-StageDuration",
        "fruit-api-StopTheLine",
        "fruit-api-SummarizeChanges",
        "fruit-api-VerifyArtifacts",
    ]
    groups = resources(fruit_api.template, "AWS::Logs::LogGroup")
    assert {group["LogGroupName"].rpartition("/")[0] for group in groups} == {
        "/aws/codebuild",
        "/aws/lambda",
    }


def test_requirement_ids_are_those_of_the_metadata() -> None:
    for requirement in dpra_constructs.Requirement:
        assert re.fullmatch(r"DPRA(-[A-Z]+)+", requirement.value)
        assert requirement.value.replace("DPRA-", "").replace("-", "_") == requirement.name
    assert len(dpra_constructs.Requirement) == 38


def test_tool_versions_are_those_of_the_lock_files() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/aws-cdk"]["version"] == tool_versions.CDK_CLI
    assert packages["node_modules/cdk-assets"]["version"] == tool_versions.CDK_ASSETS
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    for name, version in {
        "boto3": tool_versions.BOTO3,
        "build": tool_versions.BUILD,
        "pytest": tool_versions.PYTEST,
        "ruff": tool_versions.RUFF,
    }.items():
        assert pins[name] == version


def test_lock_files_hold_no_registry_address() -> None:
    for name in ("package-lock.json", "constraints.txt"):
        assert "://" not in (ROOT / name).read_text().replace("https://github.com/sponsors", "")
