"""Tells people what happens in the pipeline, from the events of EventBridge.

A stage failed or is rolled back, an approval is needed, a time budget was exceeded, somebody
overrides a bake or a window, or signs with the pipeline's key. Waves are left to `stop_the_line`,
where that is on. Events come at least once: a message too many is better than one too few. An event
that says less than it should is told with what it says.
"""

import json
import os
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from .execution_facts import Facts, facts_if_known
from .message import Message, tell
from .names import override_parameter_name

BUDGET = "TimeBudget-"


def message_of(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    ssm: Any,
    pipeline: str,
    rolling_back: Collection[str],
) -> Message | None:
    """Return what people are told of an event, or None.

    Args:
        event: of EventBridge.
        codepipeline: a client in the pipeline's region.
        ssm: a client in the pipeline's region.
        pipeline: the pipeline's name.
        rolling_back: the stages whose rollbacks are told.
    """
    detail = _dictionary(event.get("detail"))
    about = Message(
        pipeline=pipeline,
        account=_text(event.get("account")),
        region=_text(event.get("region")),
        title="",
    )
    match event.get("detail-type"):
        case "CodePipeline Stage Execution State Change":
            return _stage_changed(about, detail, codepipeline, rolling_back)
        case "CodePipeline Action Execution State Change":
            return _approval_needed(about, detail, codepipeline)
        case "CloudWatch Alarm State Change":
            return _budget_exceeded(about, detail, codepipeline)
        case "Parameter Store Change":
            return _overridden(about, detail, codepipeline, ssm)
        case "AWS API Call via CloudTrail":
            return _signed_by_another(about, detail)
        case _:
            return None


def _stage_changed(
    about: Message, detail: dict[str, Any], codepipeline: Any, rolling_back: Collection[str]
) -> Message | None:
    stage, state = _text(detail.get("stage")), detail.get("state")
    if state == "FAILED":
        told = _with_facts(about, codepipeline, detail, stage)
        return replace(told, title=f"{stage} failed")
    if state == "STARTED" and stage in rolling_back:
        execution = _text(detail.get("execution-id"))
        facts = facts_if_known(codepipeline, about.pipeline, execution, stage)
        if facts and facts.rolls_back:
            told = _with_facts(about, codepipeline, detail, stage, facts)
            return replace(told, title=f"{stage} is rolled back", reason="")
    return None


def _approval_needed(about: Message, detail: dict[str, Any], codepipeline: Any) -> Message | None:
    category = _dictionary(detail.get("type")).get("category")
    if category != "Approval" or detail.get("state") != "STARTED":
        return None
    stage = _text(detail.get("stage"))
    told = _with_facts(about, codepipeline, detail, stage)
    return replace(
        told,
        title=f"{stage} waits for an approval",
        reason="",
        hints=("Approve or reject the release in the console:",),
    )


def _budget_exceeded(about: Message, detail: dict[str, Any], codepipeline: Any) -> Message | None:
    state = _dictionary(detail.get("state"))
    if state.get("value") != "ALARM":
        return None
    stage = _text(detail.get("alarmName")).partition(BUDGET)[2]
    execution = _latest_execution(codepipeline, about.pipeline, stage)
    told = _with_facts(about, codepipeline, {"execution-id": execution}, stage)
    title = f"{stage or 'a stage'} took longer than its time budget"
    return replace(told, title=title, reason=_text(state.get("reason")))


def _overridden(
    about: Message, detail: dict[str, Any], codepipeline: Any, ssm: Any
) -> Message | None:
    """Tell who overrides what: Systems Manager itself records who has written the marker."""
    from botocore.exceptions import BotoCoreError, ClientError

    if detail.get("operation") != "Update":
        return None
    who, value = "somebody", ""
    try:
        latest = _latest_version(ssm, override_parameter_name(about.pipeline))
        who, value = _text(latest.get("LastModifiedUser")) or who, _text(latest.get("Value"))
    except (BotoCoreError, ClientError) as error:
        value = f"the marker could not be read: {error}"
    try:
        marker = _dictionary(json.loads(value))
    except ValueError:
        marker = {}
    stage = _text(marker.get("stage"))
    told = _with_facts(about, codepipeline, {"execution-id": marker.get("execution")}, stage)
    what = _text(marker.get("what"))
    return replace(
        told,
        title=f"{stage or 'a stage'} is overridden by {who}",
        heading=f"{' '.join(filter(None, [what, 'of', stage])) if what else stage or 'a stage'} "
        "is overridden",
        reason=_text(marker.get("reason")) or value,
    )


def _signed_by_another(about: Message, detail: dict[str, Any]) -> Message | None:
    """Tell who used the signing key, or tried to; the rule leaves out the action that seals."""
    if detail.get("eventName") != "Sign":
        return None
    resources = detail.get("resources")
    keys = [
        _text(_dictionary(each).get("ARN"))
        for each in (resources if isinstance(resources, list) else [])
    ]
    who = _text(_dictionary(detail.get("userIdentity")).get("arn")) or "somebody unknown"
    refusal = _text(detail.get("errorCode"))
    said = [
        f"{who} called kms:Sign with {', '.join(filter(None, keys)) or 'the signing key'}",
        f"at {_text(detail.get('eventTime')) or 'an unknown time'}",
        f"from {_text(detail.get('sourceIPAddress')) or 'an unknown address'}",
    ]
    return replace(
        about,
        title=f"Seal's key is used by another{', who was refused' if refusal else ''}",
        reason=" ".join(said) + (f": {refusal}" if refusal else ""),
        hints=("What another signs with it passes as sealed: find out who did it.",),
    )


def _latest_version(ssm: Any, name: str) -> dict[str, Any]:
    latest: dict[str, Any] = {}
    more: dict[str, str] = {}
    # A parameter has at most a hundred versions, and a page fifty.
    for _ in range(5):
        page = ssm.get_parameter_history(Name=name, **more)
        latest = max([latest, *page.get("Parameters", [])], key=lambda each: each.get("Version", 0))
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    return latest


def _latest_execution(codepipeline: Any, pipeline: str, stage: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        state = codepipeline.get_pipeline_state(name=pipeline)
    except (BotoCoreError, ClientError):
        return ""
    for each in state.get("stageStates", []):
        if each.get("stageName") == stage:
            return _text(each.get("latestExecution", {}).get("pipelineExecutionId"))
    return ""


def _with_facts(
    about: Message,
    codepipeline: Any,
    detail: dict[str, Any],
    stage: str,
    known: Facts | None = None,
) -> Message:
    execution = _text(detail.get("execution-id"))
    facts = known or facts_if_known(codepipeline, about.pipeline, execution, stage) or Facts()
    return replace(
        about,
        execution=execution,
        commits=facts.commits,
        author=facts.author,
        reason=facts.cause,
    )


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def notify(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    ssm: Any,
    sns: Any,
    pipeline: str,
    rolling_back: Collection[str],
    topic_arn: str,
    to_chat: bool,
) -> str:
    """Tell people of an event; return what they are told, or why nothing."""
    message = message_of(
        event,
        codepipeline=codepipeline,
        ssm=ssm,
        pipeline=pipeline,
        rolling_back=rolling_back,
    )
    if message is None:
        return "nothing to tell"
    tell(sns, topic_arn, message, to_chat=to_chat)
    return message.subject


def handler(event: dict[str, Any], context: Any) -> str:
    """Run in Lambda; the environment says whom to tell of what."""
    import boto3

    return notify(
        event,
        codepipeline=boto3.client("codepipeline"),
        ssm=boto3.client("ssm"),
        sns=boto3.client("sns"),
        pipeline=os.environ["PIPELINE"],
        rolling_back=json.loads(os.environ["ROLLING_BACK"]),
        topic_arn=os.environ["TOPIC_ARN"],
        to_chat=bool(os.environ.get("TO_CHAT")),
    )
