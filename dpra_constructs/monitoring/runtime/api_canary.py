"""The canary of an `ApiSyntheticTest`: sends its steps' requests, and fails when an answer is off.

It runs in the Python runtime of CloudWatch Synthetics. jmespath comes with botocore there. What
is logged are the names of steps and what this file says about them: no address, header or body of
a request or an answer, as any of them may hold a secret.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import jmespath  # type: ignore[import-untyped]

BASE_URL = "BASE_URL"
STEPS_FILE = "steps.json"
USER_AGENT = "dpra-constructs-synthetic-test"
# More than an answer that a test looks into; what comes after it is not read.
MOST_BYTES = 1_048_576
_CHUNK_BYTES = 65_536
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Step = Mapping[str, Any]


class SyntheticTestFailedError(Exception):
    """One or more steps failed; the runtime then counts the run as failed."""


class StepFailedError(Exception):
    """What is wrong with a step's answer, in words that are this file's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `is_whole` is False when there was more of it than is read."""

    status: int
    content_type: str
    body: bytes
    is_whole: bool
    latency_ms: int


def handler(event: object, context: object) -> str:
    """Run the test of this canary. Synthetics calls it on the canary's schedule."""
    import boto3

    folder = Path(__file__).parent
    steps = json.loads((folder / STEPS_FILE).read_text(encoding="utf-8"))
    read = secret_reader(boto3.client("secretsmanager")) if has_secrets(steps) else no_secrets
    return run(steps, os.environ[BASE_URL], read)


def has_secrets(steps: Sequence[Step]) -> bool:
    """Tell whether a step has headers whose values are kept in Secrets Manager."""
    return any(step.get("secret_headers") for step in steps)


def no_secrets(reference: Mapping[str, str]) -> str:
    """Refuse to read a secret: the steps have none."""
    raise StepFailedError("the secret of a header cannot be read")


def secret_reader(client: Any) -> Callable[[Mapping[str, str]], str]:
    """Make a function that reads a secret, each one once in a run.

    Args:
        client: of Secrets Manager.
    """
    kept: dict[str, str] = {}

    def read(reference: Mapping[str, str]) -> str:
        name, key = reference["name"], reference.get("json_key")
        problem = None
        try:
            if name not in kept:
                kept[name] = client.get_secret_value(SecretId=name)["SecretString"]
            value = kept[name] if key is None else json.loads(kept[name])[key]
        except Exception as error:  # the message of an error may quote the secret
            problem = type(error).__name__
        if problem is not None or not isinstance(value, str):
            # Outside the handler, so that no traceback leads back to the error.
            raise StepFailedError(f"the secret of a header cannot be read ({problem or 'no text'})")
        if not value.strip().isprintable():
            raise StepFailedError("the secret of a header is not one line of text")
        return value.strip()

    return read


def run(
    steps: Sequence[Step],
    base_url: str,
    read_secret: Callable[[Mapping[str, str]], str] = no_secrets,
    log: Callable[[str], object] = print,
) -> str:
    """Run all steps, also those after a failed one: a later one may remove what one has made.

    Args:
        steps: what `steps.json` has.
        base_url: what their paths are put behind.
        read_secret: reads a header's value.
        log: takes a line of JSON for each step.

    Raises:
        SyntheticTestFailedError: a step failed.
    """
    failed = []
    for step in steps:
        record: dict[str, object] = {"step": step["name"]}
        try:
            answer = send(step, base_url, read_secret)
            record |= {"status": answer.status, "latency_ms": answer.latency_ms}
            check(step, answer)
        except StepFailedError as error:
            record["problem"] = str(error)
            failed.append(f"{step['name']}: {error}")
        log(json.dumps({**record, "passed": "problem" not in record}))
    if failed:
        raise SyntheticTestFailedError("; ".join(failed)) from None
    return f"{len(steps)} steps passed"


def send(
    step: Step, base_url: str, read_secret: Callable[[Mapping[str, str]], str] = no_secrets
) -> Answer:
    """Send the request of a step and read the answer. Redirects are not followed.

    Raises:
        StepFailedError: there is no answer, or none in time.
    """
    address = urlsplit(base_url)
    headers = {"User-Agent": USER_AGENT, **step.get("headers", {})}
    if secrets := step.get("secret_headers"):
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise StepFailedError("a header's secret is sent over TLS only, and the URL is http:")
        headers |= {name: read_secret(reference) for name, reference in secrets.items()}
    problem = None
    try:
        return _exchange(step, address, headers)
    except Exception as error:  # the message of an error may quote a header
        problem = _problem(error, step)
    # Outside the handler, so that no traceback leads back to the error.
    raise StepFailedError(problem)


def _exchange(step: Step, address: SplitResult, headers: Mapping[str, str]) -> Answer:
    timeout = step["timeout_seconds"]
    body = step.get("body")
    started = time.monotonic()
    connection = _connection(address, timeout)
    # The timeout of a socket is for each read: an answer that drips would never end.
    out_of_time = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        connection.connect()
        left = max(0.0, started + timeout - time.monotonic())
        timer = threading.Timer(left, _break_off, (connection.sock, out_of_time))
        timer.daemon = True
        stack.callback(timer.cancel)
        timer.start()
        try:
            connection.request(
                step["method"],
                address.path.rstrip("/") + step["path"],
                body=None if body is None else body.encode(),
                headers=dict(headers),
            )
            response = stack.enter_context(connection.getresponse())
            content, is_whole = _read(response)
        except (OSError, http.client.HTTPException):
            if not out_of_time.is_set():
                raise
        if out_of_time.is_set():
            raise TimeoutError
    return Answer(
        response.status,
        response.getheader("Content-Type", ""),
        content,
        is_whole,
        round((time.monotonic() - started) * 1000),
    )


def _connection(address: SplitResult, timeout: float) -> http.client.HTTPConnection:
    host = address.hostname or ""
    if address.scheme == "https":
        return http.client.HTTPSConnection(
            host, address.port, timeout=timeout, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, address.port, timeout=timeout)


def _break_off(opened: socket.socket, out_of_time: threading.Event) -> None:
    out_of_time.set()
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    while size <= MOST_BYTES:
        part = response.read1(_CHUNK_BYTES)
        if not part:
            # What breaks off before its stated length is no answer.
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            return b"".join(parts), True
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:MOST_BYTES], False


def _problem(error: Exception, step: Step) -> str:
    """Say what an error means, without the words of the error."""
    match error:
        case TimeoutError():
            return f"there is no whole answer within {step['timeout_seconds']} seconds"
        case ssl.SSLCertVerificationError():
            return "the server's certificate is not valid for it"
        case ssl.SSLError():
            return "the server does not speak TLS as it has to"
        case socket.gaierror():
            return "the name of the server is not known"
        case ConnectionRefusedError():
            return "the connection is refused"
        case ConnectionError() | http.client.RemoteDisconnected() | http.client.IncompleteRead():
            return "the connection broke off before the answer was whole"
        case http.client.HTTPException():
            return f"the answer is not HTTP ({type(error).__name__})"
        case _:
            return f"the request cannot be sent ({type(error).__name__})"


def check(step: Step, answer: Answer) -> None:
    """Compare an answer with what the step expects.

    Raises:
        StepFailedError: it differs.
    """
    expected = step["expected_status"]
    if answer.status != expected:
        raise StepFailedError(f"status {answer.status} instead of {expected}")
    limit = step.get("latency_limit_ms")
    if limit is not None and answer.latency_ms > limit:
        raise StepFailedError(f"{answer.latency_ms} ms instead of at most {limit} ms")
    if checks := step.get("json_checks"):
        _check_json(checks, answer)


def _check_json(checks: Mapping[str, object], answer: Answer) -> None:
    if not answer.is_whole:
        raise StepFailedError(f"the body has more than the {MOST_BYTES} bytes that are read")
    media = answer.content_type.partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise StepFailedError("the content type is not that of JSON")
    document, is_json = _parsed(answer.body)
    if not is_json:
        raise StepFailedError("the body is not JSON")
    for expression, expected in checks.items():
        found, is_found = _found(expression, document)
        if not is_found:
            raise StepFailedError(f"{expression!r} cannot be read in the body")
        if not _same(found, expected):
            raise StepFailedError(f"{expression!r} is not what is expected")


def _parsed(body: bytes) -> tuple[object, bool]:
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False


def _found(expression: str, document: object) -> tuple[object, bool]:
    try:
        return jmespath.search(expression, document), True
    except Exception:  # the message of an error may quote the body
        return None, False


def _same(found: object, expected: object) -> bool:
    """Compare values of JSON: there `true` is not 1, though Python says so."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _same(found[key], expected[key]) for key in found
        )
    return found == expected
