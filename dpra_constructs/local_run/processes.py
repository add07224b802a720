"""Ends every process of a build, also those that left its session.

A build's shell leads a session of its own, and each of its processes inherits a variable with the
build's mark and prints into the build's pipe. On Linux all three are looked for in /proc, and so
are the children of what is found; on other systems the shell's process group is ended. Only a
process that has left the session, its parent, its variables and its output cannot be found.
"""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MARK = "DPRA_LOCAL_BUILD"
_PROC = Path("/proc")
_GRACE_SECONDS = 1.0
_KILL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Traces:
    """What the processes of one build have of it.

    Args:
        mark: one of the texts, joined by colons, that the variable `MARK` has.
        output: the write end of the pipe that they print into.
        sessions: the process ids of the build's shells, each the leader of its session.
    """

    mark: str
    output: int
    sessions: set[int] = field(default_factory=set)


def end_processes(traces: Traces) -> tuple[int, ...]:
    """End the processes of a build and return those that could not be ended."""
    if not _PROC.joinpath("self", "stat").exists():
        _end_groups(traces.sessions)
        return ()
    left = _end(traces, signal.SIGTERM, _GRACE_SECONDS)
    if left:
        left = _end(traces, signal.SIGKILL, _KILL_SECONDS)
    return tuple(sorted(left))


def processes(traces: Traces) -> set[int]:
    """Return the living processes of a build, found in /proc."""
    mark = re.compile(
        rb"(?:^|\0)%b=(?:[^\0]*:)?%b[:\0]" % (MARK.encode(), re.escape(traces.mark.encode()))
    )
    pipe = (_PROC / "self" / "fd" / str(traces.output)).readlink()
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
            if (
                session in traces.sessions
                or mark.search((folder / "environ").read_bytes())
                or pipe in {(folder / "fd" / number).readlink() for number in "12"}
            ):
                found.add(pid)
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return found - {os.getpid()}


def _end(traces: Traces, number: signal.Signals, seconds: float) -> set[int]:
    deadline = time.monotonic() + seconds
    signalled: set[int] = set()
    while left := processes(traces):
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
