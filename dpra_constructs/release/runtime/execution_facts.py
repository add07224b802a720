"""What CodePipeline knows of an execution: commit, author, why a stage of it failed."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from .check_approver import authors_of
from .names import AUTHORS_VARIABLE, BAKE_ACTION

# A thousand actions and more: no execution has as many.
_MOST_PAGES = 20
UNKNOWN_CAUSE = "see the execution"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of an execution.

    Attributes:
        rolls_back: whether it is a ROLLBACK execution.
        commits: each with its id, its summary and its address.
        author: who wrote the commit, with co-authors, as the build has read from Git; or as the
            source says.
        cause: why the actions of the stage failed.
        bake_failed: whether the bake of the stage failed.
    """

    rolls_back: bool = False
    commits: tuple[str, ...] = ()
    author: str = ""
    cause: str = UNKNOWN_CAUSE
    bake_failed: bool = False


def facts_of(codepipeline: Any, pipeline: str, execution: str, stage: str) -> Facts:
    """Ask CodePipeline for the facts of an execution.

    Args:
        codepipeline: a client in the pipeline's region; what it raises is raised.
        pipeline: the pipeline's name.
        execution: the execution's id.
        stage: whose failed actions are the cause.
    """
    known = codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution
    )["pipelineExecution"]
    actions = _actions(codepipeline, pipeline, execution)
    # Newest first: an action that was retried says what it says now.
    latest: dict[str, dict[str, Any]] = {}
    for action in actions:
        if action.get("stageName") == stage:
            latest.setdefault(action.get("actionName", ""), action)
    failed = {
        name: _error(action) for name, action in latest.items() if action.get("status") == "Failed"
    }
    return Facts(
        rolls_back=known.get("executionType") == "ROLLBACK",
        commits=tuple(map(_commit, known.get("artifactRevisions", []))),
        author=_author(actions) or _author_before(codepipeline, pipeline, known),
        cause="\n".join(f"{name}: {error}" for name, error in sorted(failed.items()))
        or UNKNOWN_CAUSE,
        bake_failed=BAKE_ACTION in failed,
    )


def facts_if_known(codepipeline: Any, pipeline: str, execution: str, stage: str) -> Facts | None:
    """Return the facts, or None: a message without a commit is better than none."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not execution:
        return None
    try:
        return facts_of(codepipeline, pipeline, execution, stage)
    except (BotoCoreError, ClientError) as error:
        print(f"CodePipeline does not say what {execution} is: {error}")
        return None


def _actions(codepipeline: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = codepipeline.list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution}, **more
        )
        found += page.get("actionExecutionDetails", [])
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    return found


def _error(action: dict[str, Any]) -> str:
    result = action.get("output", {}).get("executionResult", {})
    return str(
        result.get("errorDetails", {}).get("message")
        or result.get("externalExecutionSummary")
        or "failed"
    )


def _author(actions: list[dict[str, Any]]) -> str:
    outputs = [action.get("output", {}).get("outputVariables", {}) for action in actions]
    for given in outputs:
        if authors := authors_of(given.get(AUTHORS_VARIABLE, "")):
            return ", ".join(map(str, authors))
    # Connections say a name, as the host has it; CodeCommit and S3 say nothing.
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
    for given in outputs:
        names = [given.get("AuthorDisplayName"), given.get("AuthorEmail")]
        if any(names):
            return " ".join(filter(None, names))
    return ""


def _author_before(codepipeline: Any, pipeline: str, known: dict[str, Any]) -> str:
    """Return the author of what a rollback brings back: it has no build of its own."""
    target = known.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
    return _author(_actions(codepipeline, pipeline, target)) if target else ""


def _commit(revision: dict[str, Any]) -> str:
    summary = revision.get("revisionSummary", "")
    # Connections give a JSON object.
    with contextlib.suppress(ValueError, KeyError, TypeError):
        summary = json.loads(summary)["CommitMessage"]
    first_line = str(summary).strip().partition("\n")[0]
    parts = [revision.get("revisionId"), first_line, revision.get("revisionUrl")]
    return " ".join(filter(None, parts))
