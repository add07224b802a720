"""How the bake decides from what it read; pure."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from .bake_parameters import Bake, Progress
from .bake_readings import Reading, time_text

#: After so long without being read, a region fails the bake.
UNREADABLE_SECONDS = 5 * 60
#: What is older than this when the bake ends is read again before it succeeds.
FRESH_SECONDS = 2 * 60
# Limits of CodePipeline: PutJobFailureResult's message, ExecutionDetails' summary.
LONGEST_MESSAGE = 5_000
LONGEST_SUMMARY = 2_048
_LONGEST_REASON = 300
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a call ends: `failures` fail the action, a `token` continues it, neither is success."""

    summary: str
    failures: tuple[str, ...] = ()
    failed_regions: tuple[str, ...] = ()
    token: str | None = None


def judge(
    bake: Bake, before: Progress, readings: tuple[Reading, ...], now: int, partition: str = "aws"
) -> Outcome:
    """Decide from what was read; pure.

    Args:
        bake: what is watched.
        before: what the token held.
        readings: one for each region and source, in the order of `bake.watched`.
        now: the time at which the readings were complete, in milliseconds.
        partition: of AWS, for links.
    """
    after = replace(
        before,
        read=tuple(
            now if reading.problem is None else min(earlier, now)
            for earlier, reading in zip(before.read, readings, strict=True)
        ),
    )
    # A clock that is behind the one that began the bake makes it longer, never shorter.
    elapsed = max(0, now - before.started)
    settled = elapsed >= bake.settle_minutes * bake.minute
    notes = [
        (watched, _note(bake, reading, now - read, settled))
        for watched, reading, read in zip(bake.watched, readings, after.read, strict=True)
    ]
    if before.rolls_back:
        if not settled:
            return Outcome(summary=_watching(bake, elapsed, "rolled back"), token=after.token())
        seen = "; ".join(
            f"{watched} {reading.problem or reading.state}"
            for watched, reading in zip(bake.watched, readings, strict=True)
        )
        return Outcome(summary=cut(f"Rolled back, and settled: {seen}", LONGEST_SUMMARY))
    if failed := [(watched, note) for watched, note in notes if note]:
        return Outcome(
            summary="unhealthy",
            failures=tuple(_failure(bake, watched, note, partition) for watched, note in failed),
            failed_regions=tuple(watched for watched, _ in failed),
        )
    healthy = all(
        reading.problem is None
        and reading.state == "OK"
        and now - reading.at <= FRESH_SECONDS * 1000
        for reading in readings
    )
    if settled and healthy and elapsed >= bake.bake_minutes * bake.minute:
        return Outcome(
            summary=f"Healthy for {bake.bake_minutes} minutes in {len(bake.watched)} "
            f"{bake.watched_text}"
        )
    return Outcome(summary=_watching(bake, elapsed, "deployed"), token=after.token())


def _failure(bake: Bake, watched: str, note: str, partition: str) -> str:
    if watched in bake.regions:
        alarm = bake.alarm(watched)
        return f"{bake.account} {watched}: {alarm} {note}. {_link(partition, watched, alarm)}"
    [page] = [source["page"] for source in bake.sources if source["name"] == watched]
    return f"{watched} {note}. {page}"


def _note(bake: Bake, reading: Reading, unread: int, settled: bool) -> str | None:
    """Return what is wrong with a region or a source, or None."""
    if reading.problem is not None:
        if unread >= UNREADABLE_SECONDS / 60 * bake.minute:
            minutes = int(unread // bake.minute)
            return f"could not be read for {minutes} minutes: {_short(reading.problem)}"
        return None
    if reading.alarmed_at is not None:
        return (
            f"went into ALARM after the deployment, at {time_text(reading.alarmed_at)}: "
            f"{_short(reading.alarm_reason)}"
        )
    if reading.state != "OK" and settled:
        since = " since before the deployment" if reading.state == "ALARM" else ""
        return (
            f"is in {reading.state}{since}, and {bake.settle_minutes} minutes to settle are over: "
            f"{_short(reading.reason)}"
        )
    return None


def failure_message(bake: Bake, outcome: Outcome) -> str:
    """Return what the console shows: every region's name first, then as much detail as fits.

    >>> bake = Bake(pipeline="fruit-api", stage="Prod-rest", environment="prod", account="4",
    ...     regions=("us-west-2",), bake_minutes=60, settle_minutes=5, execution="e")
    >>> print(failure_message(bake, Outcome(summary="", failures=("4 us-west-2: it burns.",),
    ...     failed_regions=("us-west-2",))))
    Bake of Prod-rest failed in 1 of 1 regions: us-west-2
    4 us-west-2: it burns.
    """
    lines = [
        f"Bake of {bake.stage} failed in {len(outcome.failed_regions)} of {len(bake.watched)} "
        f"{bake.watched_text}: {', '.join(outcome.failed_regions)}",
        *outcome.failures,
    ]
    return cut("\n".join(lines), LONGEST_MESSAGE)


def _watching(bake: Bake, elapsed: int, what: str) -> str:
    minutes = bake.settle_minutes if what == "rolled back" else bake.bake_minutes
    return f"{what}; watched for {int(elapsed // bake.minute)} of {minutes} minutes"


def _link(partition: str, region: str, alarm: str) -> str:
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return (
        f"https://{region}.{console}/cloudwatch/home?region={region}"
        f"#alarmsV2:alarm/{quote(alarm, safe='')}"
    )


def _short(reason: str) -> str:
    return cut(" ".join(reason.split()) or "no reason given", _LONGEST_REASON)


def cut(text: str, longest: int) -> str:
    """Return a text within its limit."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
