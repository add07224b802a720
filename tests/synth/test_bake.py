"""The bake: the last action of gamma and of every wave, and one function for all of them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration

from dpra_constructs import DeploymentEnvironment, Requirement, Wave
from dpra_constructs.release.runtime import bake as runtime
from dpra_constructs.release.runtime import names
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import Synthesized, resources
from tests.pipelines import (
    GAMMA,
    REGIONS,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
    wave,
)

SEVEN = [
    *("us-west-2", "us-east-1", "us-east-2", "sa-east-1"),
    *("eu-central-1", "eu-west-1", "ap-south-1"),
]
TRIAL = "a trial, in which nobody is affected"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """A pipeline with waves of one, two and seven regions."""
    stack = tools_stack()
    regions = [*SEVEN, "eu-west-2", "eu-west-3", "eu-north-1"]
    gamma = gamma_stage(
        stack, environment=DeploymentEnvironment("gamma", account=GAMMA, regions=regions)
    )
    waves = [
        Wave("one", regions[7:8], bake=Duration.minutes(60)),
        Wave("two", regions[8:], bake=Duration.minutes(30)),
        Wave("seven", SEVEN, bake=Duration.hours(23)),
    ]
    return template_of(pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, waves=waves)))


def stages_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    [pipeline] = resources(template, "AWS::CodePipeline::Pipeline")
    return {stage["Name"]: stage for stage in pipeline["Stages"]}


def bake_of(stage: dict[str, Any]) -> dict[str, Any]:
    [found] = [each for each in stage["Actions"] if each["Name"] == "Bake"]
    return dict(found)


@pytest.mark.parametrize(
    ("name", "count", "minutes"),
    [("Gamma", 10, 15), ("Prod-one", 1, 60), ("Prod-two", 2, 30), ("Prod-seven", 7, 1380)],
)
def test_it_is_the_last_action_whatever_the_number_of_regions(
    template: dict[str, Any], name: str, count: int, minutes: int
) -> None:
    stage = stages_of(template)[name]
    bake = bake_of(stage)
    others = [each["RunOrder"] for each in stage["Actions"] if each["Name"] != "Bake"]
    assert bake["RunOrder"] > max(others)
    assert bake["ActionTypeId"]["Provider"] == "Lambda"
    # What the function itself makes of it.
    given = runtime.parameters(bake["Configuration"]["UserParameters"])
    assert (given.stage, given.bake_minutes, given.settle_minutes) == (name, minutes, 5)
    assert len(given.regions) == count
    assert stage["OnFailure"] == {"Result": "ROLLBACK"}
    assert "BeforeEntry" not in stage


def test_its_parameters_are_within_what_codepipeline_takes(template: dict[str, Any]) -> None:
    for name in ("Gamma", "Prod-seven"):
        parameters = bake_of(stages_of(template)[name])["Configuration"]["UserParameters"]
        assert len(parameters) <= 1_000
        assert json.loads(parameters)["execution"] == "#{codepipeline.PipelineExecutionId}"


def test_beta_does_not_bake(template: dict[str, Any]) -> None:
    assert "Bake" not in [each["Name"] for each in stages_of(template)["Beta"]["Actions"]]


def test_one_function_serves_all(template: dict[str, Any]) -> None:
    functions = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.bake.handler"
    ]
    assert [each["FunctionName"] for each in functions] == ["fruit-Bake"]


def allowed(template: dict[str, Any]) -> dict[str, list[Any]]:
    [role] = [
        each
        for each in resources(template, "AWS::IAM::Role")
        if each.get("RoleName") == names.bake_role_name("fruit", "us-west-2")
    ]
    own: dict[str, list[Any]] = {}
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resource = statement["Action"], statement["Resource"]
            for action in actions if isinstance(actions, list) else [actions]:
                own.setdefault(action, []).extend(
                    resource if isinstance(resource, list) else [resource]
                )
    return own


def test_its_role_assumes_the_gate_roles_of_this_pipeline_alone(template: dict[str, Any]) -> None:
    own = allowed(template)
    assert set(own) == {
        "codepipeline:GetPipelineExecution",
        "codepipeline:ListActionExecutions",
        "codepipeline:PutJobFailureResult",
        "codepipeline:PutJobSuccessResult",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "ssm:GetParameter",
        "sts:AssumeRole",
    }
    gates = set(re.findall(r":iam::\d+:role/[\w*-]+", json.dumps(own["sts:AssumeRole"])))
    regions = [*SEVEN, "eu-west-2", "eu-west-3", "eu-north-1"]
    assert gates == {
        f":iam::{account}:role/fruit-{environment}-{region}-gate"
        for environment, account in (("gamma", GAMMA), ("prod", "444444444444"))
        for region in regions
    }


def test_the_gate_roles_trust_it(fruit_api: Synthesized) -> None:
    [bake] = [
        each["RoleName"]
        for each in resources(fruit_api.template, "AWS::IAM::Role")
        if each.get("RoleName", "").endswith("-bake")
    ]
    nested = [
        template for path, template in fruit_api.templates().items() if path.startswith("assembly-")
    ]
    assert len(nested) == 13
    for template in nested:
        [trust] = [
            each["AssumeRolePolicyDocument"]["Statement"][0]
            for each in resources(template, "AWS::IAM::Role")
            if each.get("RoleName", "").endswith("-gate")
        ]
        assert f":iam::111111111111:role/{bake}" in json.dumps(trust["Condition"])


def test_a_stage_whose_bake_is_waived_has_none() -> None:
    stack = tools_stack()
    gamma = gamma_stage(stack, bake=None, waivers={Requirement.GAMMA_MONITORING: TRIAL})
    waves = [wave("one-box", REGIONS[:1]), Wave("rest", REGIONS[1:])]
    last = prod_waves(stack, gamma=gamma, waves=waves, waivers={Requirement.PROD_ROLLBACK: TRIAL})
    stages = stages_of(template_of(pipeline(stack, last_stage=last)))
    baking = [
        name
        for name, stage in stages.items()
        if "Bake" in [action["Name"] for action in stage["Actions"]]
    ]
    assert baking == ["Prod-one-box"]


def test_without_a_bake_there_is_no_function() -> None:
    stack = tools_stack()
    gamma = gamma_stage(stack, bake=None, waivers={Requirement.GAMMA_MONITORING: TRIAL})
    template = template_of(pipeline(stack, last_stage=gamma))
    handlers = [each["Handler"] for each in resources(template, "AWS::Lambda::Function")]
    assert "runtime.bake.handler" not in handlers


def test_cdk_nag_finds_nothing() -> None:
    assert unacknowledged_findings(pipeline()) == []


def test_the_code_runs_as_it_is_deployed(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    pipeline(tools_stack(app))
    app.synth()
    [asset] = [each.parents[1] for each in tmp_path.glob("asset.*/runtime/bake.py")]
    written = Path(runtime.__file__).parent
    files = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    assert files == {f"runtime/{each.name}" for each in written.glob("*.py")}
    modules = ", ".join(f"runtime.{each.stem}" for each in sorted(written.glob("[!_]*.py")))
    program = (
        f"import sys; sys.path.insert(0, {str(asset)!r})\n"
        f"import {modules}\n"
        "print(runtime.bake.handler.__name__, 'boto3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["handler", "False"], done.stderr
