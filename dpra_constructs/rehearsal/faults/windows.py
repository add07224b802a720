"""Deployment windows that are closed: a release waits for them, a rollback does not."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.cron import Cron
from dpra_constructs.rehearsal.faults.bakes import FASTER, baked_wave, errors_in_bake
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation

_WAIT_SECONDS = 60
# For a release that would not wait to be seen.
_LOOK_SECONDS = 3
_DAYS_OF_SEARCH = 14
_ANY_MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def _windows(emulation: Emulation) -> list[Callable[[datetime], bool]]:
    found: list[Callable[[datetime], bool]] = []
    for stage in emulation.api.declaration()["stages"]:
        for condition in (stage.get("beforeEntry") or {}).get("conditions", ()):
            for rule in condition.get("rules", ()):
                if rule["ruleTypeId"]["provider"] == "DeploymentWindow":
                    found.append(_admits(rule["configuration"]))
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
        name="bake-fails-after-window",
        description="a bake fails when the window is closed already: the rollback does not wait",
        play=_bake_fails_after_window,
    ),
)
