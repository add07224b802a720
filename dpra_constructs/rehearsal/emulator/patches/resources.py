"""Which resource a call is checked on, where MiniStack checks it on `*` or on a wider one.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.services import cloudformation, kms

from dpra_constructs.rehearsal.emulator.authorization import CHECKS, Check, Request

_STAGE_ACTIONS = (
    "DisableStageTransition",
    "EnableStageTransition",
    "OverrideStageCondition",
    "RetryStageExecution",
    "RollbackStage",
)
_ACTION_ACTIONS = ("PutActionRevision", "PutApprovalResult")
_STREAM_ACTIONS = ("CreateLogStream", "DeleteLogStream", "PutLogEvents", "GetLogEvents")


def build_project() -> None:
    """Check CodeBuild's calls on the project that they are about.

    A build's id is `project:uuid`, a batch's too; a call about several is checked on each.
    """

    def projects(request: Request) -> list[str]:
        if request.service != "codebuild":
            return []
        data = request.json()
        ids = [*data.get("ids", ()), data.get("id")]
        names = [*data.get("names", ()), *(id.partition(":")[0] for id in ids if id)]
        reports = [data.get("reportGroupArn"), (data.get("reportArn") or "").rpartition(":")[0]]
        project = f"arn:aws:codebuild:{request.region}:{request.account}:project/"
        return [
            *(name if name.startswith("arn:") else project + name for name in dict.fromkeys(names)),
            *(report.replace(":report/", ":report-group/") for report in reports if report),
        ]

    check_on(projects)


def pipeline_part() -> None:
    """Check CodePipeline's calls on the pipeline, stage or action that they are about."""

    def parts(request: Request) -> list[str]:
        if request.service != "codepipeline":
            return []
        data = request.json()
        declared = (data.get("pipeline") or {}) if isinstance(data.get("pipeline"), dict) else {}
        name = data.get("pipelineName") or data.get("name") or declared.get("name")
        if not name:
            return []
        part = [name]
        if request.operation in (*_STAGE_ACTIONS, *_ACTION_ACTIONS):
            part.append(data.get("stageName"))
        if request.operation in _ACTION_ACTIONS:
            part.append(data.get("actionName"))
        return [
            f"arn:aws:codepipeline:{request.region}:{request.account}:{'/'.join(map(str, part))}"
        ]

    check_on(parts)


def log_stream() -> None:
    """Check a call about a log stream on the stream, as `log-group:NAME:*` is what CDK grants."""

    def streams(request: Request) -> list[str]:
        if request.service != "logs" or request.operation not in _STREAM_ACTIONS:
            return []
        data = request.json()
        group = f"arn:aws:logs:{request.region}:{request.account}:log-group"
        name, stream = data.get("logGroupName"), data.get("logStreamName")
        return [f"{group}:{name}:log-stream:{stream}"] if name and stream else []

    check_on(streams)


def key_alias() -> None:
    """Check a call that names a key by its alias on the key, as KMS does."""

    def key(request: Request) -> list[str]:
        named = request.json().get("KeyId") if request.service == "kms" else None
        if not isinstance(named, str) or not named.startswith("alias/"):
            return []
        record = kms._resolve_key(named)
        return [record["Arn"]] if record else []

    check_on(key)


def parameter_names() -> None:
    """Check `ssm:GetParameters` on each name, and `ssm:GetParametersByPath` on the path."""

    def parameters(request: Request) -> list[str]:
        if request.service != "ssm":
            return []
        data = request.json()
        prefix = f"arn:aws:ssm:{request.region}:{request.account}:parameter"
        names = [*data.get("Names", ()), data.get("Path")]
        return [f"{prefix}/{name.strip('/')}" for name in names if isinstance(name, str)]

    check_on(parameters)


def change_set_stack() -> None:
    """Check a call that names a change set by its ARN alone on the stack of that change set."""

    def stack(request: Request) -> list[str]:
        if request.service != "cloudformation" or request.parameter("StackName"):
            return []
        change_set = cloudformation._change_sets.get(request.parameter("ChangeSetName"))
        return [change_set["StackId"]] if change_set else []

    check_on(stack)


def check_on(arns: Callable[[Request], list[str]]) -> None:
    """Check a call on the first of `arns` in place of MiniStack's resource, and on the others."""
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        request = Request(service, method, path, headers, body, query_params, region, account_id)
        found = arns(request)
        if found:
            return found[0]
        other: str = extract(service, method, path, headers, body, query_params, region, account_id)
        return other

    def others(request: Request) -> list[Check]:
        further = arns(request)[1:]
        if not further:
            return []
        action = iam_actions.extract_iam_action(
            request.service,
            request.method,
            request.path,
            request.headers,
            request.body,
            request.parameters,
        )
        return [Check(action, arn) for arn in further if action]

    iam_actions.extract_resource_arn = extract_resource_arn
    CHECKS.append(others)
