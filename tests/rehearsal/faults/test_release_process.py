"""Faults of an app with sealed releases, migrations, bakes, a window and a calendar.

The programs of its builds that no Python package brings are stand-ins: the AWS CLI, and a Flyway
that writes down which database it has migrated.
"""

import os
import re
import sys
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.faults import FAULTS, Scene
from tests.rehearsal.faults.conftest import scene_of

pytestmark = pytest.mark.rehearsal

AWS_CLI = Path(__file__).parents[1] / "aws_cli.py"
OF_THE_WHOLE_PROCESS = (
    # In the order in which states are reused best.
    "canaries-fail-in-gamma",
    "closed-window",
    "closed-calendar",
    "calendar-closes-between-waves",
    "bake-overridden",
)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    program(folder / "aws", f'exec {sys.executable} {AWS_CLI} "$@"')
    login = 'test -n "$FLYWAY_PASSWORD" && test "$FLYWAY_USER" = migrator'
    program(folder / "flyway", f'{login} && echo "$FLYWAY_URL" >>{folder}/migrated')
    return folder


@pytest.fixture(scope="module")
def whole(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        return scene_of(tmp_path_factory.mktemp("whole"), whole=True)


@pytest.fixture(autouse=True)
def found(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


def test_the_functions_of_each_release_are_signed_for_each_region(whole: Scene) -> None:
    logs = [path.read_text() for path in whole.output.rglob("Build.Seal.*.log")]
    assert logs
    for log in logs:
        signed = re.findall(r"signed code of functions: asset\.\w+\.signed-([\w-]+)\.zip", log)
        assert sorted(signed) == ["eu-central-1", "us-east-1", "us-west-2"]


@pytest.mark.parametrize("name", OF_THE_WHOLE_PROCESS)
def test_a_fault_ends_as_designed(whole: Scene, name: str) -> None:
    outcome = FAULTS[name].play(whole)
    assert list(outcome.deviations()) == []
    # Software and database in one region of beta, and three each of gamma and production.
    assert len(outcome.versions) == 14
    assert outcome.advice
