"""Calls of our own to the emulator's process: they are no part of AWS.

A web page that is open on this machine could reach the port too: a browser names the page's
origin, and such a call is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ministack.app as app

from dpra_constructs.rehearsal.emulator import authorization, function_faults, stack_failures, state
from dpra_constructs.rehearsal.emulator.patches import signing
from dpra_constructs.rehearsal.internal_paths import (
    ALLOWED,
    FAIL_STACK,
    FORGET,
    MISBEHAVE,
    SAVE,
    SIGNING_PROFILE,
    TRUSTED,
)

_JSON = {"Content-Type": "application/json"}


def register() -> None:
    """Answer the calls in MiniStack's process, before it looks for a service."""
    shortcuts = app._handle_post_body_shortcuts

    async def handle(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        request_id: str,
    ) -> Any:
        if (
            method == "POST"
            and path in (ALLOWED, FAIL_STACK, FORGET, MISBEHAVE, SAVE, SIGNING_PROFILE, TRUSTED)
            and "origin" not in headers
        ):
            return _answer(path, json.loads(body))
        return await shortcuts(method, path, headers, body, query_params, request_id)

    app._handle_post_body_shortcuts = handle


def _answer(path: str, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    answer: dict[str, Any] = {}
    try:
        if path == SAVE:
            state.save(Path(request["folder"]))
        elif path == FORGET:
            state.forget(request["account"])
        elif path == FAIL_STACK:
            stack_failures.fail_next(**request)
        elif path == MISBEHAVE:
            function_faults.misbehave(**request)
        elif path == SIGNING_PROFILE:
            signing.make_profile(**request)
        elif path == TRUSTED:
            answer = {"trusts": authorization.trusts_service(**request)}
        else:
            answer = {"decision": authorization.decision(**request)}
    except state.StateError as error:
        return 409, dict(_JSON), json.dumps({"message": str(error)}).encode()
    return 200, dict(_JSON), json.dumps(answer).encode()
