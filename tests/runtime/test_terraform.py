"""What the action of Terraform does, with stand-ins for the programs `terraform` and `aws`."""

import json
import os
import re
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.environments import DeploymentTarget, PipelineIdentity
from dpra_constructs.other_deployers import TerraformDeployment
from dpra_constructs.other_deployers.runtime import terraform

AWS = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    print("aws", *sys.argv[1:], file=calls)
print(json.dumps({"Credentials": {"AccessKeyId": "ASIAX", "SecretAccessKey": "hidden-key",
    "SessionToken": "session"}}))
"""
# Keeps its state in a file, and answers as Terraform does.
TERRAFORM = """#!/usr/bin/env python3
import json, os, signal, sys, time
command, *options = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    print("terraform", command, *options, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_REGION"],
          file=calls)
behaviour = json.loads(os.environ["BEHAVIOUR"])
if behaviour.get("hangs") == command:
    def interrupted(*_):
        with open(os.environ["CALLS"], "a") as calls:
            print("interrupted", file=calls)
        sys.exit(1)
    signal.signal(signal.SIGINT, interrupted)
    time.sleep(60)
if behaviour.get("fails") == command:
    sys.exit("Error: it does not work")
if command == "init":
    written = json.load(open("dpra_backend_override.tf.json"))
    assert written == {"terraform": {"backend": {"s3": {}}}}
if command == "plan":
    [plan] = [each.partition("=")[2] for each in options if each.startswith("-out=")]
    open(plan, "w").write("the plan")
    sys.exit(2 if behaviour.get("changes", True) else 0)
if command == "apply":
    assert open(options[-1]).read() == "the plan"
if command == "output":
    print(json.dumps(behaviour.get("outputs", {})))
"""
OUTPUTS = {
    "api_url": {"sensitive": False, "type": "string", "value": "https://api.example"},
    "port": {"sensitive": False, "type": "number", "value": 443},
    "password": {"sensitive": True, "type": "string", "value": "hunter2"},
    "zones": {"sensitive": False, "type": ["list", "string"], "value": ["a"]},
}
TARGET = DeploymentTarget(
    pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    environment="gamma",
    account="333333333333",
    region="eu-central-1",
    configuration={},
    is_production=False,
)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("aws", AWS), ("terraform", TERRAFORM)):
        (programs / name).write_text(text)
        (programs / name).chmod((programs / name).stat().st_mode | stat.S_IXUSR)
    (tmp_path / "infra").mkdir()
    (tmp_path / "calls").touch()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("TERRAFORM_STATE_BUCKET", "the-bucket")
    return tmp_path


def run(
    build: Path, monkeypatch: pytest.MonkeyPatch, *more: str, minutes: float = 5, **behaviour: Any
) -> tuple[int, list[str]]:
    monkeypatch.setenv("BEHAVIOUR", json.dumps({"outputs": OUTPUTS, **behaviour}))
    code = terraform.main(
        [
            f"--directory={build / 'infra'}",
            "--region=eu-central-1",
            "--role=arn:aws:iam::333333333333:role/r",
            f"--minutes={minutes}",
            f"--outputs={build / 'out'}",
            *more,
        ]
    )
    return code, (build / "calls").read_text().splitlines()


def test_it_applies_what_it_has_planned_with_the_role_of_the_environment(
    build: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, calls = run(build, monkeypatch)
    assert code == 0
    assume, init, plan, apply = calls
    assert assume.startswith("aws sts assume-role --role-arn arn:aws:iam::333333333333:role/r ")
    assert init == (
        "terraform init -input=false -no-color -reconfigure -lockfile=readonly "
        "-backend-config=bucket=the-bucket -backend-config=key=terraform.tfstate "
        "-backend-config=region=eu-central-1 -backend-config=encrypt=true "
        "-backend-config=use_lockfile=true ASIAX eu-central-1"
    )
    file = re.search(r"-out=(\S+)", plan)
    assert file
    assert plan.startswith(
        "terraform plan -input=false -no-color -lock-timeout=5m -detailed-exitcode -out="
    )
    assert apply == (
        f"terraform apply -input=false -no-color -lock-timeout=5m {file[1]} ASIAX eu-central-1"
    )
    assert not Path(file[1]).exists()
    out, err = capfd.readouterr()
    assert "Terraform has applied the plan" in out
    assert "hidden-key" not in out + err


def test_without_changes_it_says_so(
    build: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(build, monkeypatch, changes=False)[0] == 0
    assert "Terraform changed nothing" in capfd.readouterr().out


@pytest.mark.parametrize("command", ["init", "plan", "apply", "output"])
def test_a_command_that_fails_fails_and_nothing_follows(
    command: str,
    build: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, calls = run(build, monkeypatch, "--output=URL=api_url", fails=command)
    assert code == 1
    assert calls[-1].startswith(f"terraform {command} ")
    assert f"terraform {command} failed with 1" in capfd.readouterr().out


def test_one_that_takes_too_long_is_interrupted_so_that_it_frees_the_lock(
    build: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    code, calls = run(build, monkeypatch, minutes=0.02, hangs="apply")
    assert (code, calls[-1]) == (1, "interrupted")
    assert time.monotonic() - began < 30
    assert "terraform apply took too long" in capfd.readouterr().out


def test_its_outputs_are_for_the_tests(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _ = run(build, monkeypatch, "--output=API_URL=api_url", "--output=PORT=port")
    assert code == 0
    found = {each.name: each.read_text() for each in (build / "out").iterdir()}
    assert found == {"API_URL": "https://api.example", "PORT": "443"}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("other", "the configuration has no output 'other'; it has api_url, password, port, zones"),
        ("password", "the output 'password' is sensitive, and would be shown in the console"),
        ("zones", "the output 'zones' is no text and no number"),
    ],
)
def test_an_output_that_no_test_can_get_fails(
    output: str,
    said: str,
    build: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(build, monkeypatch, f"--output=X={output}")[0] == 1
    out = capfd.readouterr().out
    assert said in out
    assert "hunter2" not in out
    assert not (build / "out").exists()


def test_the_action_runs_as_codebuild_runs_it(build: Path) -> None:
    deployment = TerraformDeployment(
        "infra",
        environment="Network",
        version="1.14.0",
        sha256={"Linux-x86_64": "0" * 64},
        outputs={"API_URL": "api_url"},
    )
    commands = "\n".join(deployment.in_target(TARGET).command)
    done = subprocess.run(
        ["bash", "-e", "-c", f"{commands}\necho url=$API_URL".replace("/tmp/", f"{build}/")],
        cwd=build,
        env={
            **os.environ,
            "BEHAVIOUR": json.dumps({"outputs": OUTPUTS}),
            "CODEBUILD_BUILD_ARN": "arn:aws-cn:codebuild:us-west-2:111111111111:build/x:1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "infra in eu-central-1: deployed",
        "url=https://api.example",
    ]
    role = "arn:aws-cn:iam::333333333333:role/fruit-gamma-eu-central-1-Network-terraform"
    assert role in (build / "calls").read_text()
