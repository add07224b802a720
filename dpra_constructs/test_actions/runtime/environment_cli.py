"""Runs the AWS CLI with a role of the environment's account, whose credentials nothing else sees.

Not a program of its own: it stands before those that use it in the same document.
"""

import json
import os
import subprocess
import time
from typing import Any

# Credentials of a role that a role has assumed hold for an hour at most.
_RENEW_AFTER_SECONDS = 40 * 60


class CallError(Exception):
    """A call that failed; its text is what the AWS CLI says."""


class EnvironmentCli:
    """The AWS CLI in the environment's account and region."""

    def __init__(self, role: str, region: str, *, run: Any = subprocess.run, clock: Any = time):
        self._role = role
        self._region = region
        self._run = run
        self._clock = clock
        self._assumed_at: float | None = None
        self._credentials: dict[str, str] = {}

    def __call__(self, *arguments: str) -> dict[str, Any]:
        """Run one command; return its answer."""
        return self._call(arguments, {**os.environ, **self.credentials()})

    def text(self, *arguments: str) -> str:
        """Run one command that answers with a text."""
        return self._output(arguments, {**os.environ, **self.credentials()}).strip()

    def credentials(self) -> dict[str, str]:
        """Return environment variables with the role's credentials."""
        now = self._clock.monotonic()
        if self._assumed_at is None or now - self._assumed_at > _RENEW_AFTER_SECONDS:
            assume = ("sts", "assume-role", "--role-arn", self._role)
            session = ("--role-session-name", "dpra-pipeline")
            found = self._call((*assume, *session), dict(os.environ))["Credentials"]
            self._credentials = {
                "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
                "AWS_SESSION_TOKEN": found["SessionToken"],
            }
            self._assumed_at = now
        return self._credentials

    def _call(self, arguments: tuple[str, ...], environment: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._output(arguments, environment) or "{}")
        return answer

    def _output(self, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
        command = ["aws", *arguments, "--region", self._region]
        if "--output" not in arguments:
            command += ["--output", "json"]
        try:
            done = self._run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=120
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CallError(f"aws {arguments[0]} {arguments[1]}: {error}") from error
        if done.returncode:
            raise CallError(f"aws {arguments[0]} {arguments[1]}: {done.stderr.strip()}")
        return str(done.stdout)
