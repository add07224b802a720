"""Asks an HTTP server for JSON: no redirects, limits on what is read, no secret in an error."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

_TIMEOUT_SECONDS = 10
_MOST_BYTES = 5_000_000
_LONGEST_REASON = 200
# An answer that refuses is short; no more of it is read.
_REFUSAL_BYTES = 2_000


class HttpError(RuntimeError):
    """The server did not answer with JSON; the text says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the headers hold a token, which is for one server alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask_json(url: str, headers: Mapping[str, str], secrets: Iterable[str] = ()) -> Any:
    """Return what a server answers to GET.

    Args:
        url: what to ask.
        headers: with the token.
        secrets: texts that are cut out of errors.

    Raises:
        HttpError: there was no answer, or it is not JSON.
    """
    server = url.partition("?")[0]
    request = urllib.request.Request(url, headers={"Accept": "application/json", **headers})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            body = answer.read(_MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            try:
                said = error.read(_REFUSAL_BYTES).decode("utf-8", "replace")
            except (OSError, http.client.HTTPException):
                said = ""
        raise HttpError(_safe(f"{server} answered {error.code}: {said}", secrets)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Not the error itself as the cause: it may hold a header.
        reason = getattr(error, "reason", None) or type(error).__name__
        raise HttpError(_safe(f"{server} could not be asked: {reason}", secrets)) from None
    if len(body) > _MOST_BYTES:
        raise HttpError(f"{server} answered with more than {_MOST_BYTES} bytes")
    try:
        return json.loads(body)
    except ValueError:
        raise HttpError(f"{server} did not answer with JSON") from None


def _safe(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."
