"""Reads the history of a pipeline: from what the AWS CLI printed, or from CodePipeline itself.

Sources: ListPipelineExecutions and ListActionExecutions of
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html, and the variables
of source actions, https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .calculations import FAILED, ROLLBACK, STANDARD, SUCCEEDED, Commit, Execution

#: The variable in which the build's first action gives the latest commits of the trunk.
COMMITS_VARIABLE = "DPRA_COMMITS"
# The build names commits by this much of their hash, so that a hundred fit into a variable.
_HASH_LENGTH = 12
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_STATUSES = (
    "Cancelled",
    "Failed",
    "InProgress",
    "Stopped",
    "Stopping",
    "Succeeded",
    "Superseded",
)
_TYPES = (STANDARD, ROLLBACK)
# CodePipeline keeps executions for a year; a busy pipeline has some thousand.
_MOST_PAGES = 1_000
_THREADS = 8
_SUMMARIES = "pipelineExecutionSummaries"
_ACTIONS = "actionExecutionDetails"


class HistoryError(ValueError):
    """A history cannot be read as one: says where, what is there, and what should be."""


def from_document(document: object) -> list[Execution]:
    """Return the executions that `aws codepipeline list-pipeline-executions` printed.

    Args:
        document: its JSON, with `pipelineExecutionSummaries`; beside it `commitTimes` may give
            the time of each commit, by its id.

    Raises:
        HistoryError: it is not that.

    >>> [execution] = from_document({
    ...     "pipelineExecutionSummaries": [{
    ...         "pipelineExecutionId": "e1", "status": "Succeeded",
    ...         "startTime": "2026-01-01T10:00:00Z", "lastUpdateTime": "2026-01-01T11:00:00+00:00",
    ...         "sourceRevisions": [{"actionName": "Source", "revisionId": "c1"}],
    ...     }],
    ...     "commitTimes": {"c1": "2026-01-01T09:30:00Z"},
    ... })
    >>> execution.revisions[0].time.isoformat()
    '2026-01-01T09:30:00+00:00'
    """
    if not isinstance(document, Mapping) or not isinstance(document.get(_SUMMARIES), Sequence):
        raise HistoryError(
            f"it has no list {_SUMMARIES}; give what `aws codepipeline list-pipeline-executions "
            "--pipeline-name NAME` prints"
        )
    given = document.get("commitTimes", {})
    if not isinstance(given, Mapping):
        raise HistoryError(
            "commitTimes is no object; write it as the time of each commit by its id: "
            '{"0f3c...": "2026-01-31T09:30:00Z"}'
        )
    times = {str(id): _time(value, f"commitTimes[{id}]") for id, value in given.items()}
    return [
        from_summary(summary, f"{_SUMMARIES}[{index}]", times)
        for index, summary in enumerate(document[_SUMMARIES])
    ]


def from_summary(
    summary: object, where: str = "", times: Mapping[str, datetime] | None = None
) -> Execution:
    """Return one execution of a `PipelineExecutionSummary`, as JSON or as boto3 gives it.

    Raises:
        HistoryError: it lacks what every execution has, or is not one.
    """
    if not isinstance(summary, Mapping):
        raise HistoryError(f"{where} is no object; give a PipelineExecutionSummary")
    id = summary.get("pipelineExecutionId")
    if not isinstance(id, str) or not id:
        raise HistoryError(f"{where} has no pipelineExecutionId; give the whole summary")
    status = _one_of(summary, "status", _STATUSES, where)
    started = _time(summary.get("startTime"), f"{where}.startTime")
    updated = summary.get("lastUpdateTime")
    ended = started if updated is None else _time(updated, f"{where}.lastUpdateTime")
    trigger = summary.get("trigger") or {}
    return Execution(
        id=id,
        status=status,
        started=started,
        # Times of one service, and yet: nothing ends before it begins.
        ended=max(started, ended),
        # Pipelines of type V1 know no rollback and name no type.
        type=_one_of({"executionType": STANDARD, **summary}, "executionType", _TYPES, where),
        trigger_type=str(trigger.get("triggerType", "")),
        trigger_detail=str(trigger.get("triggerDetail", "")),
        rolls_back_to=str(
            (summary.get("rollbackMetadata") or {}).get("rollbackTargetPipelineExecutionId", "")
        ),
        revisions=tuple(
            Commit(revision["revisionId"], (times or {}).get(revision["revisionId"]))
            for revision in summary.get("sourceRevisions") or ()
            if revision.get("revisionId")
        ),
    )


def read(
    codepipeline: Any,
    pipeline: str,
    *,
    since: datetime | None = None,
    production: Collection[str] = (),
    known: dict[str, Execution] | None = None,
) -> list[Execution]:
    """Return the executions of a pipeline since a time, with their commits and stages.

    One call for each hundred executions, and one for each that succeeded or failed: only the runs
    of its actions say what was in it.

    Args:
        codepipeline: a client of boto3.
        pipeline: the pipeline's name.
        since: executions that began earlier are left out; all without it.
        production: the names of the pipeline stages that change production.
        known: what earlier calls have read, by the execution's id; is added to. What has not
            changed since is not read again.
    """
    cache: dict[str, Execution] = {} if known is None else known
    # The logs of two releases are nearly the same.
    pool: dict[str, Commit] = {}
    executions = []
    for page in _pages(codepipeline.list_pipeline_executions, pipelineName=pipeline):
        read_ones = [from_summary(summary, _SUMMARIES) for summary in page.get(_SUMMARIES, ())]
        inside = [each for each in read_ones if since is None or each.started >= since]
        executions.extend(inside)
        # The latest come first.
        if read_ones and not inside:
            break

    def complete(execution: Execution) -> Execution:
        if execution.type != STANDARD or execution.status not in (SUCCEEDED, FAILED):
            return with_actions(execution, (), production)
        seen = cache.get(execution.id)
        if seen and (seen.status, seen.ended) == (execution.status, execution.ended):
            return seen
        runs = [
            run
            for page in _pages(
                codepipeline.list_action_executions,
                pipelineName=pipeline,
                filter={"pipelineExecutionId": execution.id},
            )
            for run in page.get(_ACTIONS, ())
        ]
        return with_actions(execution, runs, production, pool)

    with ThreadPoolExecutor(max_workers=_THREADS) as threads:
        completed = list(threads.map(complete, executions))
    cache.clear()
    cache.update((each.id, each) for each in completed)
    return completed


def with_actions(
    execution: Execution,
    runs: Iterable[Mapping[str, Any]],
    production: Collection[str],
    pool: dict[str, Commit] | None = None,
) -> Execution:
    """Return an execution with what the runs of its actions say.

    A commit's time is what the build says, else the source action's `AuthorDate`, else when the
    source action found it. A hash is cut to the length at which the build gives it.

    Args:
        execution: as its summary shows it.
        runs: its `ActionExecutionDetail`s.
        production: the names of the pipeline stages that change production.
        pool: as for `commits_of`.
    """
    log: tuple[Commit, ...] = ()
    times: dict[str, datetime] = {}
    found: dict[str, datetime] = {}
    reached = False
    for run in runs:
        reached = reached or run.get("stageName") in production
        variables = (run.get("output") or {}).get("outputVariables") or {}
        log = log or commits_of(variables.get(COMMITS_VARIABLE, ""), pool)
        category = ((run.get("input") or {}).get("actionTypeId") or {}).get("category")
        if category != "Source":
            continue
        id = variables.get("CommitId") or variables.get("VersionId") or ""
        author_date = _or_none(variables.get("AuthorDate"))
        if id and author_date:
            times[id] = author_date
        if id and isinstance(run.get("startTime"), datetime):
            found[id] = run["startTime"]
    logged = {commit.id: commit.time for commit in log}
    revisions = []
    for each in execution.revisions:
        short = each.id[:_HASH_LENGTH] if _HASH.fullmatch(each.id) else each.id
        # The source action began with the execution.
        known = logged.get(short) or times.get(each.id) or found.get(each.id) or execution.started
        revisions.append(Commit(short, known))
    return replace(
        execution,
        revisions=tuple(revisions),
        log=log,
        reached_production=reached if production else None,
    )


def commits_of(text: str, pool: dict[str, Commit] | None = None) -> tuple[Commit, ...]:
    """Return the commits that the build's variable holds; what is no commit is left out.

    Args:
        text: the variable's value.
        pool: the commits of other releases, to share what both have; is added to.

    >>> [(commit.id, commit.time.timestamp()) for commit in commits_of("0f3c-1767225600 none")]
    [('0f3c', 1767225600.0)]
    """
    shared: dict[str, Commit] = {} if pool is None else pool
    commits = []
    for part in text.split():
        if part not in shared:
            id, _, seconds = part.rpartition("-")
            # Up to the year 5138.
            if not (id and seconds.isdecimal() and len(seconds) <= 11):
                continue
            shared[part] = Commit(id, datetime.fromtimestamp(int(seconds), UTC))
        commits.append(shared[part])
    return tuple(commits)


def production_stages(stages: Sequence[str]) -> tuple[str, ...] | None:
    """Return which stages of a pipeline change production; None where it has no production.

    In a pipeline of this library they are the waves. In another pipeline nobody knows, and the
    last stage is taken.

    >>> production_stages(["Source", "Build", "Gamma", "Approve-Prod", "Prod-one", "Prod-rest"])
    ('Prod-one', 'Prod-rest')
    >>> production_stages(["Source", "Build", "Assets", "Beta"]) is None
    True
    >>> production_stages(["Source", "Deploy"])
    ('Deploy',)
    """
    waves = tuple(each for each in stages if each.startswith("Prod-"))
    if waves:
        return waves
    if {"Beta", "Gamma"} & set(stages):
        return None
    return tuple(stages[-1:])


def _pages(call: Callable[..., dict[str, Any]], **request: Any) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = call(**request, **more)
        yield page
        if not page.get("nextToken"):
            return
        more = {"nextToken": page["nextToken"]}
    raise RuntimeError(f"{request['pipelineName']} has more than {_MOST_PAGES} pages of history")


def _one_of(summary: Mapping[str, Any], field: str, allowed: Sequence[str], where: str) -> str:
    value = summary.get(field)
    if value not in allowed:
        raise HistoryError(f"{where}.{field} is {value!r}; it can be {', '.join(allowed)}")
    return str(value)


def _time(value: object, where: str) -> datetime:
    """Return a time that is an ISO text, a datetime, or seconds since 1970; UTC without a zone."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and (read_one := _or_none(value)):
        return read_one
    raise HistoryError(
        f"{where} is {value!r}, which is no time; write it like '2026-01-31T09:30:00Z', or as "
        "seconds since 1970"
    )


def _or_none(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
