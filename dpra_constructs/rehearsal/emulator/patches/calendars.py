"""Change calendars of Systems Manager, which MiniStack lacks.

As a rehearsal may be at any time of the year, every calendar counts as open.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCalendarState.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ministack.app as app
from ministack.core.responses import json_response

from dpra_constructs.rehearsal.emulator.authorization import Request
from dpra_constructs.rehearsal.emulator.patches.resources import check_on

_OPERATION = "GetCalendarState"


def change_calendar() -> None:
    """Say that calendars are open to whoever may read them."""
    answer: Any = app.SERVICE_HANDLERS["ssm"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        if headers.get("x-amz-target", "").endswith(f".{_OPERATION}"):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            return json_response({"State": "OPEN", "AtTime": now})
        return await answer(method, path, headers, body, query)

    def calendars(request: Request) -> list[str]:
        if request.service != "ssm" or request.operation != _OPERATION:
            return []
        prefix = f"arn:aws:ssm:{request.region}:{request.account}:document/"
        return [
            name if name.startswith("arn:") else prefix + name
            for name in request.json().get("CalendarNames", ())
        ]

    app.SERVICE_HANDLERS["ssm"] = handle
    check_on(calendars)
