"""Asks the HTTP API of a deployer, and follows a deployment until it ends.

Not a program of its own: it stands before those that use it in the same document. No redirect is
followed, as it would carry the key to another server, and the key is in no message.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_ANSWER_SECONDS = 30
_MOST_BYTES = 20_000_000
_LONGEST_REASON = 500
_POLL_SECONDS = 10
# How long in a row the server may be unreadable.
_UNREADABLE_SECONDS = 5 * 60


class ApiError(Exception):
    """The server refused, or could not be asked.

    Attributes:
        status: the status of HTTP; 0 where there was no answer.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status in (0, 408, 429) or self.status >= 500


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """A server with a key."""

    def __init__(
        self, url: str, headers: Mapping[str, str], key: str, *, clock: Any = time
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = headers
        self._key = key
        self._clock = clock
        self._opener = urllib.request.build_opener(_NoRedirect)

    def get(self, path: str) -> Any:
        """Return what is there; a server that is away is asked again for 5 minutes."""
        until = self._clock.monotonic() + _UNREADABLE_SECONDS
        while True:
            try:
                return self.send("GET", path)
            except ApiError as error:
                if not error.may_pass or self._clock.monotonic() >= until:
                    raise
                print(f"{error}; asked again", flush=True)
                self._clock.sleep(_POLL_SECONDS)

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Send one request; return its answer, or None where it has none."""
        request = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                **self._headers,
            },
        )
        asked = f"{method} {self._url}{path.partition('?')[0]}"
        try:
            with self._opener.open(request, timeout=_ANSWER_SECONDS) as answer:
                content = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                try:
                    said = error.read(_LONGEST_REASON * 4).decode("utf-8", "replace")
                except (OSError, http.client.HTTPException):
                    said = ""
            text = self.safe(f"{asked} was answered {error.code}: {said}")
            raise ApiError(text, error.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise ApiError(self.safe(f"{asked} was not answered: {reason}")) from None
        if len(content) > _MOST_BYTES:
            raise ApiError(f"{asked} was answered with more than {_MOST_BYTES} bytes", 200)
        if not content.strip():
            return None
        try:
            return json.loads(content)
        except ValueError:
            raise ApiError(f"{asked} was not answered with JSON", 200) from None

    def safe(self, text: str) -> str:
        """Return a text for the log: without the key, and short."""
        text = " ".join(text.replace(self._key, "***").split() if self._key else text.split())
        return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."


@dataclass(frozen=True)
class State:
    """What a deployment is in now.

    Attributes:
        text: for the log.
        succeeded: None while it runs.
    """

    text: str
    succeeded: bool | None = None


def follow(
    ask: Callable[[], State], cancel: Callable[[], object], *, minutes: float, clock: Any = time
) -> str | None:
    """Wait for the end of a deployment; return why it failed, or None.

    One that takes too long is cancelled: it would go on while the stage rolls back.
    """
    until = clock.monotonic() + minutes * 60
    shown = ""
    while True:
        state = ask()
        if state.text != shown:
            shown = state.text
            print(shown, flush=True)
        if state.succeeded is not None:
            return None if state.succeeded else shown
        if clock.monotonic() >= until:
            try:
                cancel()
            except ApiError as error:
                return f"{shown} after {minutes:g} minutes, and could not be cancelled: {error}"
            return f"{shown} after {minutes:g} minutes, and was cancelled"
        clock.sleep(_POLL_SECONDS)
