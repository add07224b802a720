"""Change calendars of Systems Manager, which MiniStack lacks.

A calendar counts as open where it is not said at which time releases come to it, or where nobody
has created it here: calendars are often those of a whole company.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCalendarState.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ministack.app as app
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)

from dpra_constructs.rehearsal.change_calendar import (
    CalendarError,
    ChangeCalendar,
    all_open,
    next_transition,
)
from dpra_constructs.rehearsal.emulator.authorization import Request
from dpra_constructs.rehearsal.emulator.patches.resources import check_on
from dpra_constructs.rehearsal.emulator.rehearsed_time import rehearsed_time
from dpra_constructs.rehearsal.emulator.resource_types import DOCUMENTS

Given = dict[str, Any]


def change_calendar() -> None:
    """Keep calendars, and say whether they are open to whoever may read them."""
    answer: Any = app.SERVICE_HANDLERS["ssm"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        operation = _OPERATIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if not operation:
            return await answer(method, path, headers, body, query)
        given = json.loads(body)
        try:
            return json_response(operation(given))
        except CalendarError as error:
            return error_response_json("InvalidDocumentContent", str(error), 400)
        except ValueError as error:
            return error_response_json("ValidationException", str(error), 400)
        except KeyError:
            message = f"there is no document {given.get('Name')}"
            return error_response_json("InvalidDocument", message, 400)

    def documents(request: Request) -> list[str]:
        if request.service != "ssm" or request.operation not in _OPERATIONS:
            return []
        given = request.json()
        return [_arn(name) for name in given.get("CalendarNames") or [given["Name"]]]

    app.SERVICE_HANDLERS["ssm"] = handle
    check_on(documents)


def _arn(name: str) -> str:
    own = f"arn:aws:ssm:{get_region()}:{get_account_id()}:document/{name}"
    return name if name.startswith("arn:") else own


def _create(given: Given) -> Given:
    DOCUMENTS.create(given["Name"], given, "")
    return _described(given["Name"])


def _update(given: Given) -> Given:
    old = DOCUMENTS.records[given["Name"]]["properties"]
    DOCUMENTS.update(given["Name"], old, {**old, "Content": given["Content"]}, "")
    return _described(given["Name"])


def _delete(given: Given) -> Given:
    DOCUMENTS.delete(given["Name"], given)
    return {}


def _described(name: str) -> Given:
    record = DOCUMENTS.records[name]
    shown = ("Name", "DocumentType", "DocumentFormat")
    return {
        "DocumentDescription": {
            **{key: value for key, value in record["properties"].items() if key in shown},
            "DocumentVersion": str(record["version"]),
            "Status": "Active",
        }
    }


def _state(given: Given) -> Given:
    asked = given.get("AtTime")
    moment = datetime.fromisoformat(asked) if asked else rehearsed_time()
    if moment is None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {"State": "OPEN", "AtTime": now}
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    calendars = [found for name in given["CalendarNames"] if (found := _calendar(name))]
    changes = next_transition(calendars, moment)
    return {
        "State": "OPEN" if all_open(calendars, moment) else "CLOSED",
        "AtTime": moment.isoformat(timespec="seconds"),
        **({"NextTransitionTime": changes.isoformat(timespec="seconds")} if changes else {}),
    }


def _calendar(name: str) -> ChangeCalendar | None:
    _, _, _, region, account, document = _arn(name).split(":", 5)
    with request_scope(account, region):
        record = DOCUMENTS.records.get(document.removeprefix("document/"))
    return ChangeCalendar.read(record["properties"]["Content"]) if record else None


_OPERATIONS: dict[str, Callable[[Given], Given]] = {
    "CreateDocument": _create,
    "UpdateDocument": _update,
    "DeleteDocument": _delete,
    "GetCalendarState": _state,
}
