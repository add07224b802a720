"""Processes are found by what they have of a build, and nothing else is."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dpra_constructs.local_run import processes
from dpra_constructs.local_run.processes import MARK, Traces, end_processes


@contextmanager
def sleeping(**options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def pipe() -> Iterator[int]:
    ends = os.pipe()
    try:
        yield ends[1]
    finally:
        for end in ends:
            os.close(end)


def test_a_process_is_found_by_session_by_variable_and_by_output() -> None:
    path = {"PATH": os.environ["PATH"]}
    with (
        pipe() as output,
        pipe() as other_output,
        sleeping(start_new_session=True, env=path) as leader,
        sleeping(env=path | {MARK: "outer:mine"}) as marked,
        sleeping(env=path, stdout=output) as printing,
        sleeping(env=path | {MARK: "other", "OTHER": "mine"}, stdout=other_output) as other,
    ):
        traces = Traces(mark="mine", output=output, sessions={leader.pid})
        # Popen comes back before the program's own variables are to be seen.
        deadline = time.monotonic() + 10
        while len(processes.processes(traces)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert processes.processes(traces) == {leader.pid, marked.pid, printing.pid}
        assert end_processes(traces) == ()
        assert [each.wait(10) for each in (leader, marked, printing)] == [-15, -15, -15]
        assert other.poll() is None


def test_without_proc_the_group_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on macOS.
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    with pipe() as output, sleeping(start_new_session=True) as leader:
        assert end_processes(Traces(mark="mine", output=output, sessions={leader.pid})) == ()
        assert leader.wait(10) in {-15, -9}
