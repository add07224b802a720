"""What keeps a rehearsal on this machine, and away from anybody's AWS account."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import (
    child_environment,
    refuse_ambient_credentials,
    refuse_other_endpoints,
    refuse_other_hosts,
)
from dpra_constructs.rehearsal.self_tests.account import HERE, role, trust
from dpra_constructs.rehearsal.self_tests.functions import packed
from dpra_constructs.rehearsal.server import emulator, save_state

pytestmark = pytest.mark.rehearsal


def test_ambient_credentials_are_refused_with_the_command_to_run_instead() -> None:
    environment = {"AWS_SESSION_TOKEN": "t", "AWS_ACCESS_KEY_ID": "a", "AWS_REGION": "us-east-1"}
    with pytest.raises(RehearsalError) as caught:
        refuse_ambient_credentials(environment)
    assert str(caught.value) == (
        "AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN are set, and a rehearsal runs where no AWS account "
        "can be reached; run it without: env -u AWS_ACCESS_KEY_ID -u AWS_SESSION_TOKEN dpra "
        "rehearse"
    )


def test_a_profile_is_refused() -> None:
    with pytest.raises(RehearsalError, match=r"AWS_PROFILE is set, .*: env -u AWS_PROFILE dpra"):
        refuse_ambient_credentials({"AWS_PROFILE": "prod"})


@pytest.mark.parametrize("environment", [{}, {"AWS_PROFILE": ""}, {"AWS_REGION": "us-east-1"}])
def test_an_environment_without_credentials_is_accepted(environment: dict[str, str]) -> None:
    refuse_ambient_credentials(environment)


def test_an_endpoint_on_another_machine_is_refused() -> None:
    refuse_other_endpoints({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:4566"})
    with pytest.raises(RehearsalError, match="unset AWS_ENDPOINT_URL"):
        refuse_other_endpoints({"AWS_ENDPOINT_URL": "https://s3.amazonaws.com"})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_loopback_host_is_accepted(host: str) -> None:
    refuse_other_hosts({"BIND_HOST": host, "MINISTACK_HOST": host})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.com", ""])
def test_the_emulator_does_not_listen_for_other_machines(host: str) -> None:
    environment = child_environment() | {"BIND_HOST": host, "MINISTACK_HOST": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-m", "dpra_constructs.rehearsal.emulator"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"BIND_HOST={host} is no loopback address" in done.stderr


def test_a_state_is_asked_of_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="not on this machine"):
        save_state("http://192.0.2.1:1", tmp_path)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_processes_of_functions_end_with_the_emulator(how: signal.Signals) -> None:
    with emulator() as endpoint:
        functions = client("lambda", endpoint, HERE)
        functions.create_function(
            FunctionName="processes",
            Runtime="python3.14",
            Handler="index.handler",
            Role=role(endpoint, HERE, "processes", trust=trust(service="lambda.amazonaws.com")),
            Code={
                "ZipFile": packed(
                    "import os\ndef handler(event, context):\n"
                    "    return f'{os.getpid()} {os.getppid()}'"
                )
            },
        )
        answer = functions.invoke(FunctionName="processes")["Payload"].read().decode()
        function, server = map(int, answer.strip('"').split())
        assert is_running(function)
        os.kill(server, how)
        deadline = time.monotonic() + 10
        while is_running(function) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not is_running(function)


def test_a_busy_function_ends_with_the_emulator(tmp_path: Path) -> None:
    with emulator() as endpoint:
        functions = client("lambda", endpoint, HERE)
        functions.create_function(
            FunctionName="busy",
            Runtime="python3.14",
            Handler="index.handler",
            Timeout=60,
            Role=role(endpoint, HERE, "busy", trust=trust(service="lambda.amazonaws.com")),
            Code={
                "ZipFile": packed(
                    "import os, pathlib, time\ndef handler(event, context):\n"
                    "    pathlib.Path(event['path']).write_text(str(os.getpid()))\n"
                    "    time.sleep(60)"
                )
            },
        )
        path = tmp_path / "process"
        payload = json.dumps({"path": str(path)})
        functions.invoke(FunctionName="busy", InvocationType="Event", Payload=payload)
        deadline = time.monotonic() + 20
        while not (path.is_file() and path.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        function = int(path.read_text())
        assert is_running(function)
    deadline = time.monotonic() + 5
    while is_running(function) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(function)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
