"""Runs the commands that people have for a pipeline, as they do: in a process of their own."""

from __future__ import annotations

import subprocess
import sys

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.rehearsal import Emulation

_SECONDS = 60


def run_dpra(emulation: Emulation, command: str, *arguments: str) -> str:
    """Run `dpra COMMAND PIPELINE ... --yes` against the emulator; return what it says.

    Args:
        emulation: where the pipeline is.
        command: resume or override.
        arguments: further arguments.

    Raises:
        RehearsalError: it fails; the message has what it says.
    """
    place = emulation.api.place
    asked = [command, emulation.api.name, "--region", place.region, *arguments, "--yes"]
    done = subprocess.run(
        [sys.executable, "-c", "from dpra_constructs.cli import main; main()", *asked],
        env=child_environment(
            endpoint=emulation.endpoint, account=place.account, region=place.region
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RehearsalError(f"dpra {' '.join(asked)} failed: {done.stderr.strip()}")
    emulation.watcher.note(f"dpra {' '.join(asked)}: {' '.join(done.stdout.split())}")
    return done.stdout
