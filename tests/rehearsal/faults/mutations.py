"""Takes one permission at a time from the pipeline's roles, and runs the stage that needs it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dpra_constructs.rehearsal.execution_record import ExecutionRecord, read_execution
from dpra_constructs.rehearsal.faults import Scene
from dpra_constructs.rehearsal.rehearsal import Emulation
from dpra_constructs.rehearsal.role_policies import allowed_actions, without_action

SECONDS = 300
STOPS = "the permissions are being tested"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Mutation:
    """A permission of a role, and the stage that shows whether it is needed.

    Args:
        kind: of the role: Pipeline, Source action, Build action, Build, Self-mutation, Assets, ...
        role: its physical name.
        action: as the policy has it.
        resource: where the action is allowed on several resources that different actions need.
        stage: the pipeline stage to run.
        needed_by: the action that has to fail.
    """

    stage: str
    needed_by: str
    kind: str
    action: str
    role: str
    resource: str = "*"

    @property
    def name(self) -> str:
        """How the docs name it."""
        return f"{self.kind}: {self.action}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Noticed:
    """Which actions failed without the permission, and what they said."""

    mutation: Mutation
    failed: tuple[str, ...]
    said: str


def mutations_of(emulation: Emulation) -> Iterator[Mutation]:
    """Enumerate what the policies of the deployed pipeline allow, one mutation for each action."""
    declared = emulation.api.declaration()
    iam = emulation.api.client("iam")
    seen: set[tuple[str, str, str]] = set()
    for stage in declared["stages"]:
        for action in stage["actions"]:
            where = {"stage": stage["name"], "needed_by": action["name"]}
            for kind, role in _roles(emulation, action):
                for allowed, resources in allowed_actions(iam, role).items():
                    for resource in _apart(allowed, resources, emulation, action):
                        key = (kind, allowed, resource)
                        if key not in seen:
                            seen.add(key)
                            yield Mutation(
                                kind=kind, role=role, action=allowed, resource=resource, **where
                            )
    pipeline = declared["roleArn"].rpartition("/")[2]
    yield from _of_pipeline_role(declared, pipeline, allowed_actions(iam, pipeline))


def _roles(emulation: Emulation, action: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Give the roles of the tools account that an action works with, and what kind each is."""
    configuration = action.get("configuration", {})
    arn = str(action.get("roleArn", ""))
    assert isinstance(configuration, dict)
    kind = action["actionTypeId"]
    assert isinstance(kind, dict)
    if f":{emulation.api.place.account}:" in arn:
        yield f"{kind['category']} action", arn.rpartition("/")[2]
    if name := configuration.get("ProjectName"):
        codebuild = emulation.api.client("codebuild")
        [project] = codebuild.batch_get_projects(names=[name])["projects"]
        yield f"Project {action['name']}", project["serviceRole"].rpartition("/")[2]


def _apart(
    allowed: str, resources: Sequence[str], emulation: Emulation, action: dict[str, object]
) -> Sequence[str]:
    """Return the resource that only this action needs, where the role is shared by several."""
    configuration = action.get("configuration", {})
    assert isinstance(configuration, dict)
    project = configuration.get("ProjectName")
    shared = allowed in ("codebuild:StartBuild", "codebuild:BatchGetBuilds")
    if shared and project and any(each.endswith(f":project/{project}") for each in resources):
        return [each for each in resources if each.endswith(f":project/{project}")]
    return ["*"]


def _of_pipeline_role(
    declared: dict[str, object], role: str, allowed: dict[str, list[str]]
) -> Iterator[Mutation]:
    stages = declared["stages"]
    assert isinstance(stages, list)
    for arn in allowed.get("sts:AssumeRole", []):
        first = next(
            (stage["name"], action["name"])
            for stage in stages
            for action in sorted(stage["actions"], key=lambda each: each["runOrder"])
            if action.get("roleArn") == arn
        )
        yield Mutation(
            kind="Pipeline",
            role=role,
            action="sts:AssumeRole",
            resource=arn,
            stage=first[0],
            needed_by=first[1],
        )
    # What is copied to another region, is copied for the first action that works there.
    stage, needed_by = next(
        (stage["name"], action["name"])
        for stage in stages
        for action in stage["actions"]
        if action.get("region") and action.get("inputArtifacts") and action["region"] != "us-west-2"
    )
    for action in allowed:
        if action != "sts:AssumeRole":
            yield Mutation(
                kind="Pipeline", role=role, action=action, stage=stage, needed_by=needed_by
            )


def run_all(scene: Scene, mutations: Sequence[Mutation]) -> list[Noticed]:
    """Run the stage of each mutation without its permission."""
    results: list[Noticed] = []
    for stage in dict.fromkeys(each.stage for each in mutations):
        waiting = [each for each in mutations if each.stage == stage]
        while waiting:
            # As long as the stage fails, it is retried in the same emulator; a stage that passed
            # cannot be run again, and the next mutation starts from the saved state.
            done = list(_run_until_one_passes(scene, stage, waiting))
            results.extend(done)
            waiting = waiting[len(done) :]
    return results


def _run_until_one_passes(
    scene: Scene, stage: str, mutations: Sequence[Mutation]
) -> Iterator[Noticed]:
    is_first = stage == scene.stages[0]
    with scene.released() if is_first else scene.waiting_at(stage) as emulation:
        api = emulation.api
        following = scene.stages[scene.stages.index(stage) + 1 :]
        for name in following[:1]:
            api.hold(name, STOPS)
        execution_id = ""
        for mutation in mutations:
            iam = api.client("iam")
            with without_action(iam, mutation.role, mutation.action, mutation.resource):
                if execution_id:
                    api.retry(stage, execution_id)
                else:
                    execution_id = api.start() if is_first else scene.let_in(stage)
                record = _end_of(emulation, execution_id, mutation)
            failed = tuple(each.name for each in record.failed if each.stage == stage)
            said = "; ".join(each.error for each in record.failed)
            yield Noticed(mutation=mutation, failed=failed, said=said)
            # A stage that rolls back is not retried: the rollback is the latest in it.
            if not failed or api.executions()[0]["pipelineExecutionId"] != execution_id:
                return


def _end_of(emulation: Emulation, execution_id: str, mutation: Mutation) -> ExecutionRecord:
    """Wait until the execution is over, or the action has succeeded without the permission."""
    view = emulation.view()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        record = read_execution(emulation.api, view, execution_id, emulation.output.logs)
        [action] = [
            each
            for each in record.actions
            if (each.stage, each.name) == (mutation.stage, mutation.needed_by)
        ]
        # A run of before the retry may still be the last one for a moment.
        if record.is_over or (action.status == "Succeeded" and not record.failed):
            return record
        time.sleep(0.1)
    raise AssertionError(f"{mutation} came to no end")
