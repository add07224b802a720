"""Runs the CDK CLI."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dpra_constructs.errors import DpraError

_SECONDS = 600
_LAST_LINES = 40


class CdkError(DpraError):
    """The CDK CLI is not there, or failed."""


def run_cdk(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> str:
    """Run the CDK CLI and return what it prints.

    Raises:
        CdkError: it is not installed, fails, or runs for more than ten minutes.
    """
    program = shutil.which("cdk", path=environment.get("PATH"))
    if not program:
        raise CdkError(
            "the CDK CLI is not on PATH; this repository's `make setup` installs it, and "
            "elsewhere: npm install aws-cdk@2.1148.1"
        )
    shown = f"cdk {' '.join(arguments)}"
    try:
        done = subprocess.run(
            [program, "--no-notices", *arguments],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CdkError(f"{shown} did not end within {_SECONDS} seconds") from None
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-_LAST_LINES:]
        raise CdkError("\n".join([f"{shown} failed:", *lines]))
    return done.stdout
