"""The calls of the emulator that need a permission, by the action."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.rehearsal.access.request import ACCOUNT, Request

_EXECUTION = "f4f4ff82-2d11-4333-8444-555555555555"
_TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a client.

    Args:
        service: the client's.
        operation: its method.
        make: what it is given, of the request.
        by_arn: whether the call names the account too; other calls are about the caller's own.
        ends_in: the error that the call ends in when it is allowed: what it asks for is not there.
    """

    service: str
    operation: str
    make: Callable[[Request], Mapping[str, Any]]
    by_arn: bool = False
    ends_in: str = ""


def _bucket(request: Request) -> dict[str, Any]:
    return {"Bucket": request.name.partition("/")[0]}


def _object(request: Request) -> dict[str, Any]:
    bucket, _, key = request.name.partition("/")
    return {"Bucket": bucket, "Key": key}


def _after(start: str) -> Callable[[Request], str]:
    """Return what finds the name behind the kind of a resource, like `role/`."""
    return lambda request: request.name.removeprefix(start).partition(":")[0]


def _stream(request: Request) -> dict[str, Any]:
    found = re.fullmatch(
        r"log-group:(?P<group>[^:]+)(:log-stream:(?P<stream>.+)|:.*)?", request.name
    )
    assert found, request
    return {"logGroupName": found["group"], "logStreamName": found["stream"] or "access-test"}


def _stage(request: Request) -> dict[str, Any]:
    pipeline, _, stage = request.name.partition("/")
    return {"pipelineName": pipeline, "stageName": stage or "Source"}


def _key(request: Request) -> dict[str, Any]:
    return {"KeyId": request.concrete}


def _with(find: Callable[[Request], dict[str, Any]], **more: Any) -> Callable[..., dict[str, Any]]:
    return lambda request: {**find(request), **more}


def _named(argument: str, find: Callable[[Request], str], **more: Any) -> Any:
    return lambda request: {argument: find(request), **more}


def _arn(request: Request) -> str:
    return request.concrete


def _name(request: Request) -> str:
    return request.name


def _first(request: Request) -> str:
    return request.name.partition("/")[0]


def _stack(request: Request) -> str:
    return request.name.split("/")[1]


def _build(request: Request) -> str:
    return f"{_project(request)}:{_EXECUTION}"


_TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}
_pipeline = _named("pipelineName", _first)
_project, _parameter, _role = _after("project/"), _after("parameter"), _after("role/")
_group = _after("log-group:")

#: The calls of the emulator, by the action that they need.
CALLS: dict[str, Call] = {
    "s3:AbortMultipartUpload": Call(
        "s3", "abort_multipart_upload", _with(_object, UploadId="none"), True, "NoSuchUpload"
    ),
    # Not the object that others read.
    "s3:DeleteObject": Call(
        "s3", "delete_object", lambda request: {**_bucket(request), "Key": "access-test-old"}, True
    ),
    "s3:GetBucketLocation": Call("s3", "get_bucket_location", _bucket, True),
    "s3:GetObject": Call("s3", "get_object", _object, True),
    "s3:ListBucket": Call("s3", "list_objects_v2", _bucket, True),
    "s3:PutBucketPolicy": Call("s3", "put_bucket_policy", _with(_bucket, Policy="{}"), True),
    "s3:PutObject": Call("s3", "put_object", _with(_object, Body=b"a"), True),
    "s3:PutObjectAcl": Call(
        "s3", "put_object_acl", _with(_object, ACL="private"), True, "AccessControlListNotSupported"
    ),
    "s3:PutObjectTagging": Call("s3", "put_object_tagging", _with(_object, Tagging=_TAGS), True),
    "kms:Decrypt": Call(
        "kms", "decrypt", _with(_key, CiphertextBlob=b"none"), True, "InvalidCiphertextException"
    ),
    "kms:DescribeKey": Call("kms", "describe_key", _key, True),
    "kms:Encrypt": Call("kms", "encrypt", _with(_key, Plaintext=b"a"), True),
    "kms:GenerateDataKey": Call("kms", "generate_data_key", _with(_key, KeySpec="AES_256"), True),
    "kms:GetPublicKey": Call("kms", "get_public_key", _key, True),
    "kms:PutKeyPolicy": Call("kms", "put_key_policy", _with(_key, Policy="{}"), True),
    "kms:ScheduleKeyDeletion": Call("kms", "schedule_key_deletion", _key, True),
    "kms:Sign": Call(
        "kms", "sign", _with(_key, Message=b"a", SigningAlgorithm="ECDSA_SHA_256"), True
    ),
    "kms:Verify": Call(
        "kms",
        "verify",
        _with(_key, Message=b"a", Signature=b"a", SigningAlgorithm="ECDSA_SHA_256"),
        True,
        "KMSInvalidSignatureException",
    ),
    "logs:CreateLogGroup": Call(
        "logs",
        "create_log_group",
        _named("logGroupName", _group),
        ends_in="ResourceAlreadyExistsException",
    ),
    "logs:CreateLogStream": Call("logs", "create_log_stream", _stream),
    "logs:DeleteLogGroup": Call("logs", "delete_log_group", _named("logGroupName", _group)),
    "logs:GetLogEvents": Call("logs", "get_log_events", _stream),
    "logs:PutLogEvents": Call(
        "logs", "put_log_events", _with(_stream, logEvents=[{"timestamp": 1, "message": "a"}])
    ),
    "codebuild:BatchGetBuilds": Call(
        "codebuild", "batch_get_builds", lambda request: {"ids": [_build(request)]}
    ),
    "codebuild:StartBuild": Call("codebuild", "start_build", _named("projectName", _project)),
    "codebuild:StopBuild": Call(
        "codebuild", "stop_build", _named("id", _build), ends_in="ResourceNotFoundException"
    ),
    "codebuild:UpdateProject": Call("codebuild", "update_project", _named("name", _project)),
    "codepipeline:DisableStageTransition": Call(
        "codepipeline",
        "disable_stage_transition",
        _with(_stage, transitionType="Inbound", reason="access test"),
    ),
    "codepipeline:EnableStageTransition": Call(
        "codepipeline", "enable_stage_transition", _with(_stage, transitionType="Inbound")
    ),
    "codepipeline:GetPipeline": Call("codepipeline", "get_pipeline", _named("name", _name)),
    "codepipeline:GetPipelineExecution": Call(
        "codepipeline",
        "get_pipeline_execution",
        lambda request: {**_pipeline(request), "pipelineExecutionId": _EXECUTION},
        ends_in="PipelineExecutionNotFoundException",
    ),
    "codepipeline:GetPipelineState": Call(
        "codepipeline", "get_pipeline_state", _named("name", _name)
    ),
    "codepipeline:ListActionExecutions": Call("codepipeline", "list_action_executions", _pipeline),
    "codepipeline:ListPipelineExecutions": Call(
        "codepipeline", "list_pipeline_executions", _pipeline
    ),
    "codepipeline:OverrideStageCondition": Call(
        "codepipeline",
        "override_stage_condition",
        _with(_stage, pipelineExecutionId=_EXECUTION, conditionType="BEFORE_ENTRY"),
    ),
    "codepipeline:PutApprovalResult": Call(
        "codepipeline",
        "put_approval_result",
        _with(
            _stage,
            actionName="Approve",
            result={"summary": "a", "status": "Approved"},
            token=_EXECUTION,
        ),
    ),
    "codepipeline:PutJobFailureResult": Call(
        "codepipeline",
        "put_job_failure_result",
        lambda _: {"jobId": _EXECUTION, "failureDetails": {"type": "JobFailed", "message": "a"}},
        ends_in="JobNotFoundException",
    ),
    "codepipeline:PutJobSuccessResult": Call(
        "codepipeline",
        "put_job_success_result",
        lambda _: {"jobId": _EXECUTION},
        ends_in="JobNotFoundException",
    ),
    "codepipeline:RollbackStage": Call(
        "codepipeline", "rollback_stage", _with(_stage, targetPipelineExecutionId=_EXECUTION)
    ),
    "codepipeline:StartPipelineExecution": Call(
        "codepipeline", "start_pipeline_execution", _named("name", _name)
    ),
    "codepipeline:DeletePipeline": Call("codepipeline", "delete_pipeline", _named("name", _name)),
    "sts:AssumeRole": Call(
        "sts", "assume_role", _named("RoleArn", _arn, RoleSessionName="access-test"), True
    ),
    "lambda:InvokeFunction": Call(
        "lambda", "invoke", _named("FunctionName", _arn, InvocationType="DryRun"), True
    ),
    "lambda:UpdateFunctionCode": Call(
        "lambda", "update_function_code", _named("FunctionName", _arn, ZipFile=b"a"), True
    ),
    "sns:Publish": Call("sns", "publish", _named("TopicArn", _arn, Message="a"), True),
    "sns:Subscribe": Call(
        "sns", "subscribe", _named("TopicArn", _arn, Protocol="email", Endpoint="a@b.example"), True
    ),
    "ssm:GetParameter": Call("ssm", "get_parameter", _named("Name", _parameter)),
    "ssm:GetParameterHistory": Call("ssm", "get_parameter_history", _named("Name", _parameter)),
    "ssm:PutParameter": Call(
        "ssm", "put_parameter", _named("Name", _parameter, Value="a", Overwrite=True)
    ),
    "sqs:SendMessage": Call(
        "sqs",
        "send_message",
        lambda request: {
            "QueueUrl": f"http://127.0.0.1/{request.account(ACCOUNT)}/{request.name}",
            "MessageBody": "a",
        },
        True,
    ),
    "cloudformation:DeleteStack": Call(
        "cloudformation", "delete_stack", _named("StackName", _stack)
    ),
    "cloudformation:DescribeStacks": Call("cloudformation", "describe_stacks", lambda _: {}),
    "cloudformation:GetTemplate": Call(
        "cloudformation", "get_template", _named("StackName", _stack)
    ),
    "cloudformation:UpdateStack": Call(
        "cloudformation", "update_stack", _named("StackName", _stack, TemplateBody=_TEMPLATE)
    ),
    "cloudwatch:DescribeAlarmHistory": Call("cloudwatch", "describe_alarm_history", lambda _: {}),
    "cloudwatch:DescribeAlarms": Call("cloudwatch", "describe_alarms", lambda _: {}),
    "cloudwatch:PutMetricData": Call(
        "cloudwatch", "put_metric_data", lambda _: {"Namespace": "a", "MetricData": []}
    ),
    "cloudwatch:SetAlarmState": Call(
        "cloudwatch",
        "set_alarm_state",
        _named("AlarmName", _after("alarm:"), StateValue="OK", StateReason="a"),
    ),
    "iam:AttachRolePolicy": Call(
        "iam",
        "attach_role_policy",
        _named("RoleName", _role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    ),
    "iam:CreateRole": Call(
        "iam", "create_role", _named("RoleName", _role, AssumeRolePolicyDocument="{}")
    ),
    "iam:PutRolePolicy": Call(
        "iam", "put_role_policy", _named("RoleName", _role, PolicyName="a", PolicyDocument="{}")
    ),
    "iam:UpdateAssumeRolePolicy": Call(
        "iam", "update_assume_role_policy", _named("RoleName", _role, PolicyDocument="{}")
    ),
    "secretsmanager:GetSecretValue": Call(
        "secretsmanager", "get_secret_value", _named("SecretId", _arn), True
    ),
}
_REPORT = "only CodeBuild's agent calls it"
#: What no call of the emulator needs: its policy evaluation is asked instead, and why.
ASKED: dict[str, str] = {
    "codebuild:BatchPutCodeCoverages": _REPORT,
    "codebuild:BatchPutTestCases": _REPORT,
    "codebuild:CreateReport": _REPORT,
    "codebuild:CreateReportGroup": _REPORT,
    "codebuild:UpdateReport": _REPORT,
    "codeconnections:UseConnection": "only CodePipeline and CodeBuild use it",
    "codestar-connections:UseConnection": "only CodePipeline and CodeBuild use it",
    "iam:PassRole": "no call of its own needs it",
    "kms:ReEncryptFrom": "ReEncrypt needs two keys",
    "kms:ReEncryptTo": "ReEncrypt needs two keys",
    "s3:PutObjectLegalHold": "the bucket has no object lock",
    "s3:PutObjectRetention": "the bucket has no object lock",
    "s3:PutObjectVersionAcl": "the call is about an object's version",
    "s3:PutObjectVersionTagging": "the call is about an object's version",
}
