"""The log of a build: what commands print and what the build says, in order, without secrets."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from dpra_constructs.local_run.redaction import Redactor

_CLOSE_SECONDS = 5.0


class BuildLog:
    """Writes a file from a pipe that commands and the build share, so that the order is kept.

    Args:
        path: the file; its folder is made.
        redactor: knows the secrets.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._redactor = redactor
        self._file = path.open("wb", buffering=0)
        self._read, self.write_end = os.pipe()
        self._thread = threading.Thread(target=self._pump, name=f"log {path.name}", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write what the build itself says, as CodeBuild's container does.

        Each line is marked, so that a command of several lines is told from what it prints.
        """
        now = datetime.now(UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        lines = text.split("\n")
        self.write("".join(f"[Container] {now} {line}\n" for line in lines))

    def write(self, text: str) -> None:
        """Write a text as it is."""
        data = memoryview(text.encode(errors="surrogateescape"))
        while data:
            data = data[os.write(self.write_end, data) :]

    def close(self) -> None:
        """Wait until everything is in the file; call it after the build's processes ended."""
        os.close(self.write_end)
        self._thread.join(_CLOSE_SECONDS)

    def _pump(self) -> None:
        with self._file as file:
            while data := os.read(self._read, 65536):
                file.write(self._redactor.feed(data))
            file.write(self._redactor.rest())
        os.close(self._read)
