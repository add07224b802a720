"""Deployment windows and change calendars that are closed.

A release waits for a window, and fails at a calendar; a rollback passes both.
"""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.cron import Cron
from dpra_constructs.rehearsal.faults.bakes import FASTER, baked_wave, errors_in_bake
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation

_WAIT_SECONDS = 60
# For a release that would not wait to be seen.
_LOOK_SECONDS = 3
_DAYS_OF_SEARCH = 14
_CLOSED = "Change calendar closed until"
_ICALENDAR = "%Y%m%dT%H%M%SZ"
_ANY_MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def _windows(emulation: Emulation) -> list[Callable[[datetime], bool]]:
    found = [_admits(rule) for rule in emulation.entry_rules("DeploymentWindow")]
    if not found:
        raise RehearsalError(
            "the pipeline has no deployment window, which this fault is about; rehearse one with "
            "ProdWaves(window=DeploymentWindow(...))"
        )
    return found


def _admits(configuration: dict[str, str]) -> Callable[[datetime], bool]:
    cron = Cron.read(configuration["Cron"])
    zone = zoneinfo.ZoneInfo(configuration.get("TimeZone") or "Etc/UTC")
    return lambda moment: cron.admits(moment.astimezone(zone))


def _moment(emulation: Emulation, *, opened: bool) -> str:
    """Return a time at which all windows are open, or all are closed for hours."""
    windows = _windows(emulation)
    hours = [_ANY_MONDAY + timedelta(hours=n) for n in range(24 * _DAYS_OF_SEARCH)]
    states = [[admits(hour) for admits in windows] for hour in hours]
    for hour, *around in zip(hours, states, states[1:], states[2:], strict=False):
        if all(state is opened for each in around for state in each):
            return hour.isoformat()
    raise RehearsalError(
        "the pipeline's deployment windows are never "
        f"{'open' if opened else 'closed'} at the same time for two hours"
    )


def _closed_window(scene: Scene) -> Outcome:
    with scene.waiting_at(scene.approval) as emulation:
        emulation.change_settings(at=_moment(emulation, opened=False))
        release = scene.let_in(scene.approval)
        further = []
        if not _waits(emulation, scene.approval):
            further.append(f"the release did not wait for the window of {scene.approval}")
        production = [each for each in scene.versions() if each.stage in scene.waves]
        if any(each.commit != scene.old for each in production):
            further.append("something was released outside of the window")
        emulation.change_settings(at=_moment(emulation, opened=True), at_since=time.time())
        record = scene.follow(release)
        return Outcome(
            executions=[record],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=further,
            advice="Nothing to repair: the release went on when the window opened.",
        )


def _waits(emulation: Emulation, stage: str) -> bool:
    """Whether an execution waits for the entry condition of a stage, and goes on waiting."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if _status(emulation, stage) == "InProgress":
            time.sleep(_LOOK_SECONDS)
            return _status(emulation, stage) == "InProgress"
        time.sleep(0.2)
    return False


def _status(emulation: Emulation, stage: str) -> str:
    state = emulation.api.stages()[stage].get("beforeEntryConditionState", {})
    return str(state.get("latestExecution", {}).get("status", ""))


def _closed_calendar(scene: Scene) -> Outcome:
    return _closed_at(scene, scene.approval, scene.waves)


def _calendar_closes_between_waves(scene: Scene) -> Outcome:
    later = scene.waves[1:]
    if not later:
        raise RehearsalError("the pipeline has a single wave, so that nothing can close after it")
    return _closed_at(scene, scene.before(later[0])[-1], later)


def _closed_at(scene: Scene, stage: str, waves: Sequence[str]) -> Outcome:
    """Close a calendar in front of a stage, and open it again; `waves` come after the stage."""
    with scene.waiting_at(stage) as emulation:
        calendars = emulation.calendars()
        if not calendars:
            raise RehearsalError(
                "the pipeline has no change calendar, which this fault is about; rehearse one with "
                'ProdWaves(calendar=ChangeCalendar(["..."]))'
            )
        has_windows = emulation.entry_rules("DeploymentWindow")
        at = _moment(emulation, opened=True) if has_windows else _ANY_MONDAY.isoformat()
        emulation.change_settings(at=at)
        _write_calendar(emulation, calendars[0], closed_from=datetime.fromisoformat(at))
        release = scene.let_in(stage)
        stopped = scene.follow(release)
        further = []
        if stopped.status != "Failed" or _CLOSED not in stopped.summary:
            further.append(
                f"the release did not fail at the calendar of {stage}: it is {stopped.status}: "
                f"{stopped.summary}"
            )
        expected = scene.expected(new_in=[each for each in scene.stages if each not in waves])
        if any(each.commit != expected[each.stage] for each in scene.versions()):
            further.append("something was released while the calendar was closed")
        _write_calendar(emulation, calendars[0])
        if stopped.status == "Failed":
            emulation.api.retry(stage, release)
        return Outcome(
            executions=[scene.follow(release)],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=further,
            advice=(
                f"Nothing to repair: {stage} was retried when the calendar was open, and the "
                "release went on."
            ),
        )


def _write_calendar(
    emulation: Emulation, calendar: str, *, closed_from: datetime | None = None
) -> None:
    """Create or change a calendar: closed for a month, or open."""
    lines = ["BEGIN:VCALENDAR", "X-CALENDAR-TYPE:DEFAULT_OPEN"]
    if closed_from:
        until = closed_from + timedelta(days=30)
        lines += ["BEGIN:VEVENT", f"DTSTART:{closed_from.astimezone(UTC):{_ICALENDAR}}"]
        lines += [f"DTEND:{until.astimezone(UTC):{_ICALENDAR}}", "END:VEVENT"]
    content = "\r\n".join([*lines, "END:VCALENDAR", ""])
    place, _, name = calendar.rpartition("document/")
    ssm = emulation.api.client("ssm")
    if place:
        _, _, _, region, account, _ = place.split(":")
        ssm = client("ssm", emulation.endpoint, Place(account, region))
    try:
        ssm.update_document(Name=name, Content=content, DocumentVersion="$LATEST")
    except ssm.exceptions.InvalidDocument:
        ssm.create_document(
            Name=name, Content=content, DocumentType="ChangeCalendar", DocumentFormat="TEXT"
        )


def _bake_fails_after_window(scene: Scene) -> Outcome:
    wave = baked_wave(scene)
    with scene.waiting_at(wave, FASTER) as emulation:
        emulation.change_settings(at=_moment(emulation, opened=False))
        return errors_in_bake(scene, emulation, wave)


WINDOWS = (
    Fault(
        name="closed-window",
        description="a release comes outside of the window: it waits, and goes on when it opens",
        play=_closed_window,
    ),
    Fault(
        name="closed-calendar",
        description="a change calendar is closed: the release fails, and passes when it is retried "
        "in an open one",
        play=_closed_calendar,
    ),
    Fault(
        name="calendar-closes-between-waves",
        description="a change calendar closes after the first wave: later waves wait for a retry",
        play=_calendar_closes_between_waves,
    ),
    Fault(
        name="bake-fails-after-window",
        description="a bake fails when the window is closed already: the rollback does not wait",
        play=_bake_fails_after_window,
    ),
)
