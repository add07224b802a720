"""Ends every process of a build, also those that left its session.

A build's shell leads a session of its own, and each of its processes inherits a variable with the
build's mark. On Linux both are looked for in /proc, and so are the children of what is found; on
other systems the shell's process group is ended.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "DPRA_LOCAL_BUILD"
_PROC = Path("/proc")
_GRACE_SECONDS = 1.0
_KILL_SECONDS = 5.0


def end_processes(sessions: set[int], mark: str) -> tuple[int, ...]:
    """End the processes of a build and return those that could not be ended.

    Args:
        sessions: the process ids of the build's shells, each the leader of its session.
        mark: the text that stands in the variable `MARK` of the build's processes.
    """
    if not _PROC.joinpath("self", "stat").exists():
        _end_groups(sessions)
        return ()
    left = _end(sessions, mark, signal.SIGTERM, _GRACE_SECONDS)
    if left:
        left = _end(sessions, mark, signal.SIGKILL, _KILL_SECONDS)
    return tuple(sorted(left))


def processes(sessions: set[int], mark: str) -> set[int]:
    """Return the living processes of a build, found in /proc."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        # A process may end, or belong to someone else, while it is looked at.
        with suppress(OSError, ValueError):
            # The name, in brackets, may hold spaces and brackets itself.
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            state, parent, session = fields[0], int(fields[1]), int(fields[3])
            if state in "ZX":
                continue
            parents[pid] = parent
            if session in sessions or mark.encode() in (folder / "environ").read_bytes():
                found.add(pid)
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return found - {os.getpid()}


def _end(sessions: set[int], mark: str, number: signal.Signals, seconds: float) -> set[int]:
    deadline = time.monotonic() + seconds
    signalled: set[int] = set()
    while left := processes(sessions, mark):
        for pid in left - signalled:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        signalled |= left
        if time.monotonic() > deadline:
            return left
        time.sleep(0.01)
    return set()


def _end_groups(sessions: set[int]) -> None:
    for number, seconds in ((signal.SIGTERM, 0.2), (signal.SIGKILL, 0.0)):
        for session in sessions:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(session, number)
        time.sleep(seconds)
