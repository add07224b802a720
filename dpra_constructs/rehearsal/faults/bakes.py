"""Releases that deploy well and then behave badly: real alarms tell the bake.

Which functions misbehave follows from their code; requests to the application's addresses give
its alarms data, on minutes that pass so slowly that the requests of each can be made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.deployed_versions import DeployedVersion
from dpra_constructs.rehearsal.execution_record import ExecutionRecord
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.faults.waves import rollback_problems
from dpra_constructs.rehearsal.load import load
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.server import let_functions_misbehave
from dpra_constructs.release.runtime import names

#: How many minutes pass in one, where an application is asked in all of gamma's regions.
SLOW = 30.0
#: ... and in those of a wave.
FASTER = 120.0
# How often each address is asked in a minute.
_REQUESTS = 6
# Ten calls a minute make a percentile, and each takes its real time.
_SLOWEST = 12.0
_REQUESTS_OF_A_PERCENTILE = 15
_SLOWER_SECONDS = 1.2
_WAIT_SECONDS = 60
# A wave's deployments come before it, and tests.
_BAKE_SECONDS = 300
_OF_CANARIES = "CloudWatchSynthetics"
ALARMED = "went into ALARM after the deployment"


def baked_wave(scene: Scene) -> str:
    """Return the wave that faults happen in: the second, or else the first."""
    return scene.waves[1] if len(scene.waves) > 1 else scene.waves[0]


def bake_of(emulation: Emulation, stage: str) -> dict[str, Any]:
    """Return what the bake of a stage watches: pipeline, environment, account and regions.

    Raises:
        RehearsalError: the stage has none.
    """
    for each in emulation.api.declaration()["stages"]:
        for action in each["actions"]:
            if each["name"] == stage and action["name"] == names.BAKE_ACTION:
                watched: dict[str, Any] = json.loads(action["configuration"]["UserParameters"])
                return watched
    raise RehearsalError(
        f"stage {stage} has no action {names.BAKE_ACTION}, which this fault is about; rehearse a "
        "pipeline of which gamma and the waves have a bake"
    )


def wait_for_bake(emulation: Emulation, stage: str, execution: str) -> bool:
    """Wait until the bake of an execution runs; return whether it does."""
    deadline = time.monotonic() + _BAKE_SECONDS
    while time.monotonic() < deadline:
        state = emulation.api.stages()[stage]
        latest = state.get("latestExecution", {})
        if latest.get("pipelineExecutionId") == execution:
            for action in state.get("actionStates", []):
                status = action.get("latestExecution", {}).get("status")
                if action["actionName"] == names.BAKE_ACTION and status == "InProgress":
                    return True
            if latest.get("status") == "Failed":
                return False
        time.sleep(0.1)
    return False


@contextmanager
def under_load(
    emulation: Emulation,
    versions: Sequence[DeployedVersion],
    time_scale: float,
    *,
    per_minute: int = _REQUESTS,
    slowest_seconds: float = 0.0,
) -> Iterator[None]:
    """Ask the addresses of stacks until the end.

    Raises:
        RehearsalError: they have none.
    """
    addresses = [each.outputs[name] for each in versions for name in each.answers]
    if not addresses:
        raise RehearsalError(
            "no output of the stacks is an address that answers, so that nothing can be asked "
            "for the alarms to have data; add one, like CfnOutput(stack, 'ApiUrl', value=...)"
        )
    emulation.watcher.note(
        f"{len(addresses)} addresses are each asked {per_minute} times a minute; minutes pass "
        f"{time_scale:g} times as fast as in AWS"
    )
    with load(
        addresses,
        per_minute=per_minute,
        time_scale=time_scale,
        slowest_seconds=slowest_seconds,
    ):
        yield


def functions_of(
    emulation: Emulation, versions: Sequence[DeployedVersion]
) -> list[Mapping[str, str]]:
    """Return the functions of stacks, with the code that they have now."""
    found: list[Mapping[str, str]] = []
    for version in versions:
        cloudformation = client("cloudformation", emulation.endpoint, version.place)
        resources = cloudformation.describe_stack_resources(StackName=version.stack)
        found += [
            {
                "account": version.place.account,
                "region": version.place.region,
                "name": each["PhysicalResourceId"],
                "code": version.code[each["LogicalResourceId"]],
            }
            for each in resources["StackResources"]
            if each["LogicalResourceId"] in version.code
        ]
    return found


def _of_stage(scene: Scene, stage: str) -> list[DeployedVersion]:
    return [each for each in scene.versions() if each.stage == stage]


def _failed_bake(
    scene: Scene,
    record: ExecutionRecord,
    others: list[ExecutionRecord],
    stage: str,
    *,
    says: str,
    advice: str,
) -> Outcome:
    """Return what has to come of a bake that fails: its stage alone goes back."""
    return Outcome(
        executions=[record, *others],
        versions=scene.versions(),
        expected=scene.expected(new_in=scene.before(stage)),
        status="Failed",
        failing=(stage, names.BAKE_ACTION),
        says=says,
        further=rollback_problems(scene, others, "Succeeded"),
        advice=advice,
    )


def _gamma(scene: Scene) -> str:
    """Return the stage before the approval, or the last one."""
    return scene.before(scene.approval)[-1] if scene.approval else scene.stages[-1]


def _slow_in_gamma(scene: Scene) -> Outcome:
    gamma = _gamma(scene)
    with scene.waiting_at(gamma, _SLOWEST) as emulation:
        bake_of(emulation, gamma)
        deployed = _of_stage(scene, gamma)
        functions = functions_of(emulation, deployed)
        let_functions_misbehave(emulation.endpoint, functions, seconds=_SLOWER_SECONDS)
        with under_load(
            emulation,
            deployed,
            _SLOWEST,
            per_minute=_REQUESTS_OF_A_PERCENTILE,
            slowest_seconds=_SLOWER_SECONDS,
        ):
            record = scene.follow(scene.let_in(gamma))
            others = scene.follow_others(record)
        return _failed_bake(
            scene,
            record,
            others,
            gamma,
            says=ALARMED,
            advice=(
                f"{gamma} runs the old version again, and production has not seen the new one. "
                "The alarm that the bake names says what got worse."
            ),
        )


def _canaries_fail_in_gamma(scene: Scene) -> Outcome:
    gamma = _gamma(scene)
    with scene.waiting_at(gamma, SLOW) as emulation:
        bake_of(emulation, gamma)
        deployed = _of_stage(scene, gamma)
        if not _alarms_of_canaries(emulation, deployed):
            raise RehearsalError(
                f"no stack of {gamma} has an alarm on a canary, which this fault is about; give "
                "the application an ApiSyntheticTest, and its alarm to DeploymentHealth"
            )
        functions = functions_of(emulation, deployed)
        release = scene.let_in(gamma)
        # What fails before, the deployment would find that shifts traffic by the same alarms.
        wait_for_bake(emulation, gamma, release)
        let_functions_misbehave(emulation.endpoint, functions, fails=True)
        record = scene.follow(release)
        red = _gone_red(emulation, _alarms_of_canaries(emulation, deployed))
        others = scene.follow_others(record)
        outcome = _failed_bake(
            scene,
            record,
            others,
            gamma,
            says=ALARMED,
            advice=(
                f"{gamma} runs the old version again, though nobody but the canaries has used the "
                "new one. Their steps that failed stand in their logs."
            ),
        )
        silent = [] if red else ["no canary's alarm went into ALARM"]
        return replace(outcome, further=[*outcome.further, *silent])


def _alarms_of_canaries(
    emulation: Emulation, deployed: Sequence[DeployedVersion]
) -> list[tuple[Place, str]]:
    """Return the alarms on metrics of canaries in the places of stacks."""
    found = []
    for place in {each.place for each in deployed}:
        cloudwatch = client("cloudwatch", emulation.endpoint, place)
        pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        for alarm in (each for page in pages for each in page["MetricAlarms"]):
            queries = alarm.get("Metrics") or []
            metrics = [alarm, *(each.get("MetricStat", {}).get("Metric", {}) for each in queries)]
            if any(each.get("Namespace") == _OF_CANARIES for each in metrics):
                found.append((place, alarm["AlarmName"]))
    return found


def _gone_red(emulation: Emulation, alarms: Sequence[tuple[Place, str]]) -> list[str]:
    """Return those alarms that have been in ALARM."""
    red = []
    for place, name in alarms:
        history = client("cloudwatch", emulation.endpoint, place).describe_alarm_history(
            AlarmName=name, HistoryItemType="StateUpdate"
        )["AlarmHistoryItems"]
        if any(each["HistorySummary"].endswith("to ALARM") for each in history):
            red.append(name)
    return red


def errors_in_bake(scene: Scene, emulation: Emulation, wave: str) -> Outcome:
    """Let the new version fail in a wave, whose bake then fails."""
    bake_of(emulation, wave)
    deployed = _of_stage(scene, wave)
    functions = functions_of(emulation, deployed)
    with under_load(emulation, deployed, FASTER):
        release = scene.let_in(wave)
        # What fails from the first call on, a test of the wave would find.
        wait_for_bake(emulation, wave, release)
        let_functions_misbehave(emulation.endpoint, functions, fails=True)
        record = scene.follow(release)
        others = scene.follow_others(record)
    return _failed_bake(
        scene,
        record,
        others,
        wave,
        says=ALARMED,
        advice=(
            f"{wave} runs the old version again; earlier waves keep the new one, and later ones "
            "have not seen it. Repair it by a new commit, and resume the pipeline."
        ),
    )


def _errors_in_wave(scene: Scene) -> Outcome:
    wave = baked_wave(scene)
    with scene.waiting_at(wave, FASTER) as emulation:
        return errors_in_bake(scene, emulation, wave)


def _health_unreadable(scene: Scene) -> Outcome:
    wave = baked_wave(scene)
    with scene.waiting_at(wave, FASTER) as emulation:
        watched = bake_of(emulation, wave)
        region = watched["regions"][-1]
        role = names.gate_role_name(watched["pipeline"], watched["environment"], region)
        place = next(each.place for each in _of_stage(scene, wave))
        iam = client("iam", emulation.endpoint, place)
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        record = scene.follow(scene.let_in(wave))
        others = scene.follow_others(record)
        return _failed_bake(
            scene,
            record,
            others,
            wave,
            says="could not be read for",
            advice=(
                f"{wave} runs the old version again, as nobody could say whether the new one is "
                f"well. Let the stack in {region} repair the role {role}, and release again."
            ),
        )


def _fix_for_red_production(scene: Scene) -> Outcome:
    wave = scene.waves[-1]
    with scene.waiting_at(wave, FASTER) as emulation:
        watched = bake_of(emulation, wave)
        deployed = _of_stage(scene, wave)
        functions = functions_of(emulation, deployed)
        let_functions_misbehave(emulation.endpoint, functions, of_other_code=False, fails=True)
        with under_load(emulation, deployed, FASTER):
            red = _wait_until_red(emulation, deployed, watched)
            record = scene.follow(scene.let_in(wave))
            others = scene.follow_others(record)
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.stages),
            status="Succeeded",
            further=[
                *([] if red else ["production was not red before the release"]),
                *([f"{len(others)} executions follow the release"] if others else []),
            ],
            advice="Nothing to repair: the fix went through while the alarms were still red.",
        )


def _wait_until_red(
    emulation: Emulation, deployed: Sequence[DeployedVersion], watched: Mapping[str, Any]
) -> bool:
    deadline = time.monotonic() + _WAIT_SECONDS
    waiting = {each.place for each in deployed}
    while waiting and time.monotonic() < deadline:
        for place in list(waiting):
            alarm = names.health_alarm_name(
                watched["pipeline"], watched["environment"], place.region
            )
            found = client("cloudwatch", emulation.endpoint, place).describe_alarms(
                AlarmNames=[alarm], AlarmTypes=["CompositeAlarm"]
            )["CompositeAlarms"]
            if found and found[0]["StateValue"] == "ALARM":
                waiting.discard(place)
        time.sleep(0.2)
    return not waiting


BAKES = (
    Fault(
        name="slow-in-gamma",
        description="the new version is slow in gamma: its bake fails, production is not reached",
        play=_slow_in_gamma,
    ),
    Fault(
        name="canaries-fail-in-gamma",
        description="only canaries use the new version in gamma, and it fails: so does its bake",
        play=_canaries_fail_in_gamma,
    ),
    Fault(
        name="errors-in-wave",
        description="the new version fails in a wave's bake: that wave goes back, no later begins",
        play=_errors_in_wave,
    ),
    Fault(
        name="health-unreadable",
        description="a region's health cannot be read: the bake fails, and the wave goes back",
        play=_health_unreadable,
    ),
    Fault(
        name="fix-for-red-production",
        description="production is red before the release that repairs it: the release passes",
        play=_fix_for_red_production,
    ),
)
