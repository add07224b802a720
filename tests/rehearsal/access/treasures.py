"""What an attacker would want of a pipeline: each of these is denied to every role but its own."""

from __future__ import annotations

from tests.rehearsal.access.deployed_roles import Deployed
from tests.rehearsal.access.jobs import EXECUTION
from tests.rehearsal.access.request import ACCOUNT, REGION, Request

_PROD = "444444444444"
_BOOTSTRAP = f"arn:aws:iam::{_PROD}:role/cdk-hnb659fds"
_FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fruit-api-Bake"
_LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/fruit-api-Bake"
_PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:fruit-api"
_STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/FruitApiPipeline/id"
_PROD_STACK = f"arn:aws:cloudformation:{REGION}:{_PROD}:stack/fruit-api-prod-us-west-2-Api/id"


def treasures(deployed: Deployed) -> list[Request]:
    """Return requests that would change or leak a release, or open a way to do so."""
    pipeline_role = deployed.role("Pipeline/Role").arn
    execution = f"{deployed.evidence}/executions/fruit-api/{EXECUTION}"
    seal = f"{execution}/fruit-api-Build-Seal"
    wanted = [
        # To deploy to production, past the pipeline.
        ("sts:AssumeRole", f"{_BOOTSTRAP}-deploy-role-{_PROD}-{REGION}"),
        ("sts:AssumeRole", f"{_BOOTSTRAP}-file-publishing-role-{_PROD}-{REGION}"),
        ("sts:AssumeRole", f"{_BOOTSTRAP}-cfn-exec-role-{_PROD}-{REGION}"),
        ("iam:PassRole", f"{_BOOTSTRAP}-cfn-exec-role-{_PROD}-{REGION}"),
        ("cloudformation:UpdateStack", _PROD_STACK),
        # To be somebody else.
        ("sts:AssumeRole", pipeline_role),
        ("sts:AssumeRole", deployed.role("BakeRole").arn),
        ("sts:AssumeRole", f"arn:aws:iam::{_PROD}:role/fruit-api-prod-{REGION}-gate"),
        ("iam:PassRole", pipeline_role),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/access-test"),
        ("iam:PutRolePolicy", pipeline_role),
        ("iam:AttachRolePolicy", pipeline_role),
        ("iam:UpdateAssumeRolePolicy", pipeline_role),
        # To change what the pipeline is, or where it is.
        ("codepipeline:DeletePipeline", _PIPELINE),
        ("codepipeline:StartPipelineExecution", _PIPELINE),
        ("codepipeline:PutApprovalResult", f"{_PIPELINE}/Approve-Prod/Approve"),
        ("codepipeline:EnableStageTransition", f"{_PIPELINE}/Approve-Prod"),
        ("codepipeline:DisableStageTransition", f"{_PIPELINE}/Approve-Prod"),
        ("codepipeline:OverrideStageCondition", f"{_PIPELINE}/Approve-Prod"),
        ("codepipeline:RollbackStage", f"{_PIPELINE}/Prod-one-box"),
        ("cloudformation:UpdateStack", _STACK),
        ("cloudformation:DeleteStack", _STACK),
        ("codebuild:UpdateProject", deployed.projects[0]),
        ("codebuild:StartBuild", deployed.projects[0]),
        ("lambda:UpdateFunctionCode", _FUNCTION),
        ("lambda:InvokeFunction", _FUNCTION),
        ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/dpra/fruit-api/override"),
        # To change what is released.
        ("s3:PutObject", f"{deployed.artifacts}/*"),
        ("s3:PutObject", f"{deployed.bootstrap_bucket}/*"),
        ("s3:PutBucketPolicy", deployed.artifacts),
        ("kms:PutKeyPolicy", deployed.key),
        ("kms:ScheduleKeyDeletion", deployed.key),
        ("kms:Sign", deployed.signing_key),
        ("kms:PutKeyPolicy", deployed.signing_key),
        # To hide what happened, or to say what did not.
        ("logs:DeleteLogGroup", f"{_LOG}:*"),
        ("logs:PutLogEvents", f"{_LOG}:*"),
        ("s3:DeleteObject", f"{deployed.access_logs}/*"),
        ("s3:PutObject", f"{deployed.access_logs}/*"),
        ("s3:DeleteObject", f"{deployed.evidence}/*"),
        ("s3:PutBucketPolicy", deployed.evidence),
        ("s3:PutObject", f"{seal}/integrity/manifest.json"),
        ("s3:PutObject", f"{seal}/fruit-api-Build-UnitTests/reports/junit.xml"),
        ("sns:Publish", deployed.topic("Notifications")),
        ("cloudwatch:SetAlarmState", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:fruit-api"),
        ("cloudwatch:PutMetricData", "*"),
        # To read what is not one's own.
        ("logs:GetLogEvents", f"{_LOG}:*"),
        ("s3:GetObject", f"{deployed.artifacts}/*"),
        ("s3:GetObject", f"{deployed.access_logs}/*"),
        ("s3:GetObject", f"{deployed.evidence}/*"),
        ("sns:Subscribe", deployed.topic("Notifications")),
        (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:access-test",
        ),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/access-test"),
    ]
    return [Request(action, resource) for action, resource in wanted]
