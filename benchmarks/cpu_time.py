"""How much CPU a process and those that it has started have used."""

import os
import time
from collections import defaultdict
from pathlib import Path

_PROCESSES = Path("/proc")


def cpu_seconds() -> float | None:
    """Return the seconds of this process and its descendants that run; None without `/proc`.

    Unlike the time that passes, it hardly depends on what else the machine does.
    """
    if not _PROCESSES.is_dir():
        return None
    children: defaultdict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for stat in _PROCESSES.glob("[0-9]*/stat"):
        try:
            # After the program's name, which may hold anything: state, parent and so on.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            # It has ended meanwhile.
            continue
        process = int(stat.parent.name)
        children[int(fields[1])].append(process)
        # User and system time, its own.
        ticks[process] = int(fields[11]) + int(fields[12])
    found, seen = 0, list(children[os.getpid()])
    for process in seen:
        found += ticks[process]
        seen.extend(children[process])
    return time.process_time() + found / os.sysconf("SC_CLK_TCK")
