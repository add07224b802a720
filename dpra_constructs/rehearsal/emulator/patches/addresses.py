"""Addresses of deployed APIs that a process on this machine can open.

An API's own host name, `ID.execute-api.REGION.amazonaws.com`, leads to AWS, and MiniStack's
`ID.execute-api.localhost` is not known everywhere; the emulator's own address always works.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import ministack.app as app
from ministack.core.responses import request_scope
from ministack.services import apigateway, apigateway_v1
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

_API_PATH = "/_aws/execute-api/"
_FUNCTION_PATH = "/_aws/lambda-url/"
_API_HOST = re.compile(
    r"https?://([a-z0-9]+)\.execute-api\.(?:[a-z0-9-]+\.amazonaws\.com|[a-z0-9.]+:\d+)"
)
_FUNCTION_HOST = re.compile(r"https://([a-z0-9]+)\.lambda-url\.[a-z0-9-]+\.on\.aws/")


def api_address() -> None:
    """Give `ApiEndpoint`, and an address that a template puts together, on loopback.

    A call to it names no account, and is answered by the one that has the API.
    """
    resolve = engine._resolve_refs
    parse = app._parse_execute_api_url
    serve = app._handle_execute_api_request

    def resolve_refs(*args: Any) -> Any:
        value = resolve(*args)
        return _API_HOST.sub(_api, value) if isinstance(value, str) else value

    def parse_execute_api_url(host: str, path: str) -> Any:
        # The address without a path is the API's root.
        if path.startswith(_API_PATH) and "/" not in path[len(_API_PATH) :]:
            path += "/"
        return parse(host, path)

    async def handle(host: str, path: str, *args: Any, **kwargs: Any) -> Any:
        parsed = parse_execute_api_url(host, path)
        with _scope_of_api(parsed[0]) if parsed else nullcontext():
            return await serve(host, path, *args, **kwargs)

    app._handle_execute_api_request = handle
    for module in (engine, provisioners, stacks, changesets, handlers):
        if hasattr(module, "_resolve_refs"):
            module._resolve_refs = resolve_refs
    app._parse_execute_api_url = parse_execute_api_url


def function_address() -> None:
    """Give a function URL on loopback."""
    attributes = provisioners._lambda_url_attributes

    def lambda_url_attributes(config: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = attributes(config)
        return found | {"FunctionUrl": _FUNCTION_HOST.sub(_function, found["FunctionUrl"])}

    provisioners._lambda_url_attributes = lambda_url_attributes


def _scope_of_api(api: str) -> AbstractContextManager[None]:
    for store in (apigateway._apis, apigateway_v1._rest_apis):
        for account, region, id in store._data:
            if id == api:
                return request_scope(account, region)
    return nullcontext()


def _api(match: re.Match[str]) -> str:
    return f"{_here()}{_API_PATH}{match[1]}"


def _function(match: re.Match[str]) -> str:
    return f"{_here()}{_FUNCTION_PATH}{match[1]}/"


def _here() -> str:
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
