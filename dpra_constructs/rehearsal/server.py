"""Starts and ends the emulator's process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.internal_paths import (
    ALLOWED,
    FAIL_STACK,
    FOLDER_PREFIX,
    FORGET,
    MISBEHAVE,
    SAVE,
    SIGNING_PROFILE,
    STATE_FILE,
    TRUSTED,
)
from dpra_constructs.rehearsal.isolation import child_environment, is_loopback
from dpra_constructs.rehearsal.processes import end_processes_of
from dpra_constructs.rehearsal.settings import TIME_SCALE, VARIABLE

MINISTACK = "1.5.33"
_START_SECONDS = 60
_END_SECONDS = 5


@contextmanager
def emulator(
    without: Sequence[str] = (),
    state: Path | None = None,
    settings: Path | None = None,
    time_scale: float = 1,
) -> Iterator[str]:
    """Run the emulator on loopback, with IAM enforced, and give its address.

    Args:
        without: names of patches to leave out, for tests of their self-tests.
        state: a folder that `save_state` wrote, to start from; without it the emulator is empty.
            Only one that you wrote: loading it runs what it contains.
        settings: the file that tells the executor where sources are; it may change while the
            emulator runs.
        time_scale: how many minutes of a bake, and of a state machine's waiting, pass in one.

    Raises:
        RehearsalError: it is not installed in the version that is patched, or does not start, or
            the folder holds no state.
    """
    _check_version()
    if state and not (state / STATE_FILE).is_file():
        raise RehearsalError(
            f"{state} is no saved state of an emulator: it has no {STATE_FILE}; save one with "
            "save_state"
        )
    with TemporaryDirectory(prefix=FOLDER_PREFIX) as folder:
        port = _free_port()
        environment = child_environment() | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
            # Listeners on ports of their own, which no rehearsal needs.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_HOST": "127.0.0.1",
            "S3_DATA_DIR": str(Path(folder) / "s3"),
            "TMPDIR": folder,
            # Read by the function of the bake, and by the executor between its calls.
            TIME_SCALE: f"{time_scale:g}",
            # How long a `Wait` of Step Functions takes, and the pause before a retry.
            "SFN_WAIT_SCALE": f"{1 / time_scale:g}",
        }
        if settings:
            environment[VARIABLE] = str(settings.resolve())
        log = Path(folder) / "emulator.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dpra_constructs.rehearsal.emulator"),
                    f"--parent={os.getpid()}",
                    *(f"--without={name}" for name in without),
                    *([f"--state={state.resolve()}"] if state else []),
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the rehearsal, which then ends the emulator in order.
                start_new_session=True,
            )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, endpoint, log)
            yield endpoint
        finally:
            _end(process)
            # Builds run in sessions of their own, and end a moment after an emulator that was
            # killed; the folder can be removed when nothing writes to it any more.
            end_processes_of(Path(folder))


def save_state(endpoint: str, folder: Path) -> None:
    """Write all that the emulator holds to a folder, from which `emulator` can start.

    Raises:
        RehearsalError: a stack is being deployed, so that the state would be of no single moment.
    """
    _call(endpoint, SAVE, {"folder": str(folder.resolve())})


def forget_account(endpoint: str, account: str) -> None:
    """Remove everything of an account from the emulator.

    Raises:
        RehearsalError: the emulator refuses.
    """
    _call(endpoint, FORGET, {"account": account})


def make_signing_profile(endpoint: str, account: str, region: str, name: str, version: str) -> None:
    """Make a profile of AWS Signer for functions, of a version that AWS Signer would make up.

    Raises:
        RehearsalError: the emulator refuses.
    """
    asked = {"account": account, "region": region, "name": name, "version": version}
    _call(endpoint, SIGNING_PROFILE, asked)


def fail_next_deployment(endpoint: str, account: str, region: str, stack: str) -> None:
    """Let the next deployment of a stack fail, at the first resource that it changes.

    Raises:
        RehearsalError: the emulator refuses.
    """
    _call(endpoint, FAIL_STACK, {"account": account, "region": region, "stack": stack})


def let_functions_misbehave(
    endpoint: str,
    functions: Sequence[Mapping[str, str]],
    *,
    of_other_code: bool = True,
    seconds: float = 0.0,
    fails: bool = False,
) -> None:
    """Let versions of functions be slow or fail, and no others any more.

    Args:
        endpoint: the emulator's address.
        functions: each with its `account`, `region`, `name`, and `code`, a SHA-256.
        of_other_code: whether it is all code but this that misbehaves, or this code.
        seconds: how much longer a call takes.
        fails: whether a call fails.

    Raises:
        RehearsalError: the emulator refuses.
    """
    asked = {
        "functions": list(functions),
        "of_other_code": of_other_code,
        "seconds": seconds,
        "fails": fails,
    }
    _call(endpoint, MISBEHAVE, asked)


def is_allowed(
    endpoint: str,
    principal_arn: str,
    action: str,
    resource: str = "*",
    context: Mapping[str, str] | None = None,
    region: str = "us-east-1",
) -> bool:
    """Whether a role may do something on the emulator, by its policies and the resource's.

    Inside the emulator's process `emulator.authorization.is_allowed` answers the same.

    Args:
        endpoint: the emulator's address.
        principal_arn: of a role, or of a session of it.
        action: for example `codeconnections:UseConnection`.
        resource: its ARN, or `*` for an action that has no resource.
        context: further condition keys and their values.
        region: where it is done.

    Raises:
        RehearsalError: the emulator cannot answer.
    """
    asked = {
        "principal_arn": principal_arn,
        "action": action,
        "resource": resource,
        "context": dict(context or {}),
        "region": region,
    }
    return bool(_call(endpoint, ALLOWED, asked)["decision"] == "Allow")


def trusts_service(
    endpoint: str, role_arn: str, service: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a role on the emulator lets a service assume it.

    Args:
        endpoint: the emulator's address.
        role_arn: of the role.
        service: for example `codebuild.amazonaws.com`.
        context: further condition keys, such as `aws:SourceAccount`.

    Raises:
        RehearsalError: the emulator cannot answer.
    """
    asked = {"role_arn": role_arn, "service": service, "context": dict(context or {})}
    return bool(_call(endpoint, TRUSTED, asked)["trusts"])


def _call(endpoint: str, path: str, request: Mapping[str, object]) -> Any:
    if not is_loopback(endpoint):
        raise RehearsalError(f"the emulator's address {endpoint} is not on this machine")
    call = urllib.request.Request(
        endpoint + path,
        data=json.dumps(request).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(call, timeout=_START_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            message = error.read().decode("utf-8", "replace")
        raise RehearsalError(f"the emulator refused {path}: {message}") from None


def _check_version() -> None:
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        raise RehearsalError(
            "the emulator is not installed; run: pip install 'dpra-constructs[rehearsal]'"
        ) from None
    if installed != MINISTACK:
        raise RehearsalError(
            f"ministack {installed} is installed, and {MINISTACK} is patched by name; run: "
            f"pip install ministack=={MINISTACK}"
        )


def _free_port() -> int:
    """Return a free port of five digits: a saved state has the port in it (see `state`)."""
    while (port := _any_free_port()) < 10_000:
        pass
    return port


def _any_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    lines = log.read_text("utf-8", "replace").splitlines()[-15:]
    raise RehearsalError("\n".join(["the emulator did not start; its last lines:", *lines]))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # The processes of functions are in the emulator's group; one that is busy outlives it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
