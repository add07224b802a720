"""The build that publishes assets: its real commands and tool, against the emulator."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.assembly import Place, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.self_tests import run_self_tests
from dpra_constructs.rehearsal.server import emulator
from examples.fruit_api.infrastructure.application import DIST, wheel_in
from tests.conftest import Synthesized

BETA = Place("222222222222", "us-west-2")


@pytest.fixture
def assembly(fruit_api: Synthesized, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fruit_api.folder, tmp_path / "cdk.out"))


def test_the_wheel_is_published_to_beta(assembly: Path) -> None:
    [buildspec] = assembly.glob("buildspec-*-FileAsset.yaml")
    phases = json.loads(buildspec.read_text())["phases"]
    [publish] = [each for each in phases["build"]["commands"] if BETA.account in each]
    with emulator() as endpoint:
        run_self_tests(endpoint)
        bootstrap(replace(read_assembly(assembly), places=(BETA,)), endpoint)
        for command in [*phases["pre_build"]["commands"], publish]:
            environment = child_environment(
                endpoint=endpoint, account="111111111111", region="us-west-2"
            )
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=assembly,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
        s3 = client("s3", endpoint, BETA)
        bucket = "cdk-hnb659fds-assets-222222222222-us-west-2"
        [found] = s3.list_objects_v2(Bucket=bucket)["Contents"]
        body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
    assert body == wheel_in(DIST).read_bytes()
