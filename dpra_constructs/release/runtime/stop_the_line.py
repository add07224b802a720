"""Stops the line: a prod wave that fails or is rolled back lets no further release in.

An EventBridge rule gives it the stage events of the pipeline. It disables the inbound transition
of the stage before production, and notifies. Events come at least once and in any order, so a
stopped line is left as it is.
"""

import contextlib
import json
import os
import re
from typing import Any

# DisableStageTransition's reason: its length, and its characters.
_LONGEST_REASON = 300
_NO_REASON_CHARACTERS = re.compile(r"[^a-zA-Z0-9!@ ().*?-]+")
_LONGEST_SUBJECT = 100
_LONGEST_CAUSE = 5_000
_MOST_PAGES = 20
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
) -> str:
    """Act on one event; return what was done.

    Args:
        event: "CodePipeline Stage Execution State Change".
        codepipeline: a client in the pipeline's region.
        sns: a client in the topic's region.
        entrance: the stage that no further release may enter, usually `Approve-Prod`.
        waves: the names of the pipeline stages that deploy to production.
        topic_arn: who is told.
    """
    detail = event["detail"]
    pipeline, stage = detail["pipeline"], detail["stage"]
    execution, state = detail["execution-id"], detail["state"]
    if stage not in waves or state not in ("FAILED", "STARTED"):
        return "not a wave that failed or is rolled back"
    facts = codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution
    )["pipelineExecution"]
    rolls_back = facts.get("executionType") == "ROLLBACK"
    if state == "STARTED" and not rolls_back:
        return "a release began"
    what = "is rolled back" if state == "STARTED" else "failed"
    if rolls_back and state == "FAILED":
        what = "failed to be rolled back"
    stages = {
        each["stageName"]: each
        for each in codepipeline.get_pipeline_state(name=pipeline).get("stageStates", [])
    }
    stopped = stages.get(entrance, {})
    cause = _cause(stages.get(stage, {}), execution)
    author = _author(codepipeline, pipeline, execution)
    if stopped.get("inboundTransitionState", {}).get("enabled", True):
        reason = disabled_reason(
            f"{STOPPED} - {stage} {what} in {execution} - enable the transition to resume - {cause}"
        )
        codepipeline.disable_stage_transition(
            pipelineName=pipeline, stageName=entrance, transitionType="Inbound", reason=reason
        )
    elif is_ours(stopped) and state == "STARTED":
        # The rollback that follows a failure; the failure was told.
        return "the line is stopped already"
    # Told again if this event comes twice: a message too many is better than one too few.
    sns.publish(
        TopicArn=topic_arn,
        Subject=f"{pipeline}: {stage} {what}, line stopped"[:_LONGEST_SUBJECT],
        Message=message(event, what, facts, author, cause, entrance),
    )
    return f"line stopped: {stage} {what}"


def message(
    event: dict[str, Any],
    what: str,
    facts: dict[str, Any],
    author: str | None,
    cause: str,
    entrance: str,
) -> str:
    """Return the notification: pipeline, stage, commit, author, reason and link."""
    detail, region = event["detail"], event["region"]
    pipeline, execution = detail["pipeline"], detail["execution-id"]
    commits = [
        " ".join(
            filter(
                None,
                [
                    revision.get("revisionId"),
                    _summary(revision.get("revisionSummary", "")),
                    revision.get("revisionUrl"),
                ],
            )
        )
        for revision in facts.get("artifactRevisions", [])
    ]
    return "\n".join(
        [
            f"Pipeline: {pipeline} in {event['account']}/{region}",
            f"Stage: {detail['stage']} {what}",
            f"Execution: {execution}",
            *(f"Commit: {commit}" for commit in commits),
            *([f"Author: {author}"] if author else []),
            f"Reason: {cause[:_LONGEST_CAUSE]}",
            f"No release enters {entrance} until somebody runs: aws codepipeline "
            f"enable-stage-transition --pipeline-name {pipeline} --stage-name {entrance} "
            f"--transition-type Inbound --region {region}",
            link(region, pipeline, execution),
        ]
    )


def link(region: str, pipeline: str, execution: str) -> str:
    """Return where the console shows an execution."""
    domain = "aws.amazon.com"
    if region.startswith("cn-"):
        domain = "amazonaws.cn"
    elif region.startswith("us-gov-"):
        domain = "amazonaws-us-gov.com"
    return (
        f"https://{region}.console.{domain}/codesuite/codepipeline/pipelines/{pipeline}"
        f"/executions/{execution}/timeline?region={region}"
    )


def _cause(stage: dict[str, Any], execution: str) -> str:
    """Return why the actions of a stage failed, as far as its state still shows this execution."""
    if stage.get("latestExecution", {}).get("pipelineExecutionId") != execution:
        return "see the execution"
    said = [
        f"{action.get('actionName')}: {latest.get('errorDetails', {}).get('message', 'failed')}"
        for action in stage.get("actionStates", [])
        if (latest := action.get("latestExecution", {})).get("status") == "Failed"
    ]
    return "\n".join(said) or "see the execution"


def _author(codepipeline: Any, pipeline: str, execution: str) -> str | None:
    """Return who wrote the commit, if its source says so, as repositories behind connections do.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
    """
    # Newest first: the source is on the last page. A rollback has none.
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = codepipeline.list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution}, **more
        )
        for action in page.get("actionExecutionDetails", []):
            given = action.get("output", {}).get("outputVariables", {})
            names = [given.get("AuthorDisplayName"), given.get("AuthorEmail")]
            if any(names):
                return " ".join(filter(None, names))
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    return None


def _summary(text: str) -> str:
    """Return the first line of a commit message; connections give a JSON object."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["CommitMessage"]
    return text.strip().partition("\n")[0]


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
    )
