"""Two commits at once, and one that changes the pipeline itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.execution_record import ExecutionRecord, read_execution
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation

_SECONDS = 300
_APPROVAL = re.compile(r"\bManualApproval\(")
_WAITING = "Waiting for release"


def _two_commits(scene: Scene) -> Outcome:
    scene.prepare()
    build = scene.stages[1]
    with scene.waiting_at(build) as emulation:
        first = _inbound(emulation, build)[0]
        third = emulation.source.commit_change(
            scene.changed_application(emulation.source, "another"), "Change it once more"
        )
        second = emulation.api.start()
        _wait(lambda: second in _inbound(emulation, build))
        superseding = emulation.view().execution_mode == "SUPERSEDED"
        emulation.api.let_in(build)
        records = [scene.follow(each) for each in (first, second)]
        status = "Superseded" if superseding else "Succeeded"
        further = []
        if records[1].status != "Succeeded":
            further.append(f"the second execution is {records[1].status}: {records[1].summary}")
        if superseding and len(records[0].failed) + _deployed(records[0]):
            further.append("the superseded execution deployed something")
        return Outcome(
            executions=records,
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages, new=third.commit),
            status=status,
            further=further,
            advice="Nothing to repair: the newest commit is in production.",
        )


def _deployed(record: ExecutionRecord) -> int:
    return sum(
        action.provider == "CloudFormation" and bool(action.status) for action in record.actions
    )


def _structural_commit(scene: Scene) -> Outcome:
    scene.prepare()
    wave = scene.waves[-1]
    with scene.waiting_at(wave) as emulation:
        release = _inbound(emulation, wave)[0]
        source = emulation.source
        change = _structural_change(
            {name: source.read(name) or "" for name in source.files() if name.endswith(".py")}
        )
        commit = source.commit_change(change, "Change the pipeline's structure")
        update = next(
            action
            for action in emulation.view().actions
            if action.name in ("SelfMutate", "UpdatePipeline")
        )
        _shorten_wait(emulation, update.stage)
        following = scene.stages[scene.stages.index(update.stage) + 1]
        structural = emulation.api.start()
        waited = _wait(lambda: _guard_waits(scene, emulation, structural, update.name))
        version = emulation.api.declaration()["version"]
        released = scene.follow(scene.let_in(wave))
        during = emulation.api.declaration()["version"]
        emulation.api.hold(following, "the rehearsal stops here")
        updated = scene.follow(structural, until=following)
        further = []
        if not waited:
            further.append("the guard did not wait for the release in production")
        if during != version:
            further.append("the pipeline was updated while the release was in a wave")
        if emulation.api.declaration()["version"] == version:
            further.append("the pipeline was not updated after the release")
        if updated.commit != commit.commit:
            further.append(f"after the update {updated.commit} runs")
        return Outcome(
            executions=[released, updated],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=further,
            advice=(
                f"Release {release[:8]} ended in the structure in which it began; the pipeline was "
                "updated after it, and the structural commit began again."
            ),
        )


def _structural_change(files: dict[str, str]) -> dict[str, str]:
    for name, text in sorted(files.items()):
        if _APPROVAL.search(text):
            changed = _APPROVAL.sub('ManualApproval(message="A rehearsal.", ', text, count=1)
            return {name: changed}
    raise RehearsalError(
        "no Python file of the commit has a ManualApproval(...), whose message this fault changes "
        "to change the pipeline's structure"
    )


def _shorten_wait(emulation: Emulation, stage: str) -> None:
    """Let the guard look every second; in AWS it does so every half minute."""
    declared = emulation.api.declaration()
    [action] = next(each for each in declared["stages"] if each["name"] == stage)["actions"]
    codebuild = emulation.api.client("codebuild")
    name = action["configuration"]["ProjectName"]
    [project] = codebuild.batch_get_projects(names=[name])["projects"]
    buildspec = project["source"]["buildspec"]
    if "--stack=" not in buildspec:
        raise RehearsalError(
            "the pipeline updates itself without a guard, so a structural commit would not wait"
        )
    shortened = buildspec.replace("--stack=", "--poll-seconds=1 --stack=", 1)
    codebuild.update_project(name=name, source={**project["source"], "buildspec": shortened})


def _guard_waits(scene: Scene, emulation: Emulation, execution_id: str, action: str) -> bool:
    view, logs = emulation.view(), emulation.output.logs
    record = read_execution(emulation.api, view, execution_id, logs)
    emulation.watcher.execution(record)
    return any(
        each.name == action and each.log and _WAITING in each.log.read_text("utf-8", "replace")
        for each in record.actions
    )


def _inbound(emulation: Emulation, stage: str) -> list[str]:
    state = emulation.api.stages()[stage]
    return [each["pipelineExecutionId"] for each in state.get("inboundExecutions", [])]


def _wait(look: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.2)
    return False


CONCURRENCY = (
    Fault(
        name="two-commits",
        description="two commits at once: the newer one passes (SUPERSEDED) or follows (QUEUED)",
        play=_two_commits,
    ),
    Fault(
        name="structural-commit",
        description="a commit changes the pipeline while a release is in a wave: the guard waits",
        play=_structural_commit,
    ),
)
