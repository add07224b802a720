"""The emulator's process, its patches and what it adds to MiniStack."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.self_tests import SELF_TESTS, run_self_test, run_self_tests
from dpra_constructs.rehearsal.self_tests.account import ACCOUNT
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack

pytestmark = pytest.mark.rehearsal
TOOLS = Place("111111111111", "us-west-2")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with emulator() as address:
        yield address


def is_gone(endpoint: str) -> bool:
    with pytest.raises(EndpointConnectionError):
        client("sts", endpoint, TOOLS).get_caller_identity()
    return True


def test_every_patch_has_a_self_test() -> None:
    # In a process of its own: MiniStack sets up logging when it is imported.
    program = "from dpra_constructs.rehearsal.emulator.patches import PATCHES; print(*PATCHES)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == list(SELF_TESTS)


def test_every_self_test_passes_and_leaves_nothing(endpoint: str) -> None:
    run_self_tests(endpoint)
    place = Place(ACCOUNT, "us-east-1")
    assert client("iam", endpoint, place).list_roles()["Roles"] == []
    assert client("s3", endpoint, place).list_buckets()["Buckets"] == []


# Four emulators, each without every fourth patch: of one subject, so that none is without
# another that its neighbour's self-test needs.
@pytest.mark.parametrize("patches", [list(SELF_TESTS)[first::4] for first in range(4)])
def test_a_self_test_fails_without_its_patch(patches: list[str]) -> None:
    with emulator(without=patches) as endpoint:
        for patch in patches:
            has_no_effect = f"the emulator's patch {patch} has no effect"
            with pytest.raises(RehearsalError, match=has_no_effect):
                run_self_test(patch, endpoint)


def test_it_listens_on_loopback_and_enforces_iam(endpoint: str) -> None:
    assert endpoint.startswith("http://127.0.0.1:")
    iam = client("iam", endpoint, TOOLS)
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = client("codepipeline", endpoint, TOOLS, key)
    with pytest.raises(ClientError, match="not authorized"):
        nobody.list_pipelines()


def test_it_is_gone_afterwards() -> None:
    with emulator() as endpoint:
        client("sts", endpoint, TOOLS).get_caller_identity()
    assert is_gone(endpoint)


def test_it_is_gone_after_a_failure() -> None:
    with pytest.raises(KeyError), emulator() as endpoint:
        raise KeyError
    assert is_gone(endpoint)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_it_is_gone_when_the_rehearsal_is_ended(how: signal.Signals, tmp_path: Path) -> None:
    program = (
        "import time\nfrom dpra_constructs.rehearsal.server import emulator\n"
        "with emulator() as endpoint:\n    print(endpoint, flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout
        endpoint = process.stdout.readline().strip()
        process.send_signal(how)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            client("sts", endpoint, TOOLS).get_caller_identity()
        except EndpointConnectionError:
            assert list(tmp_path.iterdir()) == []
            return
        time.sleep(0.2)
    pytest.fail("the emulator still answers")


def test_each_recorded_type_can_be_created_and_deleted(endpoint: str) -> None:
    trigger = {"Type": "AWS::CodeBuild::ReportGroup", "Properties": {"Type": "TEST"}}
    alarm = {"AlarmRule": "FALSE"}
    template = {
        "Resources": {
            "Group": trigger,
            "Health": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": alarm},
            "Canary": {"Type": "AWS::Synthetics::Canary", "Properties": {"Name": "visit"}},
        },
        "Outputs": {"Group": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}}},
    }
    cloudformation = client("cloudformation", endpoint, TOOLS)
    create_stack(cloudformation, "recorded", json.dumps(template))
    [stack] = cloudformation.describe_stacks(StackName="recorded")["Stacks"]
    [output] = stack["Outputs"]
    assert output["OutputValue"].startswith("arn:aws:codebuild:us-west-2:111111111111:report-group")
    alarms = client("cloudwatch", endpoint, TOOLS).describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert len(alarms["CompositeAlarms"]) == 1
    cloudformation.delete_stack(StackName="recorded")


def test_a_failed_stack_says_why(endpoint: str) -> None:
    cloudformation = client("cloudformation", endpoint, Place("222222222222", "us-west-2"))
    canary = {"Type": "AWS::Synthetics::Canary", "Properties": {"Name": "same"}}
    template = {"Resources": {"A": canary, "B": canary}}
    with pytest.raises(RehearsalError, match=r"stack twice is .*"):
        create_stack(cloudformation, "twice", json.dumps(template))


def test_a_client_of_another_machine_is_refused() -> None:
    with pytest.raises(RehearsalError, match="not on this machine"):
        client("s3", "https://s3.amazonaws.com", TOOLS)
    with pytest.raises(RehearsalError, match="not on this machine"):
        child_environment(endpoint="https://s3.amazonaws.com")


def test_no_credentials_of_the_caller_reach_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.setenv(name, "mine")
    environment = child_environment(endpoint="http://127.0.0.1:1", account="111111111111")
    assert "mine" not in environment.values()
    assert environment["AWS_ACCESS_KEY_ID"] == "111111111111"
    assert not Path(environment["AWS_CONFIG_FILE"]).is_file()
