"""Rolls back every wave that a bad release has passed, the newest wave first.

Called again and again, each time with what it returned, until `done`: a state machine waits in
between, as a pipeline that is busy can take half an hour. First nothing more may enter the waves;
then each wave goes back to the release that it had before. In the end people are told, wave by
wave, also when it could not be done.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from .execution_facts import Facts, facts_if_known
from .message import Message, tell
from .stop_the_line import STOPPED, disabled_reason

#: How long a wave that is busy is tried again.
BUSY_SECONDS = 30 * 60
_BUSY = ("ConflictException", "UnableToRollbackStageException")
_NO_TARGET = (
    "PipelineExecutionNotFoundException",
    "PipelineExecutionOutdatedException",
    "StageNotFoundException",
)
# Two thousand releases: what is older has lost its artifacts.
_MOST_PAGES = 20


def step(
    state: dict[str, Any], *, codepipeline: Any, clock: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Try every wave that is not finished once, and return the new state.

    Args:
        state: `pipeline`; `execution`, the release to take back; `waves`, those before the one
            that failed, in the order of deployment; `closed`, the stages that nothing may enter
            meanwhile. And what an earlier call has added: `started` in seconds since 1970,
            `report` with a line for each wave that is finished, and `done`.
        codepipeline: a client in the pipeline's region.
        clock: seconds since 1970.
    """
    from botocore.exceptions import ClientError

    pipeline, execution = state["pipeline"], state["execution"]
    now = clock()
    started = state.get("started", now)
    report = dict(state.get("report", {}))
    _close(codepipeline, pipeline, state["closed"], execution)
    for wave in reversed(state["waves"]):
        if wave in report:
            continue
        problem = ""
        try:
            target, why = find_target(codepipeline, pipeline, wave, execution)
            if target is None:
                report[wave] = why
                continue
            answer = codepipeline.rollback_stage(
                pipelineName=pipeline, stageName=wave, targetPipelineExecutionId=target
            )
            report[wave] = f"rolled back to {target} by {answer['pipelineExecutionId']}"
            continue
        except ClientError as error:
            code, problem = error.response["Error"]["Code"], str(error)
            if code in _NO_TARGET:
                report[wave] = f"no target: {problem}"
                continue
        # Busy, throttled, or a failure of the service: worth another try.
        if now - started >= BUSY_SECONDS:
            report[wave] = f"busy for {BUSY_SECONDS // 60} minutes: {problem}"
    return {
        **state,
        "started": started,
        "report": report,
        "done": all(wave in report for wave in state["waves"]),
    }


def find_target(
    codepipeline: Any, pipeline: str, wave: str, execution: str
) -> tuple[str | None, str]:
    """Return the release that a wave had before an execution, or None and the reason.

    An earlier rollback stands for the release that it brought back.
    """
    passed = _succeeded(codepipeline, pipeline, wave)
    release = next((each for each in passed if each["pipelineExecutionId"] == execution), None)
    if release is None:
        return None, "untouched: the release has not passed it"
    rollbacks = [each for each in passed if each.get("executionType") == "ROLLBACK"]
    # Releases pass a wave in the order in which they began; a rollback begins in its wave.
    earlier = [
        each
        for each in passed
        if each not in rollbacks and each["startTime"] < release["startTime"]
    ]
    arrived = _arrival(codepipeline, pipeline, wave, release)
    candidates = [(each["startTime"], each) for each in rollbacks if each["startTime"] < arrived]
    if earlier:
        latest = max(earlier, key=lambda each: each["startTime"])
        candidates.append((_arrival(codepipeline, pipeline, wave, latest), latest))
    if not candidates:
        return None, "no target: it had no release before"
    target = _release(max(candidates, key=lambda each: each[0])[1])
    if any(each["startTime"] >= arrived and _release(each) == target for each in rollbacks):
        return None, f"rolled back to {target} already"
    return target, ""


def _arrival(codepipeline: Any, pipeline: str, wave: str, execution: dict[str, Any]) -> Any:
    """Return when a release arrived in a wave, or when it began if nobody knows any more."""
    arrivals = [
        action["startTime"]
        for page in _pages(
            codepipeline.list_action_executions,
            pipelineName=pipeline,
            filter={"pipelineExecutionId": execution["pipelineExecutionId"]},
        )
        for action in page.get("actionExecutionDetails", [])
        if action.get("stageName") == wave
    ]
    return min(arrivals, default=execution["startTime"])


def _release(execution: dict[str, Any]) -> str:
    if execution.get("executionType") == "ROLLBACK":
        target = execution.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
        return str(target or execution["pipelineExecutionId"])
    return str(execution["pipelineExecutionId"])


def _succeeded(codepipeline: Any, pipeline: str, wave: str) -> list[dict[str, Any]]:
    return [
        execution
        for page in _pages(
            codepipeline.list_pipeline_executions,
            pipelineName=pipeline,
            filter={"succeededInStage": {"stageName": wave}},
        )
        for execution in page.get("pipelineExecutionSummaries", [])
    ]


def _pages(operation: Callable[..., dict[str, Any]], **given: Any) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = operation(**given, **more)
        yield page
        if not page.get("nextToken"):
            return
        more = {"nextToken": page["nextToken"]}


def _close(codepipeline: Any, pipeline: str, stages: list[str], execution: str) -> None:
    states = {
        each["stageName"]: each
        for each in codepipeline.get_pipeline_state(name=pipeline).get("stageStates", [])
    }
    for stage in stages:
        if states.get(stage, {}).get("inboundTransitionState", {}).get("enabled", True):
            codepipeline.disable_stage_transition(
                pipelineName=pipeline,
                stageName=stage,
                transitionType="Inbound",
                reason=disabled_reason(
                    f"{STOPPED} - every wave of {execution} is rolled back - resume with dpra "
                    f"resume {pipeline}"
                ),
            )


def report_of(state: dict[str, Any], *, codepipeline: Any) -> Message:
    """Return what people are told in the end.

    Args:
        state: what the last call returned, with `account`, `region` and `failed_wave`; or what it
            was given, with the `error` for which the state machine has given up.
        codepipeline: a client in the pipeline's region.
    """
    report = state.get("report", {})
    lines = [f"{wave}: {report.get(wave, 'not rolled back')}" for wave in reversed(state["waves"])]
    if error := state.get("error"):
        lines.append(f"{error.get('Error')}: {error.get('Cause')}")
    back = [wave for wave in state["waves"] if report.get(wave, "").startswith("rolled back")]
    facts = (
        facts_if_known(codepipeline, state["pipeline"], state["execution"], state["failed_wave"])
        or Facts()
    )
    return Message(
        pipeline=state["pipeline"],
        account=state["account"],
        region=state["region"],
        title=f"{state['failed_wave']} failed its bake; {len(back)} of {len(state['waves'])} "
        "waves before it are rolled back",
        execution=state["execution"],
        commits=facts.commits,
        author=facts.author,
        reason="\n".join(lines),
        hints=(
            f"No release enters production until somebody runs: dpra resume {state['pipeline']} "
            f"--region {state['region']}",
        ),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run in Lambda: one step, or, with `tell`, the report."""
    import boto3

    codepipeline = boto3.client("codepipeline")
    if "tell" not in event:
        return step(event, codepipeline=codepipeline)
    tell(
        boto3.client("sns"),
        os.environ["TOPIC_ARN"],
        report_of(event["tell"], codepipeline=codepipeline),
        to_chat=bool(os.environ.get("TO_CHAT")),
    )
    return dict(event["tell"])
