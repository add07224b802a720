"""Runs the CDK CLI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dpra_constructs.errors import DpraError

_SECONDS = 600
_END_SECONDS = 5
_LAST_LINES = 40


class CdkError(DpraError):
    """The CDK CLI is not there, or failed."""


class CdkProcess:
    """The CDK CLI at work; leaving its context ends it, with what it has started.

    Raises:
        CdkError: it is not installed.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        program = shutil.which("cdk", path=environment.get("PATH"))
        if not program:
            raise CdkError(
                "the CDK CLI is not on PATH; this repository's `make setup` installs it, and "
                "elsewhere: npm install aws-cdk@2.1148.1"
            )
        self._shown = f"cdk {' '.join(arguments)}"
        self._process = subprocess.Popen(
            [program, "--no-notices", *arguments],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own, so that the app that it runs ends with it.
            start_new_session=True,
        )

    def __enter__(self) -> CdkProcess:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End what still runs."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def result(self) -> str:
        """Wait for its end, and return what it printed.

        Raises:
            CdkError: it fails, or runs for more than ten minutes.
        """
        try:
            printed, errors = self._process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise CdkError(f"{self._shown} did not end within {_SECONDS} seconds") from None
        if self._process.returncode:
            lines = (printed + errors).splitlines()[-_LAST_LINES:]
            raise CdkError("\n".join([f"{self._shown} failed:", *lines]))
        return printed


def run_cdk(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> str:
    """Run the CDK CLI and return what it prints.

    Raises:
        CdkError: it is not installed, fails, or runs for more than ten minutes.
    """
    with CdkProcess(arguments, environment, folder) as process:
        return process.result()
