"""Nothing of a build is left when the emulator is gone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.settings import VARIABLE
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    commit,
    named,
    settings,
    wait_for,
)
from tests.rehearsal.codepipeline.test_codebuild import build, commands, with_project

pytestmark = pytest.mark.rehearsal

PROGRAM = """
import sys
from dpra_constructs.rehearsal.server import emulator
with emulator() as endpoint:
    print(endpoint, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["in order", "the rehearsal is killed", "the emulator is killed"])
def test_a_running_build_ends_with_the_emulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    repository, marks = tmp_path / "repository", tmp_path / "marks"
    commit(repository, {"index.html": "one"}, "first")
    settings(tmp_path, repository)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "settings.json"))
    # The build's own parents are its shells and then the emulator.
    spec = commands(f"(setsid sleep 300 & echo $! $PPID; echo $$) > {marks}.part")
    spec["phases"]["build"]["commands"].append(f"mv {marks}.part {marks}; sleep 300")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as rehearsal:
        assert rehearsal.stdin
        assert rehearsal.stdout
        endpoint = rehearsal.stdout.readline().strip()
        cloudformation = client("cloudformation", endpoint, TOOLS)
        given = named(with_project(spec, build()), "fruit")
        create_stack(cloudformation, "fruit", json.dumps(given))
        Pipeline(name="fruit", endpoint=endpoint, repository=repository).start()
        pids = [
            int(pid)
            for pid in wait_for(lambda: marks.read_text() if marks.exists() else "").split()
        ]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        match how:
            case "in order":
                rehearsal.stdin.write("\n")
                rehearsal.stdin.flush()
            case "the rehearsal is killed":
                rehearsal.kill()
            case _:
                os.kill(emulator_of(rehearsal.pid), signal.SIGKILL)
        wait_for(lambda: not any(is_alive(pid) for pid in pids))
        if rehearsal.poll() is None and how != "in order":
            rehearsal.kill()


def emulator_of(rehearsal: int) -> int:
    children = Path(f"/proc/{rehearsal}/task/{rehearsal}/children").read_text().split()
    [child] = children
    return int(child)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
