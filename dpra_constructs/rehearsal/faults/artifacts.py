"""Artifacts that somebody changes after they were sealed: nothing of them is deployed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

from dpra_constructs.artifact_integrity.runtime.files import Archive
from dpra_constructs.artifact_integrity.runtime.manifest import FOLDER
from dpra_constructs.artifact_integrity.runtime.published import published_files
from dpra_constructs.errors import RehearsalError
from dpra_constructs.pipeline.plan import SEAL, VERIFY
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.execution_record import WAITING
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation

_TEMPLATE = ".template.json"


def _refused(scene: Scene, tamper: Callable[[Emulation, str], str]) -> Outcome:
    """Tamper with what the second commit made, and let it into gamma.

    Args:
        scene: where it happens.
        tamper: changes something, and returns the name of what it changed.
    """
    stage = _verified_stages(scene)[1]
    with scene.waiting_at(stage) as emulation:
        [*_, waiting] = emulation.api.stages()[stage]["inboundExecutions"]
        changed = tamper(emulation, waiting["pipelineExecutionId"])
        record = scene.follow(scene.let_in(stage))
        others = scene.follow_others(record)
        problems = [
            f"{action.name} of {action.stage} has run"
            for action in record.actions
            if action.stage == stage and action.name != VERIFY and action.status != WAITING
        ]
        # The stage rolls back, to what runs there already.
        problems += [
            f"the rollback {each.id} is {each.status}: {each.summary}"
            for each in others
            if each.status != "Succeeded"
        ]
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(stage)),
            status="Failed",
            failing=(stage, VERIFY),
            says=changed,
            further=problems,
            advice=(
                "Nothing of it was deployed. Find out who can write to the artifact bucket, or to "
                "the bucket of the assets, and let a new commit through: it is built and published "
                "again."
            ),
        )


def _verified_stages(scene: Scene) -> list[str]:
    with scene.released() as emulation:
        stages = [
            stage["name"]
            for stage in emulation.api.declaration()["stages"]
            if any(action["name"] == VERIFY for action in stage["actions"])
        ]
    if len(stages) < 2:
        raise RehearsalError(
            f"the pipeline has not two stages with {VERIFY}, which this fault is about; rehearse "
            "one that seals its artifacts and goes on to gamma"
        )
    return stages


def _in_artifact(emulation: Emulation, execution: str) -> str:
    """Change a template in the artifact store; return its path."""
    s3, place = sealed_artifact(emulation, execution)
    archive = s3.get_object(**place)["Body"].read()
    out = io.BytesIO()
    changed = ""
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(_TEMPLATE) and not changed:
                changed = entry.filename
                content += b"\n"
            new.writestr(entry, content)
    s3.put_object(**place, Body=out.getvalue())
    return f"{changed} was changed"


def _in_asset_bucket(emulation: Emulation, execution: str) -> str:
    """Change a published file in the region that is deployed to last; return its path.

    The newest: one that the release before has too would be in the way of the rollback.
    """
    s3, place = sealed_artifact(emulation, execution)
    archive = io.BytesIO(s3.get_object(**place)["Body"].read())
    waiting = _places_of_second_stage(emulation)
    with zipfile.ZipFile(archive) as opened:
        published = [
            each
            for each in published_files(Archive(opened), partition="aws")
            if Place(each.account, each.region) in waiting and not each.path.startswith(FOLDER)
        ]
    if not published:
        raise RehearsalError(
            "the application publishes no file asset, which this fault is about; rehearse one with "
            "a function whose code is an asset"
        )
    region = max(each.region for each in published)
    there = [each for each in published if each.region == region]
    bucket = client("s3", emulation.endpoint, Place(there[0].account, region))
    last = max(
        there,
        key=lambda each: bucket.head_object(Bucket=each.bucket, Key=each.key)["LastModified"],
    )
    bucket.put_object(Bucket=last.bucket, Key=last.key, Body=b"not what was sealed")
    return f"{last.path} was sealed with SHA-256"


def _places_of_second_stage(emulation: Emulation) -> set[Place]:
    verified = [
        stage
        for stage in emulation.api.declaration()["stages"]
        if any(action["name"] == VERIFY for action in stage["actions"])
    ]
    return {
        Place(action["roleArn"].split(":")[4], action.get("region", emulation.api.place.region))
        for action in verified[1]["actions"]
        if action["actionTypeId"]["provider"] == "CloudFormation"
    }


def sealed_artifact(emulation: Emulation, execution: str) -> tuple[Any, dict[str, str]]:
    """Return a client and the place of the sealed artifact of an execution."""
    for run in emulation.api.actions(execution):
        if run["actionName"] == SEAL:
            [artifact] = run["output"]["outputArtifacts"]
            location = artifact["s3location"]
            place = {"Bucket": location["bucket"], "Key": location["key"]}
            return emulation.client("s3", emulation.api.place.region), place
    raise RehearsalError(f"execution {execution} has not run {SEAL}")


def _tampered_artifact(scene: Scene) -> Outcome:
    return _refused(scene, _in_artifact)


def _tampered_asset(scene: Scene) -> Outcome:
    return _refused(scene, _in_asset_bucket)


ARTIFACTS = (
    Fault(
        name="tampered-artifact",
        description="a template is changed in the artifact store before gamma: nothing is deployed",
        play=_tampered_artifact,
    ),
    Fault(
        name="tampered-asset",
        description="a published file is changed in a region of gamma: nothing is deployed there",
        play=_tampered_asset,
    ),
)
