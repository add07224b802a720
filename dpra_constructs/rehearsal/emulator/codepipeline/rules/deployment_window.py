"""DeploymentWindow: waits until the time is one that its cron expression names.

Windows count as open unless it is said at which time releases come to them.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from datetime import UTC

from dpra_constructs.rehearsal.cron import Cron, CronError
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.rehearsed_time import rehearsed_time

_POLL_SECONDS = 0.2


def _wait(context: ActionContext) -> Result:
    cron, zone = _window(context.configuration["Cron"], context.configuration.get("TimeZone", ""))
    while True:
        moment = rehearsed_time(context.run.started)
        if moment is None:
            return Result(summary="the rehearsal takes the window as open")
        local = moment.astimezone(zone)
        if cron.admits(local):
            return Result(summary=f"open at {local:%a %Y-%m-%d %H:%M %Z}")
        context.run.summary = f"closed at {local:%a %Y-%m-%d %H:%M %Z}: {cron.expression}"
        if context.run.abandoned.wait(_POLL_SECONDS):
            raise ActionFailedError("JobFailed", f"given up: {context.run.summary}")


def _window(expression: str, zone: str) -> tuple[Cron, zoneinfo.ZoneInfo]:
    return Cron.read(expression), zoneinfo.ZoneInfo(zone or str(UTC))


def _problems(action: Action) -> Iterable[str]:
    try:
        _window(action.configuration.get("Cron", ""), action.configuration.get("TimeZone", ""))
    except (CronError, zoneinfo.ZoneInfoNotFoundError) as error:
        yield str(error)


DEPLOYMENT_WINDOW = ActionType(
    run=_wait,
    keys=frozenset({"Cron", "TimeZone"}),
    required=frozenset({"Cron"}),
    check=_problems,
)
