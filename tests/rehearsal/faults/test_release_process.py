"""Faults of an app with sealed releases, migrations, bakes, a window and a calendar.

The programs of its builds that no Python package brings are stand-ins: the AWS CLI, and a Flyway
that writes down which database it has migrated.
"""

import io
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.artifact_integrity.runtime.envelope import read_envelope
from dpra_constructs.artifact_integrity.runtime.manifest import ENVELOPE
from dpra_constructs.artifact_integrity.runtime.verify_artifacts import check_by
from dpra_constructs.pipeline.plan import VERIFY
from dpra_constructs.rehearsal.execution_record import WAITING, ActionRecord, ExecutionRecord
from dpra_constructs.rehearsal.faults import FAULTS, Scene
from dpra_constructs.rehearsal.faults.all_waves import released_in, rolling_back
from dpra_constructs.rehearsal.faults.artifacts import sealed_artifact
from dpra_constructs.rehearsal.faults.bakes import FASTER, errors_in_bake
from dpra_constructs.rehearsal.faults.fault import Outcome
from dpra_constructs.rehearsal.faults.waves import rollback_problems
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import fail_next_deployment
from dpra_constructs.release.kept_evidence import evidence_of
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
    "roll-back-all",
)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    program(folder / "aws", f'exec {sys.executable} {AWS_CLI} "$@"')
    (folder / "migrated").touch()
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


def migrated(programs: Path) -> list[str]:
    """Return the databases that the stand-in of Flyway has migrated."""
    return (programs / "migrated").read_text().splitlines()


def actions(record: ExecutionRecord, stage: str, name: str) -> list[ActionRecord]:
    return [each for each in record.actions if each.stage == stage and name in each.name]


def is_verified_and_migrates_nothing(rollback: ExecutionRecord, wave: str, commit: str) -> None:
    [verify] = actions(rollback, wave, VERIFY)
    assert (verify.status, verify.summary) == ("Succeeded", f"{commit} is as it was sealed")
    [migration] = actions(rollback, wave, "DatabaseMigration")
    assert migration.status == "Succeeded"
    assert migration.log
    assert "DatabaseMigration does nothing in a rollback." in migration.log.read_text()


def test_a_rollback_of_a_bad_bake_is_verified_and_migrates_nothing(
    whole: Scene, programs: Path
) -> None:
    wave = whole.waves[0]
    before = len(migrated(programs))
    with whole.waiting_at(wave, FASTER) as emulation:
        outcome = errors_in_bake(whole, emulation, wave)
    assert list(outcome.deviations()) == []
    release, rollback = outcome.executions
    is_verified_and_migrates_nothing(rollback, wave, whole.old)
    [migration] = actions(release, wave, "DatabaseMigration")
    assert migration.status == "Succeeded"
    # By the release alone, in the wave's one region.
    assert migrated(programs)[before:] == [f"jdbc:postgresql://{migration.region}:5432/fruit"]


def reported(emulation: Emulation, execution: str, waves: Sequence[str], **more: object) -> Any:
    """Let the state machine roll waves back, and return what it reports of each."""
    api = emulation.api
    given = {
        "pipeline": api.name,
        "account": api.place.account,
        "region": api.place.region,
        "execution": execution,
        "waves": waves,
        "closed": waves,
        "failed_wave": "Prod-rest",
        **more,
    }
    steps = api.client("stepfunctions")
    run = steps.start_execution(stateMachineArn=rolling_back(emulation), input=json.dumps(given))[
        "executionArn"
    ]
    deadline = time.monotonic() + 60
    while (ended := steps.describe_execution(executionArn=run))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ended["status"] == "SUCCEEDED", ended
    return json.loads(ended["output"])["report"]


def test_waves_that_do_not_go_back_are_reported_with_the_reason(whole: Scene) -> None:
    passed, ahead = whole.waves[:2]
    with whole.waiting_at(ahead, FASTER) as emulation:
        [waiting] = emulation.api.stages()[ahead]["inboundExecutions"]
        release, first = waiting["pipelineExecutionId"], released_in(emulation)
        emulation.api.roll_back(passed, first)
        # It began at the epoch, so that it tries once and has no patience left.
        report = reported(emulation, release, [passed, ahead], started=0)
        assert report[passed].startswith("busy for 30 minutes: ")
        assert report[ahead] == "untouched: the release has not passed it"
        report = reported(emulation, first, [passed, ahead])
        assert report == dict.fromkeys([passed, ahead], "no target: it had no release before")


BETA = "Beta"
KEY = "the test looks at what is sealed"


def commit_with_keys(emulation: Emulation, app: str, keys: str, message: str) -> None:
    """Commit the app with other keys to sign by."""
    imports = (
        "from datetime import datetime\n"
        "from dpra_constructs.artifact_integrity import AcceptedKey\n"
    )
    assert app.count("ArtifactSigning(") == 1
    code = app.replace("ArtifactSigning(", f"ArtifactSigning({keys}, ")
    emulation.source = emulation.source.commit_change({"app.py": imports + code}, message)


def signing_key(emulation: Emulation, generation: int) -> str:
    """Return the ARN of the pipeline's key of a generation."""
    resources = emulation.api.client("cloudformation").describe_stack_resources(
        StackName="Pipelines"
    )["StackResources"]
    [key] = [
        each["PhysicalResourceId"]
        for each in resources
        if f"SigningKey{generation}" in each["LogicalResourceId"]
    ]
    arn: str = emulation.api.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    return arn


def signers(emulation: Emulation, execution: str, keys: Sequence[str]) -> list[str]:
    """Return by which of some keys the artifact of an execution is signed."""
    s3, place = sealed_artifact(emulation, execution)
    with zipfile.ZipFile(io.BytesIO(s3.get_object(**place)["Body"].read())) as archive:
        envelope = read_envelope(archive.read(ENVELOPE))
    check = check_by(emulation.api.client("kms"))
    return [
        key
        for key in keys
        if any(check(key, envelope.signed, signature) for signature in envelope.signatures)
    ]


def test_after_a_rotation_of_the_key_a_rollback_passes_as_long_as_the_old_one_is_accepted(
    whole: Scene,
) -> None:
    wave = whole.waves[0]
    with whole.released() as emulation:
        api = emulation.api
        [first] = [each["pipelineExecutionId"] for each in api.executions()]
        app = emulation.source.read("app.py")
        assert app
        old = signing_key(emulation, 1)
        until = datetime.now(UTC) + timedelta(days=1)
        accepted = f'AcceptedKey("{old}", valid_until=datetime.fromisoformat("{until}"))'
        keys = f"key_generation=2, accepted_keys=[{accepted}]"
        api.hold(BETA, KEY)
        commit_with_keys(emulation, app, keys, "Rotate the signing key")
        rotation = whole.follow(api.start(), until=BETA)
        assert not rotation.is_over, rotation.summary
        new = signing_key(emulation, 2)
        # So that both stacks of the application differ from those of the first commit.
        changed = {
            **whole.changed_application(emulation.source),
            "database/V2__colour.sql": "alter table fruit add colour text;\n",
        }
        emulation.source = emulation.source.commit_change(changed, "Fruit has a colour")
        second = whole.follow(api.start(), until=BETA)
        # The commit that rotates is sealed before it takes effect.
        assert {each: signers(emulation, each, [old, new]) for each in _ids(emulation)} == {
            first: [old],
            rotation.id: [old],
            second.id: [new],
        }

        [failing] = [
            each for each in whole.versions() if each.stage == wave and each.stack.endswith("Api")
        ]
        place = failing.place
        fail_next_deployment(emulation.endpoint, place.account, place.region, failing.stack)
        api.let_in(BETA)
        release = whole.follow(second.id)
        others = whole.follow_others(release)
        outcome = Outcome(
            executions=[release, *others],
            versions=whole.versions(),
            expected=whole.expected(new_in=whole.before(wave), new=emulation.source.commit),
            status="Failed",
            failing=(wave, "Deploy"),
            further=rollback_problems(whole, others, "Succeeded"),
        )
        assert list(outcome.deviations()) == []
        assert [each.status for each in actions(release, wave, VERIFY)] == ["Succeeded"]
        is_verified_and_migrates_nothing(others[0], wave, whole.old)

        api.hold(BETA, KEY)
        commit_with_keys(emulation, app, "key_generation=2", "Accept the new key alone")
        whole.follow(api.start(), until=BETA)
        refused = whole.follow(api.roll_back(wave, first))
        assert [(each.stage, each.name) for each in refused.failed] == [(wave, VERIFY)]
        assert refused.failed[0].error.endswith(
            f"{ENVELOPE} has no signature by one of the accepted keys: {new}"
        )
        assert [each.status for each in actions(refused, wave, "Deploy")] == [WAITING] * 2


def _ids(emulation: Emulation) -> list[str]:
    return [each["pipelineExecutionId"] for each in emulation.api.executions()]


def test_a_release_leaves_the_evidence_of_its_seal(whole: Scene) -> None:
    with whole.released() as emulation:
        api = emulation.api
        released = min(api.executions(), key=lambda each: each["startTime"])
        found = evidence_of(
            released["pipelineExecutionId"],
            api.name,
            codepipeline=api.client(),
            codebuild=api.client("codebuild"),
            s3=api.client("s3"),
        )
    # The app has no SBOM, and its build actions no reports.
    names = ("manifest.json", "provenance.dsse.json")
    assert [each.path for each in found.files] == [
        f"{api.name}-Build-Seal/integrity/{name}" for name in names
    ]
    assert all(each.sha256 for each in found.files)
