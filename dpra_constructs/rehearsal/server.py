"""Starts and ends the emulator's process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.isolation import child_environment

MINISTACK = "1.5.33"
_START_SECONDS = 60
_END_SECONDS = 5


@contextmanager
def emulator(without: Sequence[str] = ()) -> Iterator[str]:
    """Run the emulator on loopback, with IAM enforced, and give its address.

    Args:
        without: names of patches to leave out, for tests of their self-tests.

    Raises:
        RehearsalError: it is not installed in the version that is patched, or does not start.
    """
    _check_version()
    with TemporaryDirectory(prefix="dpra-rehearsal-") as folder:
        port = _free_port()
        environment = child_environment() | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "S3_DATA_DIR": str(Path(folder) / "s3"),
            "TMPDIR": folder,
        }
        log = Path(folder) / "emulator.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dpra_constructs.rehearsal.emulator"),
                    *(f"--without={name}" for name in without),
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
