"""Ends what an emulator has started, and removes its folder."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

_SECONDS = 5


def end_processes_of(folder: Path) -> None:
    """End the processes, but this one, that have a folder's path in their environment."""
    deadline = time.monotonic() + _SECONDS
    while (found := _processes_of(folder)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def remove(folder: Path) -> None:
    """Remove a folder in which something may be writing its last file."""
    deadline = time.monotonic() + _SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)


def _processes_of(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # It may end, or belong to someone else, while it is looked at.
        with suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return [pid for pid in found if pid != os.getpid()]
