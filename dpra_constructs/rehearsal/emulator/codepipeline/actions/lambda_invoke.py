"""Lambda invoke: a job, which the function answers, also with a token to be called again.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline import artifacts
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import (
    ActionFailedError,
    ServiceError,
)
from dpra_constructs.rehearsal.emulator.codepipeline.state import Artifact, new_id
from dpra_constructs.rehearsal.settings import TIME_SCALE

_REPLY_SECONDS = 20 * 60
_TOTAL_SECONDS = 24 * 60 * 60
# Not documented; long enough that a loop by tokens is no busy one.
_AGAIN_SECONDS = 30
_SHORTEST_AGAIN_SECONDS = 0.25


@dataclass(kw_only=True, slots=True)
class Job:
    """One invocation that waits for its answer."""

    id: str = field(default_factory=new_id)
    account: str
    answered: threading.Event
    details: Mapping[str, Any]
    success: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None


_JOBS: dict[str, Job] = {}
_LOCK = threading.Lock()


def job(account: str, job_id: str) -> Job:
    """Return a job of an account.

    Raises:
        ServiceError: there is none.
    """
    found = _JOBS.get(job_id)
    if found is None or found.account != account:
        raise ServiceError("JobNotFoundException", f"no job {job_id}")
    return found


def answer(
    account: str,
    job_id: str,
    *,
    success: Mapping[str, Any] | None = None,
    failure: Mapping[str, Any] | None = None,
) -> None:
    """Take a function's answer: PutJobSuccessResult or PutJobFailureResult.

    Raises:
        ServiceError: there is no such job, or it has its answer.
    """
    with _LOCK:
        waiting = job(account, job_id)
        if waiting.answered.is_set():
            raise ServiceError("InvalidJobStateException", f"job {job_id} has its answer")
        waiting.success, waiting.failure = success, failure
        waiting.answered.set()


def _invoke(context: ActionContext) -> Result:
    outputs = tuple(
        artifacts.new_artifact(context.pipeline, name, context.action.region)
        for name in context.action.outputs
    )
    token: str | None = None
    began = context.clock.now()
    while (context.clock.now() - began) * context.clock.scale < _TOTAL_SECONDS:
        success = _ask(context, outputs, token)
        token = success.get("continuationToken")
        details = success.get("executionDetails", {})
        context.run.summary = details.get("summary", context.run.summary)
        if not token:
            return _finish(context, outputs, success)
        context.note(f"to be continued: {context.run.summary}")
        if context.clock.wait(context.run.abandoned, _again_seconds()):
            raise ActionFailedError("JobFailed", "the action was abandoned")
    raise ActionFailedError("TimeoutError", "the function has not ended within 24 hours")


def _again_seconds() -> float:
    # What a function's clock is told, holds for the calls of it too.
    return max(_AGAIN_SECONDS / float(os.environ.get(TIME_SCALE, "1")), _SHORTEST_AGAIN_SECONDS)


def _finish(
    context: ActionContext, outputs: tuple[Artifact, ...], success: Mapping[str, Any]
) -> Result:
    for artifact in outputs:
        artifacts.get(context.actor, artifact, context.action.region)
    context.run.outputs = outputs
    details = success.get("executionDetails", {})
    return Result(
        summary=details.get("summary", ""),
        external_id=details.get("externalExecutionId", ""),
        variables=success.get("outputVariables", {}),
    )


def _ask(
    context: ActionContext, outputs: tuple[Artifact, ...], token: str | None
) -> Mapping[str, Any]:
    waiting = Job(account=context.pipeline.account, answered=threading.Event(), details={})
    waiting.details = _details(context, outputs, token)
    _JOBS[waiting.id] = waiting
    try:
        payload = {
            "CodePipeline.job": {
                "id": waiting.id,
                "accountId": context.pipeline.account,
                "data": waiting.details,
            }
        }
        context.actor.client("lambda").invoke(
            FunctionName=context.configuration["FunctionName"],
            InvocationType="Event",
            Payload=json.dumps(payload).encode(),
        )
        if not context.clock.wait(waiting.answered, _REPLY_SECONDS):
            raise ActionFailedError(
                "TimeoutError",
                f"the function {context.configuration['FunctionName']} called neither "
                "PutJobSuccessResult nor PutJobFailureResult within 20 minutes; its log says why",
            )
    finally:
        _JOBS.pop(waiting.id, None)
    if waiting.failure is not None:
        details = waiting.failure
        context.run.external_id = details.get("externalExecutionId", "")
        raise ActionFailedError(details["type"], details["message"])
    return waiting.success or {}


def _details(
    context: ActionContext, outputs: tuple[Artifact, ...], token: str | None
) -> dict[str, Any]:
    store = context.pipeline.stores[context.action.region]
    actor = context.actor
    details: dict[str, Any] = {
        "actionConfiguration": {"configuration": dict(context.configuration)},
        "inputArtifacts": _shown(tuple(context.inputs.values()), context.action.region),
        "outputArtifacts": _shown(outputs, context.action.region),
        "artifactCredentials": {
            "accessKeyId": actor.access_key_id,
            "secretAccessKey": actor.secret_access_key,
            "sessionToken": actor.session_token or "",
        },
    }
    if token:
        details["continuationToken"] = token
    if store.key_id:
        details["encryptionKey"] = {"id": store.key_id, "type": "KMS"}
    return details


def _shown(given: tuple[Artifact, ...], region: str) -> list[dict[str, Any]]:
    return [
        {
            "name": artifact.name,
            "revision": None,
            "location": {
                "type": "S3",
                "s3Location": {"bucketName": artifact.buckets[region], "objectKey": artifact.key},
            },
        }
        for artifact in given
    ]


LAMBDA = ActionType(
    run=_invoke,
    keys=frozenset({"FunctionName", "UserParameters"}),
    required=frozenset({"FunctionName"}),
)
