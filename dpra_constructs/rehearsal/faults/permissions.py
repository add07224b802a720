"""Permissions that are missing in an account."""

from __future__ import annotations

import json

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.role_policies import without_action
from dpra_constructs.rehearsal.stacks import update_stack

_BOOTSTRAP = "CDKToolkit"


def _missing_trust(scene: Scene) -> Outcome:
    scene.prepare()
    wave = scene.waves[0]
    with scene.waiting_at(wave) as emulation:
        places = {version.place for version in scene.versions() if version.stage in scene.waves}
        for place in sorted(places):
            cloudformation = client("cloudformation", emulation.endpoint, place)
            body = cloudformation.get_template(StackName=_BOOTSTRAP)["TemplateBody"]
            [stack] = cloudformation.describe_stacks(StackName=_BOOTSTRAP)["Stacks"]
            given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
            update_stack(
                cloudformation,
                _BOOTSTRAP,
                body if isinstance(body, str) else json.dumps(body),
                {**given, "TrustedAccounts": ""},
            )
        record = scene.follow(scene.let_in(wave))
        others = scene.follow_others(record)
        account = sorted(places)[0].account
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(wave)),
            status="Failed",
            failing=(wave, "Prepare"),
            says="sts:AssumeRole",
            advice=(
                f"Account {account} does not trust the tools account: bootstrap it again with "
                "--trust, as `dpra bootstrap --print` says, and retry the stage."
            ),
        )


def _missing_permission(scene: Scene) -> Outcome:
    scene.prepare()
    wave = scene.waves[-1]
    with scene.waiting_at(wave) as emulation:
        [*_, failing] = [each for each in scene.versions() if each.stage == wave]
        action = next(
            each
            for stage in emulation.api.declaration()["stages"]
            if stage["name"] == wave
            for each in stage["actions"]
            if each["configuration"].get("StackName") == failing.stack
            and each["configuration"].get("ActionMode") == "CHANGE_SET_EXECUTE"
            and each.get("region", failing.place.region) == failing.place.region
        )
        role = action["roleArn"].rpartition("/")[2]
        iam = client("iam", emulation.endpoint, failing.place)
        with without_action(iam, role, "cloudformation:ExecuteChangeSet"):
            record = scene.follow(scene.let_in(wave))
            others = scene.follow_others(record)
        return Outcome(
            executions=[record, *others],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(wave)),
            status="Failed",
            failing=(wave, action["name"]),
            says="cloudformation:ExecuteChangeSet",
            advice=f"Give {role} its permission back, and retry the stage.",
        )


PERMISSIONS = (
    Fault(
        name="missing-trust",
        description="production does not trust the tools account: it keeps the old version",
        play=_missing_trust,
    ),
    Fault(
        name="missing-permission",
        description="a role in the last wave lacks a permission: that wave keeps the old version",
        play=_missing_permission,
    ),
)
