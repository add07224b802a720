"""Requests next to one that a role may make: another name, region or account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.rehearsal.access.request import Request

OTHER_ACCOUNT = "999999999999"
# What an ARN begins with to say which kind of resource it is of, and no name.
_KINDS = {
    *("alarm", "connection", "function", "key", "log-group", "parameter", "project"),
    *("report-group", "role", "stack"),
}


def neighbours(request: Request) -> Iterator[Request]:
    """Give requests that differ in one thing from a request: a name, the region or the account.

    A key that is used through a service is used without it: what the service may reach says more.
    """
    if request.via:
        direct = replace(request, via="")
        yield from (direct, *neighbours(direct))
        return
    if request.resource == "*":
        yield replace(request, region=_elsewhere(request.region))
        return
    _, partition, service, region, account, rest = request.resource.split(":", 5)
    for other in _other_names(rest):
        yield replace(request, resource=f"arn:{partition}:{service}:{region}:{account}:{other}")
    if region:
        other = _elsewhere(region)
        yield replace(request, resource=f"arn:{partition}:{service}:{other}:{account}:{rest}")
    if account:
        other = OTHER_ACCOUNT
        yield replace(request, resource=f"arn:{partition}:{service}:{region}:{other}:{rest}")


def _elsewhere(region: str) -> str:
    return "us-east-2" if region != "us-east-2" else "us-west-1"


def _other_names(rest: str) -> Iterator[str]:
    """Give names that begin in another way, and those that end so where the end is not free."""
    words = re.split(r"([:/])", rest)
    for place, word in enumerate(words):
        if word in ("", ":", "/", "*") or (place == 0 and word in _KINDS):
            continue
        for other in (f"other-{word}", *([] if word.endswith("*") else [f"{word}-other"])):
            yield "".join([*words[:place], other, *words[place + 1 :]])
