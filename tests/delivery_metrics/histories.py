"""Writes histories shortly, for the tests."""

from datetime import UTC, datetime, timedelta

from dpra_constructs.delivery_metrics.runtime.calculations import Commit, Execution

HOUR = 3600.0
DAY = 24 * HOUR
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return the time so many hours after the beginning of all histories."""
    return BEGIN + timedelta(hours=hours)


def commit(id: str, hours: float | None) -> Commit:
    return Commit(id, None if hours is None else at(hours))


def run(
    id: str,
    status: str,
    started: float,
    ended: float,
    *commits: Commit,
    **fields: object,
) -> Execution:
    """Return an execution; its times are in hours after the beginning."""
    return Execution(
        id=id,
        status=status,
        started=at(started),
        ended=at(ended),
        revisions=commits,
        **fields,  # type: ignore[arg-type]
    )


def good(id: str, started: float, ended: float, *commits: Commit, **fields: object) -> Execution:
    return run(id, "Succeeded", started, ended, *commits, **fields)


def bad(id: str, started: float, ended: float, *commits: Commit, **fields: object) -> Execution:
    return run(id, "Failed", started, ended, *commits, **fields)


def rollback(
    id: str, started: float, ended: float, *, to: str = "", of: str = "", status: str = "Succeeded"
) -> Execution:
    """Return a rollback: automatic where it names `of`, which failed, and else by a person."""
    return run(
        id,
        status,
        started,
        ended,
        type="ROLLBACK",
        rolls_back_to=to,
        trigger_type="AutomatedRollback" if of else "ManualRollback",
        trigger_detail=f'{{"FailedPipelineExecutionId": "{of}"}}' if of else "arn:aws:sts::1:role",
    )
