"""The delivery metrics of a list of executions: pure functions, without a clock.

Every definition is in docs/delivery-metrics.md, with its reason. In short:

- A deployment is a STANDARD execution that succeeded. A rollback is none, and no success either.
- A failure is a STANDARD execution that failed, or a ROLLBACK execution, whatever became of it.
- What is stopped, cancelled, superseded or still going on is neither; its commits wait for the
  next deployment.
- Only executions that have ended count, once each, by the way in which they ended at last.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum

SUCCEEDED = "Succeeded"
FAILED = "Failed"
#: Executions that have not ended; nothing of them counts yet.
UNFINISHED = ("InProgress", "Stopping")
STANDARD = "STANDARD"
ROLLBACK = "ROLLBACK"
_AUTOMATED = "AutomatedRollback"
# CodePipeline may write the end of what it rolls back a moment after the rollback has begun.
_ROLLBACK_FOLLOWS_WITHIN = timedelta(seconds=60)
# Of those that ended just before a rollback, more did not begin within that minute.
_MOST_LOOKED_AT = 50
_SECONDS_PER_DAY = 86_400


_Logs = dict[str, dict[str, "Commit"]]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, or another revision of a source.

    Args:
        id: its hash, or the revision's id; the same in every execution that has it.
        time: when it was made, by its author's clock; None where nobody knows. Without a time it
            has no lead time.
    """

    id: str
    time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """One execution of a pipeline, as its history shows it.

    Args:
        id: its id.
        status: Cancelled, Failed, InProgress, Stopped, Stopping, Succeeded or Superseded.
        started: when it began, with a time zone.
        ended: when its status last changed.
        type: STANDARD or ROLLBACK.
        trigger_type: what began it, like WebhookV2 or AutomatedRollback.
        trigger_detail: for an AutomatedRollback it names the execution that failed.
        rolls_back_to: the execution whose artifacts a rollback deploys again.
        revisions: the tips of its sources: usually one commit.
        log: the latest commits of the trunk up to that tip, as the build saw them; empty where
            it could not.
        reached_production: whether it entered a pipeline stage that changes production; None
            where nobody knows, and then a success or a failure is taken to be one of production.
    """

    id: str
    status: str
    started: datetime
    ended: datetime
    type: str = STANDARD
    trigger_type: str = ""
    trigger_detail: str = ""
    rolls_back_to: str = ""
    revisions: tuple[Commit, ...] = ()
    log: tuple[Commit, ...] = ()
    reached_production: bool | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.status not in UNFINISHED

    @property
    def is_deployment(self) -> bool:
        """Whether it is a release that went all the way into production."""
        return (
            self.type == STANDARD
            and self.status == SUCCEEDED
            and self.reached_production is not False
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """The delivery metrics of a window of time; None is "no value", and never means 0.

    Args:
        lead_time_seconds: average time from a commit to the end of the execution that brought it
            into production, over all commits.
        deployments: how many executions reached production.
        deploy_frequency_per_day: deployments by the days of the window.
        mtbf_seconds: average time from the first success after a failure to the next failure,
            start to start.
        mttr_seconds: average time from the first failure after a success to the next success,
            start to start.
        change_failure_rate: of the releases that reached production, the share that failed there
            or was rolled back; 0 to 1.
        rollbacks: how many ROLLBACK executions there were.
    """

    lead_time_seconds: float | None
    deployments: int
    deploy_frequency_per_day: float | None
    mtbf_seconds: float | None
    mttr_seconds: float | None
    change_failure_rate: float | None
    rollbacks: int


@dataclass(frozen=True, slots=True)
class Point:
    """The metrics of the window that ends when an execution ended."""

    execution: Execution
    metrics: Metrics


def metrics(
    executions: Iterable[Execution],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    has_production: bool = True,
) -> Metrics:
    """Compute the metrics of the executions that began in a window.

    Executions before the window tell which commits were in production already, or waited for it;
    nothing else of them counts.

    Args:
        executions: the history in any order; of those with the same id the latest counts.
        since: the beginning of the window; without it, the first start in the history.
        until: its end; without it, the last end in the history. What ends later does not count.
        has_production: whether the pipeline deploys to production. One that ends with beta or
            gamma has no deployments, and no value that is made of them.

    >>> from datetime import UTC
    >>> day = lambda number, hour=0: datetime(2026, 1, number, hour, tzinfo=UTC)
    >>> history = [
    ...     Execution(id="a", status="Succeeded", started=day(1), ended=day(1, 2),
    ...         revisions=(Commit("c1", day(1)),)),
    ...     Execution(id="b", status="Failed", started=day(4), ended=day(4, 1)),
    ...     Execution(id="c", status="Succeeded", started=day(5), ended=day(6),
    ...         revisions=(Commit("c2", day(5)),)),
    ... ]
    >>> result = metrics(history)
    >>> result.mtbf_seconds / 86400, result.mttr_seconds / 86400, result.deploy_frequency_per_day
    (3.0, 1.0, 0.4)
    >>> result.lead_time_seconds == (2 + 24) / 2 * 3600, result.change_failure_rate
    (True, 0.3333333333333333)
    """
    finished = _finished(executions)
    if until is not None:
        finished = [each for each in finished if each.ended <= until]
    return _metrics(finished, _logs(finished), since, until, has_production)


def points(
    executions: Iterable[Execution],
    *,
    window: timedelta,
    since: datetime | None = None,
    at_most: int | None = None,
    has_production: bool = True,
) -> list[Point]:
    """Compute the metrics at the end of each execution, of the window that ended then.

    Each is made of what had ended by then and of nothing later, so that it is the same whenever
    it is computed, from whatever event, and however often. Commits are followed from twice the
    window on.

    Args:
        executions: the history in any order.
        window: how far each looks back.
        since: the first end that gets a point.
        at_most: how many points, the latest; without it all.
        has_production: whether the pipeline deploys to production.
    """
    finished = _finished(executions)
    ends = sorted(finished, key=lambda each: (each.ended, each.id))
    wanted = [each for each in ends if since is None or each.ended >= since]
    if at_most is not None:
        wanted = wanted[max(0, len(wanted) - at_most) :]
    logs = _logs(finished)
    made = []
    for each in wanted:
        begin = each.ended - window
        known = [
            other
            for other in finished
            if other.ended <= each.ended and other.started >= begin - window
        ]
        values = _metrics(known, logs, begin, each.ended, has_production)
        made.append(Point(each, values))
    return made


def lead_times(executions: Iterable[Execution]) -> list[tuple[Execution, Commit, float]]:
    """Return each commit that went into production, with its execution and its lead time.

    The lead time is in seconds and never negative: a commit whose author's clock was ahead of
    CodePipeline's has 0.
    """
    finished = _finished(executions)
    return list(_lead_times(finished, _logs(finished)))


def _finished(executions: Iterable[Execution]) -> list[Execution]:
    """Return those that have ended, each once, in the order in which they began."""
    latest: dict[str, Execution] = {}
    for each in executions:
        known = latest.get(each.id)
        if known is None or _latest(each) > _latest(known):
            latest[each.id] = each
    return sorted(
        (each for each in latest.values() if each.is_finished),
        key=lambda each: (each.started, each.ended, each.id),
    )


def _latest(execution: Execution) -> tuple[datetime, bool, str]:
    """Return what tells the later of two sights of one execution."""
    return execution.ended, execution.is_finished, execution.status


def _logs(finished: Iterable[Execution]) -> _Logs:
    """Return the logs of deployments by the commits' ids, made once for all points."""
    return {
        each.id: {commit.id: commit for commit in each.log}
        for each in finished
        if each.log and each.is_deployment
    }


def _metrics(
    finished: Sequence[Execution],
    logs: _Logs,
    since: datetime | None,
    until: datetime | None,
    has_production: bool,
) -> Metrics:
    inside = [each for each in finished if since is None or each.started >= since]
    deployments = [each for each in inside if each.is_deployment] if has_production else []
    days: float | None = None
    if inside and has_production:
        begin = inside[0].started if since is None else since
        end = max(each.ended for each in inside) if until is None else until
        days = (end - begin).total_seconds() / _SECONDS_PER_DAY
    counted = {each.id for each in deployments}
    leads = [
        seconds for execution, _, seconds in _lead_times(finished, logs) if execution.id in counted
    ]
    between, recoveries = _intervals(inside)
    return Metrics(
        lead_time_seconds=_average(leads),
        deployments=len(deployments),
        deploy_frequency_per_day=len(deployments) / days if days and days > 0 else None,
        mtbf_seconds=_average(between),
        mttr_seconds=_average(recoveries),
        change_failure_rate=_change_failure_rate(inside) if has_production else None,
        rollbacks=sum(each.type == ROLLBACK for each in inside),
    )


def _lead_times(
    finished: Sequence[Execution], logs: _Logs
) -> Iterator[tuple[Execution, Commit, float]]:
    """Follow the commits: each comes into production with the first deployment that has it."""
    standard = [each for each in finished if each.type == STANDARD]
    deployments = sorted(
        (each for each in standard if each.is_deployment),
        key=lambda each: (each.ended, each.started, each.id),
    )
    released: set[str] = set()
    waiting: dict[str, Commit] = {}
    next_one = 0
    log_is_known = False
    for deployment in deployments:
        # What began before it and did not reach production travels with it.
        while next_one < len(standard) and standard[next_one].started <= deployment.started:
            for commit in standard[next_one].revisions:
                _wait(waiting, released, commit)
            next_one += 1
        for commit in deployment.revisions:
            _wait(waiting, released, commit)
        log = logs.get(deployment.id, {})
        for id in log.keys() - released:
            # The build knows a commit's time best.
            if log_is_known or id in waiting:
                waiting[id] = log[id]
        for commit in waiting.values():
            if commit.time is not None:
                yield deployment, commit, max(0.0, (deployment.ended - commit.time).total_seconds())
        released.update(waiting)
        released.update(log)
        waiting = {}
        # Of the first log nobody knows what of it was in production before.
        log_is_known = bool(log)


def _wait(waiting: dict[str, Commit], released: set[str], commit: Commit) -> None:
    if not commit.id or commit.id in released:
        return
    known = waiting.get(commit.id)
    if known is None or known.time is None:
        waiting[commit.id] = commit


def _intervals(inside: Sequence[Execution]) -> tuple[list[float], list[float]]:
    """Return the seconds between failures, and those to recover, in the order of starts."""
    between: list[float] = []
    recoveries: list[float] = []
    # Since when the pipeline is as it is: the first success, or the first failure, of several.
    is_good: bool | None = None
    changed: datetime | None = None
    for each in inside:
        if each.type == ROLLBACK or each.status == FAILED:
            good = False
        elif each.status == SUCCEEDED:
            good = True
        else:
            continue
        if good is is_good:
            continue
        if changed is not None:
            (recoveries if good else between).append((each.started - changed).total_seconds())
        is_good, changed = good, each.started
    return between, recoveries


def _change_failure_rate(inside: Sequence[Execution]) -> float | None:
    releases = sorted(
        (each for each in inside if each.type == STANDARD and each.status in (SUCCEEDED, FAILED)),
        key=lambda each: (each.ended, each.started, each.id),
    )
    ends = [each.ended for each in releases]
    failed = {
        each.id: each.status == FAILED for each in releases if each.reached_production is not False
    }
    for each in inside:
        if each.type == ROLLBACK and (undone := _undone(each, releases, ends)) in failed:
            failed[undone] = True
    return sum(failed.values()) / len(failed) if failed else None


def _undone(rollback: Execution, releases: Sequence[Execution], ends: Sequence[datetime]) -> str:
    """Return the id of the release that a rollback undoes: the named one, or the one before it."""
    if rollback.trigger_type == _AUTOMATED:
        try:
            named = json.loads(rollback.trigger_detail)
        except ValueError:
            named = None
        if isinstance(named, Mapping) and named.get("FailedPipelineExecutionId"):
            return str(named["FailedPipelineExecutionId"])
    latest = bisect_right(ends, rollback.started + _ROLLBACK_FOLLOWS_WITHIN)
    for each in reversed(releases[max(0, latest - _MOST_LOOKED_AT) : latest]):
        if each.started <= rollback.started:
            return each.id if each.id != rollback.rolls_back_to else ""
    return ""


def _average(values: Sequence[float]) -> float | None:
    # Exact, so that the order of executions cannot matter.
    return fsum(values) / len(values) if values else None
