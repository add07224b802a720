"""Stops the line: a prod wave that fails or is rolled back lets no further release in.

An EventBridge rule gives it the stage events of the pipeline. It disables the inbound transition
of the stage before production, has the waves before a bad bake rolled back where that is asked for,
and notifies. Events come at least once and in any order, so a stopped line is left as it is.
"""

import json
import os
import re
from typing import Any

from .execution_facts import Facts, facts_of
from .message import Message, tell

# DisableStageTransition's reason: its length, and its characters.
_LONGEST_REASON = 300
_NO_REASON_CHARACTERS = re.compile(r"[^a-zA-Z0-9!@ ().*?-]+")
#: How the reason begins when this function has stopped the line.
STOPPED = "Line stopped"


def disabled_reason(text: str) -> str:
    """Return a text as CodePipeline takes it for the reason of a disabled transition.

    >>> disabled_reason("fruit_api: it's red")
    'fruit-api - it-s red'
    """
    kept = _NO_REASON_CHARACTERS.sub("-", text.replace(": ", " - ").replace("\n", " "))
    return " ".join(kept.split())[:_LONGEST_REASON].strip() or STOPPED


def is_ours(state: dict[str, Any]) -> bool:
    """Return whether this library has disabled a stage's inbound transition."""
    transition = state.get("inboundTransitionState", {})
    return not transition.get("enabled", True) and transition.get("disabledReason", "").startswith(
        STOPPED
    )


def stop(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    sns: Any,
    entrance: str,
    waves: list[str],
    topic_arn: str,
    to_chat: bool = False,
    stepfunctions: Any = None,
    roll_back_all_arn: str = "",
) -> str:
    """Act on one event; return what was done.

    Args:
        event: "CodePipeline Stage Execution State Change".
        codepipeline: a client in the pipeline's region.
        sns: a client in the topic's region.
        entrance: the stage that no further release may enter, usually `Approve-Prod`.
        waves: the names of the pipeline stages that deploy to production, in order.
        topic_arn: who is told.
        to_chat: whether a chat channel has subscribed.
        stepfunctions: a client in the pipeline's region.
        roll_back_all_arn: the state machine that rolls the waves before a bad bake back, if any.
    """
    detail = event["detail"]
    pipeline, stage = detail["pipeline"], detail["stage"]
    execution, state = detail["execution-id"], detail["state"]
    if stage not in waves or state not in ("FAILED", "STARTED"):
        return "not a wave that failed or is rolled back"
    facts = facts_of(codepipeline, pipeline, execution, stage)
    if state == "STARTED" and not facts.rolls_back:
        return "a release began"
    what = "is rolled back" if state == "STARTED" else "failed"
    if facts.rolls_back and state == "FAILED":
        what = "failed to be rolled back"
    stages = {
        each["stageName"]: each
        for each in codepipeline.get_pipeline_state(name=pipeline).get("stageStates", [])
    }
    stopped = stages.get(entrance, {})
    if stopped.get("inboundTransitionState", {}).get("enabled", True):
        reason = disabled_reason(
            f"{STOPPED} - {stage} {what} in {execution} - resume with dpra resume {pipeline} - "
            f"{facts.cause}"
        )
        codepipeline.disable_stage_transition(
            pipelineName=pipeline, stageName=entrance, transitionType="Inbound", reason=reason
        )
    elif is_ours(stopped) and state == "STARTED":
        # The rollback that follows a failure; the failure was told.
        return "the line is stopped already"
    earlier = waves[: waves.index(stage)]
    rolls_all_back = (
        bool(roll_back_all_arn)
        and state == "FAILED"
        and not facts.rolls_back
        and facts.bake_failed
        and bool(earlier)
    )
    if rolls_all_back:
        _start(stepfunctions, roll_back_all_arn, event, earlier, [entrance, *waves])
    # Told again if this event comes twice: a message too many is better than one too few.
    message = _message(event, what, facts, entrance, earlier if rolls_all_back else [])
    tell(sns, topic_arn, message, to_chat=to_chat)
    return f"line stopped: {stage} {what}"


def _start(
    stepfunctions: Any, arn: str, event: dict[str, Any], waves: list[str], closed: list[str]
) -> None:
    """Start rolling back; an event that comes twice starts it once."""
    from botocore.exceptions import ClientError

    detail = event["detail"]
    given = {
        "pipeline": detail["pipeline"],
        "account": event["account"],
        "region": event["region"],
        "execution": detail["execution-id"],
        "failed_wave": detail["stage"],
        "waves": waves,
        "closed": list(dict.fromkeys(closed)),
    }
    try:
        stepfunctions.start_execution(
            stateMachineArn=arn,
            name=f"{detail['execution-id']}-{event['id']}",
            input=json.dumps(given),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise


def _message(
    event: dict[str, Any], what: str, facts: Facts, entrance: str, rolled_back: list[str]
) -> Message:
    detail, region = event["detail"], event["region"]
    pipeline, stage = detail["pipeline"], detail["stage"]
    told = [f"{', '.join(rolled_back)} will be rolled back too; a report follows."]
    return Message(
        pipeline=pipeline,
        account=event["account"],
        region=region,
        title=f"{stage} {what}",
        heading=f"{stage} {what}, line stopped",
        execution=detail["execution-id"],
        commits=facts.commits,
        author=facts.author,
        reason=facts.cause,
        hints=(
            *(told if rolled_back else []),
            f"No release enters {entrance} until somebody runs: dpra resume {pipeline} "
            f"--region {region}",
        ),
    )


def handler(event: dict[str, Any], context: Any) -> str:
    """Run in Lambda; `ENTRANCE`, `WAVES` (a JSON list) and `TOPIC_ARN` say what to watch."""
    import boto3

    return stop(
        event,
        codepipeline=boto3.client("codepipeline"),
        sns=boto3.client("sns"),
        entrance=os.environ["ENTRANCE"],
        waves=json.loads(os.environ["WAVES"]),
        topic_arn=os.environ["TOPIC_ARN"],
        to_chat=bool(os.environ.get("TO_CHAT")),
        stepfunctions=boto3.client("stepfunctions"),
        roll_back_all_arn=os.environ.get("ROLL_BACK_ALL_ARN", ""),
    )
