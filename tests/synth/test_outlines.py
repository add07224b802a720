"""The release process on one page: of the plan, and of the template, which agree."""

import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from dpra_constructs import DeploymentPipeline, DeploymentWindow
from dpra_constructs.pipeline.plan import PipelinePlan, Purpose
from dpra_constructs.release.stage_conditions import (
    CloudWatchAlarm,
    EntryCondition,
    LambdaInvoke,
    SuccessCondition,
)
from dpra_constructs.test_actions import IntegrationTest
from dpra_constructs.testing import pipeline_outline
from dpra_constructs.testing.snapshots import OutlineSnapshotExtension
from tests.conftest import ROOT, Synthesized, resources
from tests.pipelines import gamma_stage, prod_waves, template_of, tools_stack
from tests.pipelines import pipeline as pipeline_of

Made = tuple[DeploymentPipeline, dict[str, Any]]


def child(scope: Any) -> DeploymentPipeline:
    found = scope.node.find_child("Pipeline")
    assert isinstance(found, DeploymentPipeline)
    return found


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = ROOT / "examples" / "smallest"
    os.environ["CDK_OUTDIR"] = str(tmp_path_factory.mktemp("smallest"))
    sys.path.insert(0, str(folder))
    here = Path.cwd()
    try:
        os.chdir(folder)
        stack = runpy.run_path("app.py")["stack"]
    finally:
        os.chdir(here)
        sys.path.remove(str(folder))
        del os.environ["CDK_OUTDIR"]
    assembly = stack.node.root.synth()
    return child(stack), assembly.get_stack_by_name("HelloPipeline").template


@pytest.fixture(scope="module")
def conditional() -> Made:
    stack = tools_stack()
    calm = SuccessCondition([CloudWatchAlarm("Calm", alarm="orders")])
    gamma = gamma_stage(
        stack, integration_tests=[IntegrationTest("make it")], max_parallel=2, on_success=calm
    )
    prod = prod_waves(
        stack,
        gamma=gamma,
        window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
        before_entry=EntryCondition([LambdaInvoke("Ticket", function="ticket")]),
    )
    made = pipeline_of(stack, last_stage=prod, notify=["team@acme.example"])
    return made, template_of(made)


@pytest.fixture(params=["fruit_api", "fruit_service", "smallest", "conditional"])
def made(request: pytest.FixtureRequest) -> Made:
    if request.param.startswith("fruit_"):
        example: Synthesized = request.getfixturevalue(request.param)
        return child(example.stack), example.template
    found: Made = request.getfixturevalue(request.param)
    return found


def stages_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    stages: list[dict[str, Any]] = found["Stages"]
    return stages


def planned(plan: PipelinePlan, template: dict[str, Any]) -> list[Any]:
    """Return the plan's stages that are made: the one for assets only when there are some."""
    names = {stage["Name"] for stage in stages_of(template)}
    return [
        each for each in plan.stages if each.purpose is not Purpose.ASSETS or each.name in names
    ]


def groups(plan: PipelinePlan, stage: dict[str, Any]) -> list[set[tuple[str, str]]]:
    """Return what a stage deploys to, group by group."""
    found: dict[int, set[tuple[str, str]]] = {}
    for action in stage["Actions"]:
        if action["Configuration"].get("ActionMode") == "CHANGE_SET_REPLACE":
            [account] = set(re.findall(r"iam::(\d{12}):role/", str(action.get("RoleArn")))) or {
                plan.pipeline.account
            }
            region = action.get("Region", plan.pipeline.region)
            found.setdefault(action["RunOrder"], set()).add((account, region))
    return [found[order] for order in sorted(found)]


def test_plan_and_template_agree(made: Made) -> None:
    plan, template = made[0].plan, made[1]
    stages = stages_of(template)
    assert [stage["Name"] for stage in stages] == [each.name for each in planned(plan, template)]
    for stage, each in zip(stages, planned(plan, template), strict=True):
        kinds = ("BeforeEntry", "OnSuccess", "OnFailure")
        conditions = {kind: stage[kind] for kind in kinds if kind in stage}
        assert conditions == each.conditions.properties
        expected = [{(t.account, t.region) for t in group} for group in each.groups]
        assert groups(plan, stage) == expected
        last = max(stage["Actions"], key=lambda action: action["RunOrder"])
        assert (last["Name"] == "Bake") == (each.bake_minutes is not None)
        text = f"Bake: Lambda, for {each.bake_minutes} minutes"
        assert (text in pipeline_outline(template)) == (each.bake_minutes is not None)
        names = [action["Name"] for action in stage["Actions"]]
        for test in each.tests:
            assert len([name for name in names if test.name in name]) == len(each.targets)


def test_both_texts_have_the_conditions(conditional: Made) -> None:
    for text in (conditional[0].pipeline_outline(), pipeline_outline(conditional[1])):
        assert "  on success: CloudWatchAlarm Calm (AlarmName=orders), or ROLLBACK\n" in text
        for stage in ("Approve-Prod", "Open-rest"):
            rule = f"LambdaInvoke Ticket-{stage} (FunctionName=ticket)"
            assert f"  before entry: {rule}, or FAIL\n" in text
    text = conditional[0].pipeline_outline()
    assert text.endswith("\nNotifies team@acme.example\n")
    assert "window MON-THU 09:00-16:00 Europe/Berlin" in text


@pytest.mark.parametrize("of", ["plan", "template"])
def test_outline(made: Made, of: str, snapshot: SnapshotAssertion) -> None:
    text = made[0].pipeline_outline() if of == "plan" else pipeline_outline(made[1])
    assert text == snapshot(extension_class=OutlineSnapshotExtension)
