"""What the action of an experiment does, with a stand-in for AWS."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from dpra_constructs.test_actions.runtime import fault_injection
from dpra_constructs.test_actions.runtime.environment_cli import CallError, EnvironmentCli


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Aws:
    """Answers as AWS does: the states one after the other, the last one for ever."""

    def __init__(self, states: list[Any], health: list[Any], stopped: str = "stopped") -> None:
        self.states, self.health, self.stopped = iter(states), iter(health), stopped
        self.state: Any = None
        self.alarm: Any = None
        self.calls: list[str] = []

    def __call__(self, *arguments: str) -> dict[str, Any]:
        service, operation, *rest = arguments
        check_call(service, operation, rest)
        self.calls.append(operation)
        if operation == "describe-alarms":
            self.alarm = next(self.health, self.alarm)
            if isinstance(self.alarm, Exception):
                raise self.alarm
            return {"CompositeAlarms": [{"StateValue": self.alarm}] if self.alarm else []}
        if operation == "start-experiment":
            return {"experiment": {"id": "EXP1"}}
        if operation == "stop-experiment":
            self.states = iter([self.stopped])
            return {}
        self.state = next(self.states, self.state)
        if isinstance(self.state, BaseException):
            raise self.state
        return {"experiment": {"state": {"status": self.state, "reason": "as it is"}}}


def check_call(service: str, operation: str, options: list[str]) -> None:
    """Refuse what the service's own model does not know."""
    model = Session().get_service_model(service)
    [name] = [each for each in model.operation_names if xform_name(each, "-") == operation]
    shape = model.operation_model(name).input_shape
    assert shape
    members = {xform_name(each, "-") for each in shape.members}
    assert {each.removeprefix("--") for each in options[::2]} <= members


def inject(aws: Aws, minutes: float = 20) -> str | None:
    return fault_injection.inject(
        aws, template="EXT1", alarm="health", minutes=minutes, token="t", clock=Clock()
    )


def test_an_experiment_that_completes_in_good_health_passes() -> None:
    aws = Aws(["pending", "running", "completed"], ["OK"])
    assert inject(aws) is None
    assert "stop-experiment" not in aws.calls


@pytest.mark.parametrize("status", ["failed", "stopped", "cancelled"])
def test_one_that_ends_otherwise_fails_with_its_reason(status: str) -> None:
    aws = Aws(["running", status], ["OK"])
    assert inject(aws) == f"experiment EXP1: it is {status}: as it is"
    assert "stop-experiment" not in aws.calls


def test_a_red_alarm_stops_it_and_fails() -> None:
    aws = Aws(["running"], ["OK", "OK", "ALARM"])
    assert inject(aws) == "experiment EXP1: the health alarm health is ALARM; it is stopped now"


def test_a_red_alarm_fails_one_that_completes_at_the_same_time() -> None:
    aws = Aws(["running", "completed"], ["OK", "OK", "ALARM"])
    assert inject(aws) == "experiment EXP1: the health alarm health is ALARM"


@pytest.mark.parametrize(("state", "shown"), [("ALARM", "ALARM"), ("", "MISSING")])
def test_nothing_is_injected_into_what_is_not_healthy(state: str, shown: str) -> None:
    aws = Aws([], [state])
    assert inject(aws) == f"not started: the health alarm health is {shown} before it"
    assert aws.calls == ["describe-alarms"]


def test_one_that_takes_too_long_is_stopped() -> None:
    aws = Aws(["running"], ["OK"])
    assert inject(aws, minutes=1) == (
        "experiment EXP1: it is running after 1 minutes; it is stopped now"
    )


def test_a_read_that_fails_once_is_no_end() -> None:
    aws = Aws(["running", CallError("throttled"), "completed"], ["OK"])
    assert inject(aws) is None


def test_what_stays_unreadable_is_stopped() -> None:
    aws = Aws(["running", CallError("denied")], ["OK"])
    problem = inject(aws)
    assert problem is not None
    assert problem.startswith("experiment EXP1: it cannot be read: denied; it is stopped now")


def test_one_that_cannot_be_stopped_says_so() -> None:
    aws = Aws(["running"], ["OK", "OK", "ALARM"], stopped="stopping")
    assert str(inject(aws)).endswith("it could not be stopped (stopping): stop it in the console")


def test_a_build_that_is_ended_stops_its_experiment() -> None:
    aws = Aws([SystemExit("signal 15"), "stopped"], ["OK"])
    with pytest.raises(SystemExit):
        inject(aws)
    assert "stop-experiment" in aws.calls


def test_one_that_cannot_start_says_why() -> None:
    aws = Aws([], [CallError("aws sts assume-role: AccessDenied")])
    assert inject(aws) == "not started: aws sts assume-role: AccessDenied"


CREDENTIALS = {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T"}


class Processes:
    """Stands for subprocess.run."""

    def __init__(self, answers: Iterator[tuple[int, str, str]]) -> None:
        self.answers, self.commands, self.keys = answers, [], []  # type: ignore[var-annotated]

    def __call__(self, command: list[str], env: dict[str, str], **options: Any) -> Any:
        self.commands.append(command)
        self.keys.append(env.get("AWS_ACCESS_KEY_ID"))
        if command[1] == "sts":
            return subprocess.CompletedProcess(command, 0, json.dumps({"Credentials": CREDENTIALS}))
        return subprocess.CompletedProcess(command, *next(self.answers))


def test_the_role_is_assumed_once_and_again_before_its_hour_is_over() -> None:
    clock = Clock()
    run = Processes(iter([(0, "{}", "")] * 3))
    cli = EnvironmentCli("arn:role", "us-east-1", run=run, clock=clock)
    cli("fis", "get-experiment", "--id", "EXP1")
    cli("fis", "get-experiment", "--id", "EXP1")
    clock.now = 41 * 60
    cli("fis", "get-experiment", "--id", "EXP1")
    assert [each[1] for each in run.commands] == ["sts", "fis", "fis", "sts", "fis"]
    assert all(each[-4:] == ["--region", "us-east-1", "--output", "json"] for each in run.commands)
    assert [key == "A" for key in run.keys] == [False, True, True, False, True]


def test_a_call_that_fails_says_what_aws_said() -> None:
    cli = EnvironmentCli("arn:role", "us-east-1", run=Processes(iter([(254, "", "no\n")])))
    with pytest.raises(CallError, match="aws fis get-experiment: no"):
        cli("fis", "get-experiment", "--id", "EXP1")


def test_a_machine_without_the_aws_cli_says_so() -> None:
    def run(*arguments: Any, **options: Any) -> Any:
        raise FileNotFoundError("no aws")

    with pytest.raises(CallError, match="aws sts assume-role: no aws"):
        EnvironmentCli("arn:role", "us-east-1", run=run)("fis", "get-experiment")


def test_the_whole_action_runs_as_its_buildspec_says_and_reports(tmp_path: Path) -> None:
    from aws_cdk import Duration

    from dpra_constructs.test_actions import FaultInjection

    fake = tmp_path / "aws"
    fake.write_text(
        '#!/bin/sh\necho "$@" >>calls\ncase "$2" in\n'
        f"assume-role) echo '{json.dumps({'Credentials': CREDENTIALS})}' ;;\n"
        """describe-alarms) echo '{"CompositeAlarms": [{"StateValue": "OK"}]}' ;;\n"""
        """start-experiment) echo '{"experiment": {"id": "EXP1"}}' ;;\n"""
        """*) echo '{"experiment": {"state": {"status": "failed", "reason": "no target"}}}' ;;\n"""
        "esac\n"
    )
    fake.chmod(0o755)
    test = FaultInjection("Slow", timeout=Duration.minutes(5)).in_region(
        "us-east-1", role_arn="arn:{partition}:iam::3:role/r", alarm="health", output="T"
    )
    done = subprocess.run(
        ["bash", "-c", test.command[0]],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin",
            "FIS_TEMPLATE": "EXT1",
            "CODEBUILD_BUILD_ID": "project:12ab",
            "CODEBUILD_BUILD_ARN": "arn:aws-cn:codebuild:us-west-2:1:build/project:12ab",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert "experiment EXP1: it is failed: no target" in done.stdout
    assert "no target" in (tmp_path / "reports/fault-injection.xml").read_text()
    calls = (tmp_path / "calls").read_text()
    assert "--role-arn arn:aws-cn:iam::3:role/r" in calls
    assert "--experiment-template-id EXT1 --client-token 12ab --region us-east-1" in calls
