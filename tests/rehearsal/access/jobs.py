"""The job of each role: what it may do, written down apart from the policies.

A role whose policy allows more fails the test, as one does whose policy allows less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from tests.rehearsal.access.deployed_roles import Deployed, DeployedRole, Job
from tests.rehearsal.access.request import ACCOUNT, REGION, Request

NAME = "fruit-api"
CONNECTION = (
    f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
)
GAMMA, PROD = "333333333333", "444444444444"
REGIONS = ("us-west-2", "us-east-1", "eu-central-1", "eu-west-1", "ap-south-1", "ap-southeast-2")
TARGETS = (
    ("222222222222", "us-west-2"),
    *((account, region) for account in (GAMMA, PROD) for region in REGIONS),
)
EXECUTION = "8c5f1a52-0000-4000-8000-000000000000"
_PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{NAME}"
_OVERRIDE = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/dpra/{NAME}/override"


def job(taken_by: str, *may: Iterable[Request], anywhere: dict[str, str] | None = None) -> Job:
    return Job(
        may=tuple(each for group in may for each in group),
        taken_by=taken_by,
        anywhere=anywhere or {},
    )


def on(resource: str, *actions: str, region: str = REGION) -> list[Request]:
    return [Request(action, resource, region) for action in actions]


LAMBDA, CODEBUILD, CODEPIPELINE = (
    f"{service}.amazonaws.com" for service in ("lambda", "codebuild", "codepipeline")
)
PIPELINE_ROLE, BAKE_ROLE = "Pipeline/Role", "BakeRole"
_KEEPS = on(f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-DeadLetters", "sqs:SendMessage")
_RESULTS = on("*", "codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult")
# An action that knows no resource is allowed in every region.
_NO_RESOURCE = {
    "codepipeline:PutJobSuccessResult": "knows no resource; only its own jobs have a known id",
    "codepipeline:PutJobFailureResult": "knows no resource; only its own jobs have a known id",
}


def _reads(bucket: str) -> list[Request]:
    """Return what Bucket.grantRead of aws_cdk allows."""
    return [
        *on(bucket, "s3:GetBucketLocation", "s3:ListBucket"),
        *on(f"{bucket}/*", "s3:GetObject"),
    ]


def _reads_and_writes(bucket: str) -> list[Request]:
    """Return what Bucket.grantReadWrite of aws_cdk allows."""
    return [
        *_reads(bucket),
        *on(
            f"{bucket}/*",
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:PutObject",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
        ),
    ]


def _uses_key(key: str) -> list[Request]:
    """Return what Key.grantEncryptDecrypt of aws_cdk allows."""
    return on(
        key,
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    )


def _uses_key_through_s3(key: str) -> list[Request]:
    """Return what an artifact needs of a key, and the CDK allows: S3 does it for the role."""
    service = f"s3.{key.split(':')[3]}.amazonaws.com"
    return [
        replace(each, via="" if each.action == "kms:DescribeKey" else service)
        for each in _uses_key(key)
    ]


def _hands_on(deployed: Deployed) -> list[Request]:
    return [
        *on(f"{deployed.artifacts}/*", "s3:GetObject"),
        *on(deployed.key, "kms:Decrypt"),
    ]


def _writes_log(group: str) -> list[Request]:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
    return on(arn, "logs:CreateLogStream", "logs:PutLogEvents")


def _makes_log(group: str) -> list[Request]:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    return [*on(arn, "logs:CreateLogGroup"), *_writes_log(group)]


def _is_logged(project: str) -> list[Request]:
    """Return what CodeBuild's own project role may: its log group, and its report groups."""
    reports = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:report-group/{project}-*"
    return [
        *_makes_log(f"/aws/codebuild/{project}"),
        *on(
            reports,
            "codebuild:BatchPutCodeCoverages",
            "codebuild:BatchPutTestCases",
            "codebuild:CreateReport",
            "codebuild:CreateReportGroup",
            "codebuild:UpdateReport",
        ),
    ]


def _keeps_evidence(deployed: Deployed, project: str) -> list[Request]:
    place = f"{deployed.evidence}/executions/{NAME}/{EXECUTION}/{project}"
    return on(f"{place}/*", "s3:PutObject")


def _uses_connection() -> list[Request]:
    return on(CONNECTION, "codeconnections:UseConnection", "codestar-connections:UseConnection")


def _takes(*roles: str) -> list[Request]:
    return [Request("sts:AssumeRole", each) for each in roles]


def _bootstrap_roles(kind: str, targets: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"arn:aws:iam::{account}:role/cdk-hnb659fds-{kind}-role-{account}-{region}"
        for account, region in targets
    ]


def _gates() -> list[str]:
    return [
        f"arn:aws:iam::{account}:role/{NAME}-{environment}-{region}-gate"
        for account, environment in ((GAMMA, "gamma"), (PROD, "prod"))
        for region in REGIONS
    ]


def _notifies(deployed: Deployed) -> list[Request]:
    return [
        *on(deployed.topic("Notifications"), "sns:Publish"),
        *on(deployed.key, "kms:Decrypt", "kms:GenerateDataKey"),
    ]


def _function(name: str, *may: Iterable[Request]) -> Job:
    log = _writes_log(f"/aws/lambda/{NAME}-{name}")
    own = [*log, *(each for group in may for each in group)]
    return job(LAMBDA, own, anywhere=_NO_RESOURCE if _RESULTS[0] in own else None)


def _invokes(name: str, *may: Iterable[Request]) -> Job:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}-{name}"
    return job(PIPELINE_ROLE, on(function, "lambda:InvokeFunction"), *may)


def _reads_the_pipeline(*actions: str) -> list[Request]:
    return on(_PIPELINE, *(f"codepipeline:{action}" for action in actions))


def _of_pipeline(deployed: Deployed, role: DeployedRole) -> Job:
    buckets = [deployed.artifacts, *deployed.replicas]
    return job(
        CODEPIPELINE,
        *(_reads_and_writes(bucket) for bucket in buckets),
        *(_uses_key_through_s3(key) for key in (deployed.key, *deployed.replica_keys)),
        _takes(
            *(each.arn for each in deployed.roles if deployed.is_of_an_action(each)),
            *_bootstrap_roles("deploy", TARGETS),
        ),
        anywhere={"kms:DescribeKey": "the keys of the other regions have no known ARN"},
    )


def _of_source(deployed: Deployed, role: DeployedRole) -> Job:
    return job(
        PIPELINE_ROLE,
        _uses_connection(),
        _reads_and_writes(deployed.artifacts),
        on(f"{deployed.artifacts}/*", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
        _uses_key(deployed.key),
    )


def _of_build_action(deployed: Deployed, role: DeployedRole) -> Job:
    """One that builds in the Build stage; those that hand on files write artifacts too."""
    action = role.path.split("/")[2]
    touches = _reads_and_writes if action in ("Package", "Sbom", "Synth") else _reads
    reports = action in ("CodeQuality", "Sast", "Sca", "Secrets", "UnitTests")
    return job(
        CODEBUILD,
        _is_logged(f"{NAME}-Build-{action}"),
        _keeps_evidence(deployed, f"{NAME}-Build-{action}") if reports else [],
        _uses_connection(),
        touches(deployed.artifacts),
        _uses_key(deployed.key),
    )


def _of_test(deployed: Deployed, role: DeployedRole) -> Job:
    return job(
        CODEBUILD,
        _is_logged(f"{NAME}-Beta-{role.path.split('/')[2]}-{REGION}"),
        _uses_connection(),
        _reads_the_pipeline("GetPipelineExecution"),
        _reads(deployed.artifacts),
        _uses_key(deployed.key),
    )


def _of_approval(deployed: Deployed, role: DeployedRole) -> Job:
    return job(
        PIPELINE_ROLE,
        on(deployed.topic("ApprovalTopic"), "sns:Publish"),
        on(deployed.key, "kms:Decrypt", "kms:GenerateDataKey"),
    )


def _of_build_starter(deployed: Deployed, role: DeployedRole) -> Job:
    return job(
        PIPELINE_ROLE,
        *(
            on(project, "codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild")
            for project in deployed.projects
        ),
    )


def _of_self_mutation(deployed: Deployed, role: DeployedRole) -> Job:
    [project] = [each for each in deployed.projects if "SelfMutation" in each]
    tools = [(ACCOUNT, region) for region in REGIONS]
    return job(
        CODEBUILD,
        _is_logged(project.rpartition("/")[2]),
        _writes_log(f"/aws/codebuild/{NAME}-UpdatePipeline"),
        _reads_the_pipeline("GetPipelineExecution", "GetPipelineState"),
        on(
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/FruitApiPipeline/*",
            "cloudformation:GetTemplate",
        ),
        # By the tag of the bootstrap, as it deploys the pipeline's stacks.
        _takes(
            *_bootstrap_roles("deploy", tools),
            *_bootstrap_roles("file-publishing", tools),
            *_bootstrap_roles("image-publishing", tools),
        ),
        on("*", "cloudformation:DescribeStacks"),
        on(deployed.bootstrap_bucket, "s3:ListBucket"),
        _reads(deployed.artifacts),
        _uses_key(deployed.key),
        anywhere={
            "cloudformation:DescribeStacks": "the CDK CLI looks up the bootstrap stack",
            "s3:ListBucket": "the CDK CLI looks up the bootstrap bucket",
        },
    )


def _of_assets(deployed: Deployed, role: DeployedRole) -> Job:
    [project] = [each for each in deployed.projects if "AssetsFile" in each]
    return job(
        CODEBUILD,
        _takes(*_bootstrap_roles("file-publishing", TARGETS)),
        _makes_log(f"/aws/codebuild/{NAME}-Assets"),
        _makes_log(f"/aws/codebuild/{project.rpartition('/')[2]}"),
        _reads(deployed.artifacts),
        on(deployed.key, "kms:Decrypt", "kms:DescribeKey"),
    )


def _of_seal(deployed: Deployed, role: DeployedRole) -> Job:
    return job(
        CODEBUILD,
        _is_logged(f"{NAME}-Build-Seal"),
        on(deployed.signing_key, "kms:GetPublicKey", "kms:Sign"),
        _keeps_evidence(deployed, f"{NAME}-Build-Seal"),
        _reads_and_writes(deployed.artifacts),
        _uses_key(deployed.key),
    )


def _of_verification(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "VerifyArtifacts",
        _RESULTS,
        on(deployed.signing_key, "kms:Verify"),
        _takes(*_bootstrap_roles("file-publishing", TARGETS)),
    )


def _of_announcement(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "Announce",
        _RESULTS,
        _reads_the_pipeline("GetPipelineExecution", "ListActionExecutions"),
        _notifies(deployed),
    )


def _of_bake(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "Bake",
        _takes(*_gates()),
        _reads_the_pipeline("GetPipelineExecution", "ListActionExecutions"),
        on(_OVERRIDE, "ssm:GetParameter"),
        _RESULTS,
    )


def _of_summary(deployed: Deployed, role: DeployedRole) -> Job:
    production = [(PROD, region) for region in REGIONS]
    return _function(
        "SummarizeChanges",
        _RESULTS,
        _takes(
            *_bootstrap_roles("deploy", production),
            *_bootstrap_roles("file-publishing", production),
        ),
    )


def _of_summary_action(deployed: Deployed, role: DeployedRole) -> Job:
    return _invokes(
        "SummarizeChanges",
        on(f"{deployed.artifacts}/*", "s3:GetObject", "s3:PutObject"),
        on(deployed.key, "kms:Decrypt", "kms:GenerateDataKey"),
    )


def _of_stop_the_line(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "StopTheLine",
        _reads_the_pipeline("GetPipelineExecution", "GetPipelineState", "ListActionExecutions"),
        on(f"{_PIPELINE}/Approve-Prod", "codepipeline:DisableStageTransition"),
        _notifies(deployed),
        _KEEPS,
    )


def _of_notify(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "Notify",
        _reads_the_pipeline("GetPipelineExecution", "GetPipelineState", "ListActionExecutions"),
        on(_OVERRIDE, "ssm:GetParameterHistory"),
        _notifies(deployed),
        _KEEPS,
    )


def _of_delivery_metrics(deployed: Deployed, role: DeployedRole) -> Job:
    return _function(
        "DeliveryMetrics",
        _reads_the_pipeline("ListActionExecutions", "ListPipelineExecutions"),
        _KEEPS,
    )


def _of_gate(deployed: Deployed, role: DeployedRole) -> Job:
    alarms = on(
        "*",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DescribeAlarmHistory",
        region=role.place.region,
    )
    # Beta has no bake, so that nobody passes the gate of its alarm.
    return replace(job(BAKE_ROLE, alarms), is_passed=not role.path.startswith("Beta/"))


#: By the path of the construct in the pipeline's, or the application's, scope.
JOBS: dict[str, Callable[[Deployed, DeployedRole], Job]] = {
    PIPELINE_ROLE: _of_pipeline,
    "Pipeline/Source/Source/CodePipelineActionRole": _of_source,
    "Pipeline/Build/*/*/Role": _of_build_action,
    f"Pipeline/{NAME}-beta-{REGION}/*/*/Role": _of_test,
    "Pipeline/Approve-Prod/Approve/CodePipelineActionRole": _of_approval,
    "Deployment/CodeBuildActionRole": _of_build_starter,
    "Deployment/UpdatePipeline/SelfMutation/Role": _of_self_mutation,
    "Deployment/Assets/FileRole": _of_assets,
    "SealRole": _of_seal,
    "VerifyArtifactsRole": _of_verification,
    "VerifyArtifactsActionRole": lambda deployed, role: _invokes(
        "VerifyArtifacts", _hands_on(deployed)
    ),
    "AnnounceRole": _of_announcement,
    "AnnounceActionRole": lambda deployed, role: _invokes("Announce"),
    BAKE_ROLE: _of_bake,
    "BakeActionRole": lambda deployed, role: _invokes("Bake"),
    "SummarizeChangesRole": _of_summary,
    "SummarizeChangesActionRole": _of_summary_action,
    "StopTheLineRole": _of_stop_the_line,
    "StageDurationRole": lambda deployed, role: _function(
        "StageDuration", _reads_the_pipeline("ListActionExecutions"), _KEEPS
    ),
    "NotifyRole": _of_notify,
    "DeliveryMetrics/Role": _of_delivery_metrics,
    "*/Health/GateRole": _of_gate,
}


def job_of(deployed: Deployed, role: DeployedRole) -> Job | None:
    """Return the job of a role, None when nobody has written one down."""
    for path, made in JOBS.items():
        if fnmatchcase(role.path, path):
            return made(deployed, role)
    return None
