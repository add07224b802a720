"""The commands of docs/remove.md and docs/bootstrap.md, as they stand there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.rehearsal.assembly import Place, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap_commands
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.faults import Scene
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.server import emulator

pytestmark = pytest.mark.rehearsal

DOCS = Path(__file__).parents[3] / "docs"
AWS_CLI = Path(__file__).parents[1] / "aws_cli.py"
REGIONS = ["us-west-2", "us-east-1", "eu-central-1"]
SECONDS = 300


def blocks(name: str) -> list[str]:
    text = (DOCS / name).read_text("utf-8")
    return re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(script: str, endpoint: str, account: str, folder: Path) -> None:
    aws = folder / "aws"
    if not aws.exists():
        aws.write_text(f'#!/bin/sh\nexec {sys.executable} {AWS_CLI} "$@"\n')
        aws.chmod(0o755)
    environment = child_environment(endpoint=endpoint, account=account, region="us-west-2")
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def stacks(endpoint: str, account: str) -> list[str]:
    found: list[str] = []
    for region in REGIONS:
        cloudformation = client("cloudformation", endpoint, Place(account, region))
        found += [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]
    return found


def buckets(endpoint: str, account: str) -> list[str]:
    listed: list[dict[str, Any]] = client(
        "s3", endpoint, Place(account, "us-west-2")
    ).list_buckets()["Buckets"]
    return [bucket["Name"] for bucket in listed]


def test_everything_is_removed_by_the_commands_in_the_docs(scene: Scene, tmp_path: Path) -> None:
    values, deployed, pipeline_values, pipeline, bootstrap = blocks("remove.md")
    with scene.released() as emulation:
        endpoint = emulation.endpoint
        for environment, account in {
            "beta": "222222222222",
            "gamma": "333333333333",
            "prod": "444444444444",
        }.items():
            assert "CDKToolkit" in stacks(endpoint, account)
            run(values.replace("=prod", f"={environment}") + deployed, endpoint, account, tmp_path)
            assert set(stacks(endpoint, account)) == {"CDKToolkit"}
        tools = "111111111111"
        run(pipeline_values + pipeline, endpoint, tools, tmp_path)
        assert set(stacks(endpoint, tools)) == {"CDKToolkit"}
        functions, _, _ = pipeline.partition('remove "$home"')
        for account in (tools, "222222222222", "333333333333", "444444444444"):
            regions = [
                region
                for region in REGIONS
                if client("cloudformation", endpoint, Place(account, region)).describe_stacks()[
                    "Stacks"
                ]
            ]
            script = f'regions="{" ".join(regions)}"\n{functions}\n{bootstrap}'
            run(script, endpoint, account, tmp_path)
            assert stacks(endpoint, account) == []
            assert buckets(endpoint, account) == []
        for region in REGIONS:
            kms = client("kms", endpoint, Place(tools, region))
            states = {
                kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
                for key in kms.list_keys()["Keys"]
            }
            assert states <= {"PendingDeletion"}


def test_the_printed_bootstrap_commands_run(scene: Scene) -> None:
    app = read_assembly(scene.first.assembly)
    policies = "arn:aws:iam::aws:policy/PowerUserAccess"
    lines = list(bootstrap_commands(app, policies))
    with emulator() as endpoint:
        for comment, command in zip(lines[::2], lines[1::2], strict=True):
            account = comment.rpartition(" ")[2]
            environment = child_environment(endpoint=endpoint, account=account, region="us-west-2")
            done = subprocess.run(
                [*shlex.split(command), "--no-notices"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        for place in app.places:
            iam = client("iam", endpoint, place)
            role = f"cdk-hnb659fds-deploy-role-{place.account}-{place.region}"
            trust = str(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
            assert "111111111111" in trust
