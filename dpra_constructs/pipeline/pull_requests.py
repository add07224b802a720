"""Builds pull requests with the actions of the build stage, without any right to deploy."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.buildspec import report_group_name
from dpra_constructs.build_actions.shell import command
from dpra_constructs.pipeline.code_build_environment import (
    acknowledge_image,
    ecr_repository,
    is_curated,
)
from dpra_constructs.pipeline.code_build_steps import report_group
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.plan import PipelinePlan
from dpra_constructs.pipeline.pull_request_source import PullRequestSource

_RESULT, _JUNIT = "dpra-build.json", "dpra-build.xml"
_REPORT = Report("build", [_JUNIT])
_TO_JUNIT = Path(__file__).parent / "runtime" / "pull_request_report.py"
# One machine runs what the pipeline runs on one for each action.
_LONGER = 2
_LONGEST_MINUTES = 480


def pull_request_buildspec(plan: PipelinePlan) -> dict[str, object]:
    """Return the buildspec: `dpra build`, as on a workstation.

    Actions with secrets or permissions are skipped, as a pull request gets neither.
    """
    skipped = [
        word
        for action in plan.build_actions
        if isinstance(action, BuildAction)
        and (action.secrets or action.permissions)
        # What publishes, `dpra build` leaves out by itself.
        and not action.publishes
        for word in ("--skip", action.name)
    ]
    build = command(
        f"dpra build --pipeline {plan.pipeline.name} --json {_RESULT}",
        [] if plan.app_directory == "." else ["--directory", plan.app_directory],
        skipped,
    )
    own = f"dpra-constructs[cli]=={version('dpra-constructs')}"
    return {
        "version": "0.2",
        "phases": {
            "install": {
                "commands": [
                    command("python -m pip install --quiet", [own]),
                    *plan.synth.install,
                ]
            },
            "build": {"commands": [build], "finally": [report_command()]},
        },
        "reports": {_REPORT.name: {"files": list(_REPORT.files), "file-format": _REPORT.format}},
    }


def report_command() -> str:
    """Return the command that makes a report of what `dpra build` found."""
    code = _TO_JUNIT.read_text("utf-8")
    return f"python3 - {_RESULT} {_JUNIT} <<'REPORT'\n{code}REPORT"


def build_pull_requests(
    scope: Construct, plan: PipelinePlan, source: PullRequestSource, logs: EncryptedLogs
) -> codebuild.CfnProject:
    """Make the project `<pipeline>-PullRequest` with its webhook.

    Pull requests from forks wait until a person with write access has approved them by a comment:
    https://docs.aws.amazon.com/codebuild/latest/userguide/pull-request-build-policy.html
    """
    name = f"{plan.pipeline.name}-PullRequest"
    group = logs.of_project(name)
    report_group(scope, name, _REPORT)
    connection = source.repository.connection_arn
    role = _role(scope, connection, group.attr_arn, report_group_name(name, _REPORT))
    environment = plan.project
    if found := ecr_repository(scope, "PullRequestImage", environment.build_image):
        found[0].grant_pull(role)
    # By its CloudFormation type: the L2 knows neither connections nor GitLab.
    project = codebuild.CfnProject(
        scope,
        "PullRequest",
        name=name,
        description=f"Builds {source.description}",
        service_role=role.role_arn,
        artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
        environment=codebuild.CfnProject.EnvironmentProperty(
            type="ARM_CONTAINER" if environment.architecture == "ARM_64" else "LINUX_CONTAINER",
            image=environment.build_image,
            compute_type=_compute_type(environment.compute_type),
            image_pull_credentials_type="CODEBUILD" if is_curated(environment) else "SERVICE_ROLE",
            privileged_mode=environment.privileged,
        ),
        source=codebuild.CfnProject.SourceProperty(
            type=source.code_build_type,
            location=source.location,
            auth=codebuild.CfnProject.SourceAuthProperty(
                type="CODECONNECTIONS", resource=connection
            ),
            build_spec=json.dumps(pull_request_buildspec(plan), indent=2),
            git_clone_depth=0,
            report_build_status=True,
        ),
        timeout_in_minutes=min(_LONGEST_MINUTES, _LONGER * plan.build_minutes),
        triggers=codebuild.CfnProject.ProjectTriggersProperty(
            webhook=True,
            filter_groups=[
                [
                    codebuild.CfnProject.WebhookFilterProperty(
                        type="EVENT", pattern=", ".join(source.events)
                    ),
                    codebuild.CfnProject.WebhookFilterProperty(
                        type="BASE_REF",
                        pattern=f"^refs/heads/{re.escape(source.repository.trunk)}$",
                    ),
                ]
            ],
            pull_request_build_policy=codebuild.CfnProject.PullRequestBuildPolicyProperty(
                requires_comment_approval="FORK_PULL_REQUESTS"
            ),
        ),
    )
    Validations.of(project).acknowledge(
        Acknowledgment(id="AwsSolutions-CB4", reason="The project has no artifacts to encrypt")
    )
    acknowledge_image(project, environment)
    return project


def _compute_type(compute_type: str) -> str:
    return {
        "SMALL": "BUILD_GENERAL1_SMALL",
        "MEDIUM": "BUILD_GENERAL1_MEDIUM",
        "LARGE": "BUILD_GENERAL1_LARGE",
        "X_LARGE": "BUILD_GENERAL1_XLARGE",
        "X2_LARGE": "BUILD_GENERAL1_2XLARGE",
    }[compute_type]


def _role(scope: Construct, connection: str, log_group: str, report_group: str) -> iam.Role:
    service = connection.split(":")[2]
    reports = Stack.of(scope).format_arn(
        service="codebuild", resource="report-group", resource_name=report_group
    )
    return iam.Role(
        scope,
        "PullRequestRole",
        assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
        inline_policies={
            "Build": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                        resources=[log_group],
                    ),
                    iam.PolicyStatement(
                        actions=[
                            "codebuild:BatchPutTestCases",
                            "codebuild:CreateReport",
                            "codebuild:CreateReportGroup",
                            "codebuild:UpdateReport",
                        ],
                        resources=[reports],
                    ),
                    iam.PolicyStatement(
                        actions=[
                            f"{service}:GetConnection",
                            f"{service}:GetConnectionToken",
                            f"{service}:UseConnection",
                        ],
                        resources=[connection],
                    ),
                ]
            )
        },
    )
