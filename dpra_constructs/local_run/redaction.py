"""Keeps secrets out of logs and messages, also where a value arrives in pieces.

As in the service, the exact value is hidden; what a command makes of it, like base64, is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"


class Redactor:
    """Replaces secret values in a text, or in a stream of bytes.

    >>> redactor = Redactor()
    >>> redactor.hide("s3cret")
    >>> redactor.text("password=s3cret")
    'password=***'
    >>> redactor.feed(b"password=s3c"), redactor.feed(b"ret!"), redactor.rest()
    (b'password=', b'***!', b'')
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[bytes, ...] = ()
        self._pattern: re.Pattern[bytes] | None = None
        self._held = b""
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Hide a value from now on; an empty one hides nothing."""
        if secret:
            values = {*self._secrets, secret.encode()}
            # The longest first: a secret may be the beginning of another one.
            self._secrets = tuple(sorted(values, key=lambda value: (-len(value), value)))
            self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)))

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        return self._masked(text.encode(errors="surrogateescape")).decode(errors="replace")

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown of a stream so far; the beginning of a secret is held back."""
        if not self._pattern:
            return data
        data = self._held + data
        begin = self._undecided(data)
        self._held = data[begin:]
        return self._masked(data[:begin])

    def rest(self) -> bytes:
        """Return what was held back when the stream is at its end."""
        held, self._held = self._held, b""
        return self._masked(held)

    def _masked(self, data: bytes) -> bytes:
        return self._pattern.sub(MASK.encode(), data) if self._pattern else data

    def _undecided(self, data: bytes) -> int:
        """Return where a secret begins that more data could complete, or the end."""
        longest = len(self._secrets[0])
        for begin in range(max(0, len(data) - longest + 1), len(data)):
            tail = data[begin:]
            if any(len(tail) < len(each) and each.startswith(tail) for each in self._secrets):
                return self._before_whole(data, begin)
        return len(data)

    def _before_whole(self, data: bytes, begin: int) -> int:
        """Move a cut that would fall inside a whole secret to the secret's end."""
        if self._pattern:
            for match in self._pattern.finditer(data):
                if match.start() < begin < match.end():
                    return match.end()
        return begin
