"""What the bake reads of monitors outside CloudWatch: Datadog, Dynatrace, or any HTTP server.

Each reader returns a `Reading` as an alarm gives one: the state now, and since when it alarms if
that is after the deployment. What cannot be read, or is not understood, is a problem and never a
state. Sources:
https://docs.datadoghq.com/api/latest/monitors/#get-a-monitors-details
https://docs.dynatrace.com/docs/dynatrace-api/environment-api/problems-v2/problems/get-problems-list
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from .bake_readings import Reading
from .http_json import HttpError, ask_json

#: The function's variable that says by stage what else it reads.
VARIABLE = "DPRA_HEALTH_SOURCES"
# One reading has to end well before the function does.
_LONGEST_SECONDS = 40
_MOST_PROBLEMS = 500
#: How far back an open problem may have begun.
_OPEN_SINCE = "now-30d"
_DATADOG_STATES = {
    "OK": "OK",
    # A warning is no alert; that it began after the deployment counts below.
    "Warn": "OK",
    "Alert": "ALARM",
    "No Data": "INSUFFICIENT_DATA",
    "Ignored": "INSUFFICIENT_DATA",
    "Skipped": "INSUFFICIENT_DATA",
    "Unknown": "INSUFFICIENT_DATA",
}

Source = Mapping[str, Any]
Secrets = Mapping[str, str]


def sources_of(text: str, stage: str) -> tuple[Source, ...]:
    """Return the sources of a pipeline stage, as the function's variable says them."""
    return tuple(json.loads(text or "{}").get(stage, ()))


def read_source(source: Source, deployed: int, read_secret: Callable[[str], str]) -> Reading:
    """Read a source once.

    Args:
        source: one of `sources_of`.
        deployed: since when an alert counts, in milliseconds since 1970.
        read_secret: returns the text of a secret of Secrets Manager; may raise as clients do.
    """
    try:
        secrets = {
            key: _secret(read_secret(name), json_key)
            for key, (name, json_key) in source["secrets"].items()
        }
        return _READERS[source["kind"]](source, secrets, deployed)
    except HttpError as error:
        return Reading(problem=str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Not its text, which may hold what was read.
        return Reading(problem=f"its answer is not understood ({type(error).__name__})")


def _secret(text: str, json_key: str | None) -> str:
    if json_key is None:
        value: object = text
    else:
        try:
            value = json.loads(text)[json_key]
        except (ValueError, KeyError, TypeError):
            raise HttpError(f"the secret has no value {json_key!r}") from None
    # A line end would be a second header.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise HttpError("the secret is not a text that can be a token")
    return value


def _datadog(source: Source, secrets: Secrets, deployed: int) -> Reading:
    monitor = ask_json(
        f"{source['url']}/api/v1/monitor/{int(source['monitor'])}?group_states=all",
        {"DD-API-KEY": secrets["api_key"], "DD-APPLICATION-KEY": secrets["application_key"]},
        secrets.values(),
    )
    if not isinstance(monitor["overall_state"], str):
        raise TypeError
    groups = (monitor.get("state") or {}).get("groups") or {}
    said = monitor["overall_state"]
    if group := source.get("group"):
        if group not in groups:
            return Reading(problem=f"the monitor has no group {group!r}")
        groups = {group: groups[group]}
        said = groups[group]["status"]
    state = _DATADOG_STATES.get(said)
    if state is None:
        return Reading(problem=f"Datadog gives its state as {said!r}")
    first: tuple[int, str] | None = None
    for name, each in groups.items():
        at = int(each.get("last_triggered_ts") or 0) * 1000
        # In whole seconds: the second of the deployment itself counts as after it.
        if at + 999 >= deployed and (first is None or at < first[0]):
            first = max(at, deployed), f"{monitor.get('name', '')} of {name}"
    return _reading(state, f"{monitor.get('name', '')}: {said}", first)


def _dynatrace(source: Source, secrets: Secrets, deployed: int) -> Reading:
    """Ask twice: a timeframe has the problems that begin or end in it, and not all open ones."""
    selector = source.get("problem_selector", "")
    shared = {"pageSize": str(_MOST_PROBLEMS)}
    if entities := source.get("entity_selector"):
        shared["entitySelector"] = entities
    both = ",".join(part for part in ('status("open")', selector) if part)
    open_ones = _problems(source, secrets, {**shared, "from": _OPEN_SINCE, "problemSelector": both})
    chosen = {"problemSelector": selector} if selector else {}
    since = _problems(source, secrets, {**shared, "from": str(deployed), **chosen})
    first: tuple[int, str] | None = None
    for problem in [*open_ones, *since]:
        at = int(problem["startTime"])
        if at >= deployed and (first is None or at < first[0]):
            first = at, _title(problem)
    state = "ALARM" if any(each["status"] == "OPEN" for each in [*open_ones, *since]) else "OK"
    return _reading(state, "; ".join(map(_title, open_ones[:3])) or "no open problem", first)


def _problems(source: Source, secrets: Secrets, query: Mapping[str, str]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Api-Token {secrets['api_token']}"}
    began, found, asked = time.monotonic(), [], urlencode(query, quote_via=quote)
    while time.monotonic() - began < _LONGEST_SECONDS / 2:
        page = ask_json(f"{source['url']}/api/v2/problems?{asked}", headers, secrets.values())
        problems = page["problems"]
        if not isinstance(problems, list):
            raise TypeError(f"problems is {type(problems).__name__}, not a list")
        found.extend(problems)
        if not (more := page.get("nextPageKey")):
            return found
        asked = urlencode({"nextPageKey": more})
    raise HttpError(f"{source['url']} has more problems than can be read")


def _title(problem: Mapping[str, Any]) -> str:
    return f"{problem.get('displayId', '')} {problem.get('title', '')}".strip()


def _http(source: Source, secrets: Secrets, deployed: int) -> Reading:
    joint = "&" if "?" in source["url"] else "?"
    answer = ask_json(
        f"{source['url']}{joint}since={deployed}",
        {"Authorization": f"Bearer {secrets['token']}"},
        secrets.values(),
    )
    state, reason, at = answer["state"], answer.get("reason", ""), answer.get("alarmed_at")
    if state not in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        return Reading(problem=f"it gives its state as {state!r}")
    return _reading(
        state, str(reason), (int(at), str(reason)) if at is not None and at >= deployed else None
    )


def _reading(state: str, reason: str, first: tuple[int, str] | None) -> Reading:
    return Reading(
        state=state,
        reason=reason,
        alarmed_at=first[0] if first else None,
        alarm_reason=first[1] if first else "",
    )


_READERS: Mapping[str, Callable[[Source, Secrets, int], Reading]] = {
    "datadog": _datadog,
    "dynatrace": _dynatrace,
    "http": _http,
}
