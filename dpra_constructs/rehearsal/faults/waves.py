"""Deployments that fail in a wave of production, and what their rollback does."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.deployed_versions import DeployedVersion
from dpra_constructs.rehearsal.execution_record import ExecutionRecord
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import fail_next_deployment

_REASON = "made to fail by the rehearsal"


def _fail_last_region(scene: Scene, emulation: Emulation, wave: str) -> DeployedVersion:
    """Let the wave's last stack fail once."""
    stack = [each for each in scene.versions() if each.stage == wave][-1]
    fail_next_deployment(emulation.endpoint, stack.place.account, stack.place.region, stack.stack)
    return stack


def _rolled_back(scene: Scene, wave: str) -> Outcome:
    with scene.waiting_at(wave) as emulation:
        _fail_last_region(scene, emulation, wave)
        record = scene.follow(scene.let_in(wave))
        others = scene.follow_others(record)
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(wave)),
            status="Failed",
            failing=(wave, "Deploy"),
            says=_REASON,
            further=rollback_problems(scene, others, "Succeeded"),
            advice=(
                f"{wave} runs the old version again; earlier waves keep the new one. Find out why "
                "the region failed, and let a new commit through."
            ),
        )


def rollback_problems(scene: Scene, others: list[ExecutionRecord], status: str) -> list[str]:
    """Return what is not as designed of the one rollback that has to follow."""
    if len(others) != 1 or others[0].type != "ROLLBACK":
        return [f"one rollback has to follow, and there are {len(others)} executions"]
    [rollback] = others
    problems = []
    if rollback.status != status:
        problems.append(f"the rollback is {rollback.status}: {rollback.summary}")
    if rollback.commit != scene.old:
        problems.append(f"the rollback went to {rollback.commit}")
    return problems


def _failing_region(scene: Scene) -> Outcome:
    """A later wave than the first, where there is one."""
    [*_, last] = scene.waves
    return _rolled_back(scene, scene.waves[1] if len(scene.waves) > 1 else last)


def _first_wave(scene: Scene) -> Outcome:
    return _rolled_back(scene, scene.waves[0])


def _artifacts_expired(scene: Scene) -> Outcome:
    wave = scene.waves[1] if len(scene.waves) > 1 else scene.waves[0]
    with scene.waiting_at(wave) as emulation:
        _expire_artifacts(emulation, scene.old)
        failing = _fail_last_region(scene, emulation, wave)
        record = scene.follow(scene.let_in(wave))
        others = scene.follow_others(record)
        key = (failing.place.account, failing.place.region, failing.stack)
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=[*scene.before(wave), wave]),
            exceptions={key: scene.old},
            status="Failed",
            failing=(wave, "Deploy"),
            says="is not there any more",
            further=rollback_problems(scene, others, "Failed"),
            advice=(
                "The rollback could not run, so the wave is mixed: the failing region was put back "
                "by CloudFormation, its other regions run the new version. Let a new commit "
                "through; and keep artifacts for as long as releases may be rolled back."
            ),
        )


def _expire_artifacts(emulation: Emulation, commit: str) -> None:
    """Delete the artifacts of a commit's execution in every region, as a lifecycle rule does."""
    api = emulation.api
    for summary in api.executions():
        revisions = summary.get("sourceRevisions", [])
        if not revisions or revisions[0]["revisionId"] != commit:
            continue
        keys = {
            artifact["s3location"]["key"]
            for run in api.actions(summary["pipelineExecutionId"])
            for side in ("input", "output")
            for artifact in run.get(side, {}).get(f"{side}Artifacts", [])
        }
        stores = api.declaration()["artifactStores"]
        for region, store in stores.items():
            s3 = emulation.client("s3", region)
            for key in keys:
                _delete_all_versions(s3, store["location"], key)


def _delete_all_versions(s3: Any, bucket: str, key: str) -> None:
    try:
        listed = s3.list_object_versions(Bucket=bucket, Prefix=key)
    except ClientError:
        return
    for version in listed.get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


WAVES = (
    Fault(
        name="failing-region",
        description="a region fails in a later wave: that wave goes back, earlier waves stay",
        play=_failing_region,
    ),
    Fault(
        name="rollback-of-first-wave",
        description="a region fails in the first wave: all of production runs the old version",
        play=_first_wave,
    ),
    Fault(
        name="rollback-artifacts-expired",
        description="a wave fails and the old release's artifacts are gone: says so, and what next",
        play=_artifacts_expired,
    ),
)
