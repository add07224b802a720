"""Ends the processes of builds when the emulator is gone, however it went.

A process of its own, started with the first build: it reads from a pipe whose other end only the
emulator has, so the pipe's end is the emulator's end, even by SIGKILL. Works where /proc is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

#: The variable that every process of a build has.
VARIABLE = "DPRA_REHEARSAL_BUILD"

_LOCK = threading.Lock()
_STARTED: list[tuple[str, subprocess.Popen[bytes]]] = []
_SECONDS = 5.0


def mark() -> str:
    """Start the guard, once, and return the value of the variable that it looks for."""
    with _LOCK:
        if not _STARTED:
            value = str(uuid.uuid4())
            # By its path: it needs nothing of the library, and starts the faster.
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, value],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _STARTED.append((value, guard))
        return _STARTED[0][0]


def _main() -> None:
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _SECONDS
    while (found := _marked(f"{VARIABLE}={sys.argv[1]}".encode())) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _marked(text: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


if __name__ == "__main__":
    _main()
