"""Plans and applies a Terraform configuration in the environment's account, from a saved plan.

The state is kept in the environment's bucket, with a lock file beside it. In a rollback the
configuration is that of the old commit, and is applied as any other.
Source: https://developer.hashicorp.com/terraform/language/backend/s3
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if __package__:
    from ...test_actions.runtime.environment_cli import CallError, EnvironmentCli

_STATE = "terraform.tfstate"
# How long Terraform may take to end by itself, and to free the lock, when it is interrupted.
_ENDING_SECONDS = 120
_NO_CHANGES, _CHANGES = 0, 2


class TerraformError(Exception):
    """Terraform failed; what it said stands in the log."""


class Terraform:
    """The program in one directory, with the credentials of the environment's account."""

    def __init__(self, directory: Path, environment: Mapping[str, str], until: float) -> None:
        self._directory = directory
        self._environment = environment
        self._until = until

    def __call__(
        self, *arguments: str, allowed: Sequence[int] = (0,), quiet: bool = False
    ) -> tuple[int, str]:
        """Run one command; return its exit code, and its output where it is quiet."""
        with subprocess.Popen(
            ["terraform", *arguments],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE if quiet else None,
            text=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=max(1, self._until - time.monotonic()))
            except subprocess.TimeoutExpired:
                # It ends what it does, writes its state and frees the lock.
                process.send_signal(signal.SIGINT)
                try:
                    process.communicate(timeout=_ENDING_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise TerraformError(f"terraform {arguments[0]} took too long") from None
        if process.returncode not in allowed:
            raise TerraformError(f"terraform {arguments[0]} failed with {process.returncode}")
        return process.returncode, output or ""


def deploy(
    terraform: Any, directory: Path, *, bucket: str, region: str, outputs: Sequence[str]
) -> dict[str, str]:
    """Initialize, plan, apply what was planned, and return outputs by their names."""
    # Without a backend in the configuration Terraform would keep the state in the build, and
    # lose it.
    backend: dict[str, Any] = {"terraform": {"backend": {"s3": {}}}}
    (directory / "dpra_backend_override.tf.json").write_text(json.dumps(backend))
    settings = {
        "bucket": bucket,
        "key": _STATE,
        "region": region,
        "encrypt": "true",
        "use_lockfile": "true",
    }
    terraform(
        "init",
        "-input=false",
        "-no-color",
        "-reconfigure",
        "-lockfile=readonly",
        *(f"-backend-config={name}={value}" for name, value in settings.items()),
    )
    with tempfile.TemporaryDirectory() as folder:
        plan = f"{folder}/plan"
        code, _ = terraform(
            *("plan", "-input=false", "-no-color", "-lock-timeout=5m", "-detailed-exitcode"),
            f"-out={plan}",
            allowed=(_NO_CHANGES, _CHANGES),
        )
        # Without changes it may still have new outputs, which the plan has too.
        terraform("apply", "-input=false", "-no-color", "-lock-timeout=5m", plan)
        print("Terraform has applied the plan" if code == _CHANGES else "Terraform changed nothing")
    if not outputs:
        return {}
    _, text = terraform("output", "-json", "-no-color", quiet=True)
    return {name: _output(json.loads(text), name) for name in outputs}


def _output(found: Mapping[str, Any], name: str) -> str:
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise TerraformError(f"the configuration has no output {name!r}; it has {known}")
    if found[name].get("sensitive"):
        raise TerraformError(f"the output {name!r} is sensitive, and would be shown in the console")
    value = found[name]["value"]
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TerraformError(f"the output {name!r} is no text and no number")
    return str(value)


def main(argv: list[str]) -> int:
    """Deploy; write each output into a file of the folder; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--role", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--outputs", type=Path, required=True)
    parser.add_argument("--output", action="append", default=[])
    options = parser.parse_args(argv)
    until = time.monotonic() + options.minutes * 60
    wanted = dict(each.split("=", 1) for each in options.output)
    try:
        environment = {
            **os.environ,
            **EnvironmentCli(options.role, options.region).credentials(),
            "AWS_REGION": options.region,
            "AWS_DEFAULT_REGION": options.region,
            "TF_IN_AUTOMATION": "true",
        }
        values = deploy(
            Terraform(options.directory, environment, until),
            options.directory,
            bucket=os.environ["TERRAFORM_STATE_BUCKET"],
            region=options.region,
            outputs=list(wanted.values()),
        )
    except (TerraformError, CallError, OSError, ValueError) as error:
        print(f"{options.directory} in {options.region}: {error}")
        return 1
    options.outputs.mkdir(parents=True, exist_ok=True)
    for variable, name in wanted.items():
        (options.outputs / variable).write_text(values[name])
    print(f"{options.directory} in {options.region}: deployed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
