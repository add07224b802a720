"""A step of an API's synthetic test. Pure: what is wrong with one is said when it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.errors import InvalidArgumentError

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_PATH = re.compile(r"/[\x21-\x7e]*")
# The HTTP library sets them itself; a second one would make the request ambiguous.
_SET_BY_CLIENT = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
# What such headers hold lets their bearer in.
_SECRET_HEADER = re.compile(
    r"(proxy-)?authorization|cookie|.*(token|secret|password|credentials?|api-?key)",
    re.IGNORECASE,
)
_LONGEST_NAME = 80
_LONGEST_BODY_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class ApiStep:
    """One request of an `ApiSyntheticTest`, and what its answer has to be.

    Redirects are not followed: a step may expect one by its status. An answer's body is read up
    to 1 MiB.

    Args:
        name: what the step does, 1 to 80 characters; it stands in logs and alarms.
        method: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
        path: put behind the test's URL; it begins with a slash, and may have a query.
        headers: of the request; a value stands in the test's code, so none may be a secret.
        secret_headers: headers whose whole value, like `Bearer abc`, is kept in Secrets Manager,
            in the target's account and region; read at each run.
        body: text, or a value that is sent as JSON, up to 256 KiB; it stands in the test's code.
        expected_status: 100 to 599.
        json_checks: what is found in the body, by JMESPath expression; the content type has to be
            that of JSON. An expression is checked here when jmespath is installed, as it is with
            boto3; one that is none fails the step.
        latency_limit_ms: in how many milliseconds the answer has to be there as a whole, 1 to
            60,000; without it only `timeout_seconds` counts.
        timeout_seconds: after how many seconds the request is given up, 1 to 60.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> ApiStep("List", path="/fruits", json_checks={"fruits[0].name": "apple"}).expected_status
    200

    Source: https://jmespath.org/specification.html
    """

    name: str
    _: KW_ONLY
    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, SecretsManagerSecret] = field(default_factory=dict)
    body: Any = None
    expected_status: int = 200
    json_checks: Mapping[str, Any] = field(default_factory=dict)
    latency_limit_ms: int | None = None
    timeout_seconds: int = 10

    def __post_init__(self) -> None:
        """Check the values."""
        arguments.text("ApiStep", "name", self.name)
        where = f'ApiStep "{self.name}"'
        if len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise InvalidArgumentError(
                "ApiStep",
                f"name={arguments.shown(self.name)} is not 1 to {_LONGEST_NAME} characters that "
                "can be printed",
                'write it like "List the fruits"',
            )
        arguments.one_of(where, "method", self.method, _METHODS)
        if not isinstance(self.path, str) or not _PATH.fullmatch(self.path):
            raise InvalidArgumentError(
                where,
                f"path={arguments.shown(self.path)} is not a path: a slash, and characters of "
                "ASCII without spaces",
                'write it like "/fruits?limit=1", with other characters percent-encoded',
            )
        headers = _headers(where, "headers", self.headers)
        secret_headers = _secret_headers(where, self.secret_headers)
        if twice := {name.lower() for name in headers} & {name.lower() for name in secret_headers}:
            raise InvalidArgumentError(
                where,
                f"{', '.join(sorted(twice))} stands in headers and in secret_headers",
                "keep one of them",
            )
        arguments.count(100, 599)(where, "expected_status", self.expected_status)
        arguments.count(1, 60)(where, "timeout_seconds", self.timeout_seconds)
        arguments.optional(arguments.count(1, 60_000))(
            where, "latency_limit_ms", self.latency_limit_ms
        )
        if self.latency_limit_ms and self.latency_limit_ms > self.timeout_seconds * 1000:
            raise InvalidArgumentError(
                where,
                f"latency_limit_ms={self.latency_limit_ms} is longer than "
                f"timeout_seconds={self.timeout_seconds}, after which the request is given up",
                "raise timeout_seconds",
            )
        _check_body(where, self.body)
        object.__setattr__(self, "headers", headers)
        object.__setattr__(self, "secret_headers", secret_headers)
        object.__setattr__(self, "json_checks", _json_checks(where, self.json_checks, self.method))

    @property
    def request(self) -> dict[str, Any]:
        """The step as the canary's code reads it."""
        headers = dict(self.headers)
        body = self.body
        if body is not None and not isinstance(body, str):
            body = json.dumps(body, ensure_ascii=False, sort_keys=True)
            if "content-type" not in map(str.lower, headers):
                headers["Content-Type"] = "application/json"
        step = {
            "name": self.name,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "secret_headers": {
                name: {"name": secret.name, "json_key": secret.json_key}
                for name, secret in self.secret_headers.items()
            },
            "body": body,
            "expected_status": self.expected_status,
            "json_checks": dict(self.json_checks),
            "latency_limit_ms": self.latency_limit_ms,
            "timeout_seconds": self.timeout_seconds,
        }
        return {name: value for name, value in step.items() if value not in (None, {})}


def _header_names(where: str, argument: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"{argument} is of type {type(given).__name__}, and a mapping of names to values is "
            "needed",
            f'write it like {argument}={{"Accept": "application/json"}}',
        )
    for name in given:
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise InvalidArgumentError(
                where,
                f"{argument} has {arguments.shown(name)}, which is not the name of a header",
                "write it with letters, digits and hyphens",
            )
        if name.lower() in _SET_BY_CLIENT:
            raise InvalidArgumentError(
                where, f"{argument} has {name}, which the canary sets itself", "leave it out"
            )
    arguments.unique(where, argument, [name.lower() for name in given])
    return given


def _headers(where: str, argument: str, given: object) -> Mapping[str, str]:
    headers = _header_names(where, argument, given)
    for name, value in headers.items():
        if _SECRET_HEADER.fullmatch(name):
            raise InvalidArgumentError(
                where,
                f"{argument} has {name}, which by its name is a secret, and these values stand in "
                "the test's code",
                f'refer to it: secret_headers={{"{name}": SecretsManagerSecret("fruit/canary")}}',
            )
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise InvalidArgumentError(
                where,
                f"the value of the header {name} is not text of printable ASCII characters",
                "write it on one line, with other characters encoded",
            )
    return MappingProxyType(dict(headers))


def _secret_headers(where: str, given: object) -> Mapping[str, SecretsManagerSecret]:
    headers = _header_names(where, "secret_headers", given)
    for name, value in headers.items():
        if not isinstance(value, SecretsManagerSecret):
            # Not repeated: it may be the secret.
            raise InvalidArgumentError(
                where,
                f"secret_headers[{name!r}] is of type {type(value).__name__}, and a reference to "
                "a secret is needed",
                f'write secret_headers={{"{name}": SecretsManagerSecret("fruit/canary", '
                'json_key="authorization")}',
            )
    return MappingProxyType(dict(headers))


def _check_body(where: str, body: object) -> None:
    if body is None:
        return
    if isinstance(body, str):
        size = len(body.encode())
    else:
        try:
            size = len(json.dumps(body, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            raise InvalidArgumentError(
                where,
                f"body is of type {type(body).__name__} and cannot be written as JSON",
                "give text, or a value of dict, list, str, int, float, bool and None",
            ) from None
    if size > _LONGEST_BODY_BYTES:
        raise InvalidArgumentError(
            where,
            f"body has {size} bytes, and a synthetic test sends up to {_LONGEST_BODY_BYTES}",
            "send less",
        )


def _json_checks(where: str, given: object, method: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"json_checks={arguments.shown(given)} is not a mapping of JMESPath expressions to "
            "what they find",
            'write it like json_checks={"length(fruits)": 2}',
        )
    if given and method == "HEAD":
        raise InvalidArgumentError(
            where, "json_checks are given, and HEAD has an answer without a body", "use GET"
        )
    for expression, expected in given.items():
        if not _is_expression(expression):
            raise InvalidArgumentError(
                where,
                f"json_checks has {arguments.shown(expression)}, which is not a JMESPath "
                "expression",
                'write it like "fruits[0].name"',
            )
        try:
            json.dumps(expected, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise InvalidArgumentError(
                where,
                f"json_checks[{expression!r}]={arguments.shown(expected)} is not a value of JSON",
                "give a value of dict, list, str, int, float, bool and None",
            ) from None
    return MappingProxyType(dict(given))


def _is_expression(given: object) -> bool:
    if not isinstance(given, str) or not given.strip():
        return False
    try:
        import jmespath  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        return True
    try:
        jmespath.compile(given)
    except (jmespath.exceptions.JMESPathError, RecursionError):
        return False
    return True
