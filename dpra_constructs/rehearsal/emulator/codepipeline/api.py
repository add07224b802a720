"""CodePipeline's API, as far as a person and this library watch and steer a rehearsal by it.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    json_response,
)

from dpra_constructs.rehearsal.emulator.codepipeline import shapes
from dpra_constructs.rehearsal.emulator.codepipeline.actions import lambda_invoke
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import declaration
from dpra_constructs.rehearsal.emulator.codepipeline.executor import PipelineExecutor
from dpra_constructs.rehearsal.emulator.codepipeline.pipelines import (
    all_records,
    executor_of,
    record_of,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ServiceError
from dpra_constructs.rehearsal.emulator.codepipeline.state import ActionRun, Execution

Request = Mapping[str, Any]
Response = dict[str, Any]

_MOST_RESULTS = 100


async def answer(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> Any:
    """Answer one request; the emulator's IAM has let it pass."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    handler = _OPERATIONS.get(operation)
    if handler is None:
        return error_response_json(
            "InvalidAction", f"{operation} is not part of this rehearsal", 400
        )
    try:
        return json_response(handler(json.loads(body or b"{}")))
    except ServiceError as error:
        return error_response_json(error.code, str(error), 400)
    except KeyError as error:
        return error_response_json("ValidationException", f"{error} is missing", 400)


def _caller() -> str:
    # Who called is in the emulator's signature check, which keeps only the account.
    return f"arn:aws:iam::{get_account_id()}:root"


def _get_pipeline(request: Request) -> Response:
    record = record_of(request["name"])
    executor = executor_of(request["name"])
    return {
        "pipeline": declaration(record),
        "metadata": {
            "pipelineArn": record["attributes"]["Arn"],
            "created": executor.created,
            "updated": executor.updated,
        },
    }


def _list_pipelines(request: Request) -> Response:
    shown = [shapes.pipeline_summary(executor_of(record["name"])) for record in all_records()]
    return _page(request, "pipelines", shown)


def _start(request: Request) -> Response:
    executor = executor_of(request["name"])
    given = request.get("sourceRevisions", [])
    sources = {
        action.name
        for stage in executor.pipeline.stages
        for action in stage.actions
        if action.category == "Source"
    }
    for revision in given:
        if revision["actionName"] not in sources:
            raise ServiceError(
                "ValidationException", f"{revision['actionName']} is no source action"
            )
    execution = executor.start(
        trigger="StartPipelineExecution",
        detail=_caller(),
        variables={each["name"]: each["value"] for each in request.get("variables", [])},
        revisions={each["actionName"]: each["revisionValue"] for each in given},
    )
    return {"pipelineExecutionId": execution.id}


def _get_state(request: Request) -> Response:
    return shapes.pipeline_state(executor_of(request["name"]))


def _list_executions(request: Request) -> Response:
    executor = executor_of(request["pipelineName"])
    with executor.lock:
        executions: Sequence[Execution] = executor.executions
        if stage_filter := request.get("filter", {}).get("succeededInStage"):
            stage = executor.stage(stage_filter["stageName"])
            executions = [
                each for each in executions if each in executor.stages[stage.name].succeeded
            ]
        shown = [shapes.execution_summary(each) for each in reversed(executions)]
    return _page(request, "pipelineExecutionSummaries", shown)


def _get_execution(request: Request) -> Response:
    executor = executor_of(request["pipelineName"])
    with executor.lock:
        execution = executor.execution(request["pipelineExecutionId"])
        return {"pipelineExecution": shapes.execution(execution)}


def _list_actions(request: Request) -> Response:
    return _list_runs(
        request, "actionExecutionDetails", lambda each: each.runs, shapes.action_execution
    )


def _list_rules(request: Request) -> Response:
    return _list_runs(
        request, "ruleExecutionDetails", lambda each: each.rule_runs, shapes.rule_execution
    )


def _list_runs(
    request: Request,
    member: str,
    runs_of: Callable[[Execution], Sequence[ActionRun]],
    show: Callable[[ActionRun, str], Response],
) -> Response:
    """Show what ran, of one execution or of all, newest first."""
    executor = executor_of(request["pipelineName"])
    wanted = request.get("filter", {})
    latest = wanted.get("latestInPipelineExecution", {})
    execution_id = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    with executor.lock:
        executions = [executor.execution(execution_id)] if execution_id else executor.executions
        runs = [run for execution in executions for run in runs_of(execution)]
        if latest.get("startTimeRange") == "Latest":
            runs = list({(run.action.stage, run.action.name): run for run in runs}.values())
        shown = [
            show(run, executor.pipeline.region)
            for run in sorted(runs, key=lambda run: run.started, reverse=True)
        ]
    return _page(request, member, shown)


_CONDITION_TYPES = {"BEFORE_ENTRY": "beforeEntry", "ON_SUCCESS": "onSuccess"}


def _override(request: Request) -> Response:
    kind = request["conditionType"]
    if kind not in _CONDITION_TYPES:
        raise ServiceError(
            "ValidationException", f"{kind} is none of {', '.join(_CONDITION_TYPES)}"
        )
    executor_of(request["pipelineName"]).override(
        request["stageName"], request["pipelineExecutionId"], _CONDITION_TYPES[kind]
    )
    return {}


def _put_approval(request: Request) -> Response:
    result = request["result"]
    approved_at = executor_of(request["pipelineName"]).answer(
        request["stageName"],
        request["actionName"],
        request["token"],
        result["status"],
        result["summary"],
        _caller(),
    )
    return {"approvedAt": approved_at}


def _retry(request: Request) -> Response:
    execution = executor_of(request["pipelineName"]).retry(
        request["stageName"], request["pipelineExecutionId"], request["retryMode"]
    )
    return {"pipelineExecutionId": execution.id}


def _stop(request: Request) -> Response:
    execution_id = request["pipelineExecutionId"]
    executor_of(request["pipelineName"]).stop(
        execution_id,
        abandon=request.get("abandon", False),
        reason=request.get("reason", ""),
    )
    return {"pipelineExecutionId": execution_id}


def _roll_back(request: Request) -> Response:
    execution = executor_of(request["pipelineName"]).roll_back(
        request["stageName"], request["targetPipelineExecutionId"], _caller()
    )
    return {"pipelineExecutionId": execution.id}


def _enable(request: Request) -> Response:
    return _set_transition(request, enabled=True)


def _disable(request: Request) -> Response:
    return _set_transition(request, enabled=False)


def _set_transition(request: Request, *, enabled: bool) -> Response:
    executor: PipelineExecutor = executor_of(request["pipelineName"])
    if request["transitionType"] != "Inbound":
        raise ServiceError(
            "ValidationException",
            "this rehearsal does not support the transition type Outbound; "
            "name the following stage with Inbound",
        )
    executor.set_transition(
        request["stageName"], enabled=enabled, reason=request.get("reason", ""), who=_caller()
    )
    return {}


def _job_success(request: Request) -> Response:
    lambda_invoke.answer(get_account_id(), request["jobId"], success=request)
    return {}


def _job_failure(request: Request) -> Response:
    lambda_invoke.answer(get_account_id(), request["jobId"], failure=request["failureDetails"])
    return {}


def _page(request: Request, name: str, items: Sequence[Any]) -> Response:
    try:
        start = int(request.get("nextToken") or 0)
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "the token is not one of ours") from None
    end = start + int(request.get("maxResults") or _MOST_RESULTS)
    more = {"nextToken": str(end)} if end < len(items) else {}
    return {name: list(items[start:end]), **more}


_OPERATIONS: Mapping[str, Callable[[Request], Response]] = {
    "DisableStageTransition": _disable,
    "EnableStageTransition": _enable,
    "GetPipeline": _get_pipeline,
    "GetPipelineExecution": _get_execution,
    "GetPipelineState": _get_state,
    "ListActionExecutions": _list_actions,
    "ListPipelineExecutions": _list_executions,
    "ListPipelines": _list_pipelines,
    "ListRuleExecutions": _list_rules,
    "OverrideStageCondition": _override,
    "PutApprovalResult": _put_approval,
    "PutJobFailureResult": _job_failure,
    "PutJobSuccessResult": _job_success,
    "RetryStageExecution": _retry,
    "RollbackStage": _roll_back,
    "StartPipelineExecution": _start,
    "StopPipelineExecution": _stop,
}
