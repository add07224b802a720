"""Faults of an app whose releases are sealed, migrate a database, bake, and are tested in prod.

The programs of its builds that no Python package brings are stand-ins: the AWS CLI, and a Flyway
that writes down which database it has migrated.
"""

import os
import sys
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.execution_record import ActionRecord
from dpra_constructs.rehearsal.faults import FAULTS, Scene
from tests.rehearsal.faults.conftest import scene_of

pytestmark = pytest.mark.rehearsal

AWS_CLI = Path(__file__).parents[1] / "aws_cli.py"
OF_THE_WHOLE_PROCESS = ("bake-overridden",)


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


def migrated(programs: Path) -> list[str]:
    path = programs / "migrated"
    return path.read_text().splitlines() if path.exists() else []


def log_of(action: ActionRecord) -> str:
    return action.log.read_text("utf-8", "replace") if action.log else ""


@pytest.mark.parametrize("name", OF_THE_WHOLE_PROCESS)
def test_a_fault_ends_as_designed(whole: Scene, name: str) -> None:
    outcome = FAULTS[name].play(whole)
    assert list(outcome.deviations()) == []
    # Software and database in one region of beta, and three each of gamma and production.
    assert len(outcome.versions) == 14
    assert outcome.advice


def test_a_rollback_verifies_the_old_artifact_and_neither_migrates_nor_tests(
    whole: Scene, programs: Path
) -> None:
    before = migrated(programs)
    outcome = FAULTS["errors-in-wave"].play(whole)
    assert list(outcome.deviations()) == []
    release, rollback = outcome.executions[:2]
    [wave] = {each.stage for each in release.failed}
    ran = {each.name: each for each in rollback.actions if each.stage == wave}
    assert {each.status for each in ran.values()} == {"Succeeded"}
    [verified] = [each for name, each in ran.items() if "Verify" in name]
    assert whole.old in verified.summary
    quiet = {
        name: each
        for name, each in ran.items()
        if "DatabaseMigration" in name or "IntegrationTest" in name
    }
    # Both in two regions.
    assert len(quiet) == 4
    assert all("does nothing in a rollback" in log_of(each) for each in quiet.values())
    # The release migrated both regions of the wave, and its rollback none.
    assert len(migrated(programs)) - len(before) == 2
