"""The bake's function: its code, its role and what it may."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.bake_action import BakeAction
from dpra_constructs.release.bake_function import BakeFunction
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import tools_stack


def action(stage: str, *regions: str, pipeline: str = "fruit") -> BakeAction:
    return BakeAction(
        pipeline=pipeline,
        stage=stage,
        environment="prod",
        account="444444444444",
        regions=regions,
        bake_minutes=60,
        settle_minutes=7,
    )


BAKES = [action("Prod-one-box", "us-west-2"), action("Prod-rest", "us-east-1", "eu-central-1")]


def synthesized() -> tuple[App, dict[str, Any]]:
    app = App()
    stack = tools_stack(app)
    BakeFunction(stack, "Bake", actions=BAKES)
    return app, dict(Template.from_stack(stack).to_json())


def test_the_role_has_the_name_that_gates_trust_and_assumes_these_gates_alone() -> None:
    _, template = synthesized()
    [role] = resources(template, "AWS::IAM::Role")
    assert role["RoleName"] == "fruit-us-west-2-bake"
    [policy] = resources(template, "AWS::IAM::Policy")
    allowed: dict[str, Any] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for each in actions if isinstance(actions, list) else [actions]:
            allowed.setdefault(each, []).append(statement["Resource"])
    assert set(allowed) == {
        "codepipeline:GetPipelineExecution",
        "codepipeline:ListActionExecutions",
        "codepipeline:PutJobFailureResult",
        "codepipeline:PutJobSuccessResult",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sts:AssumeRole",
    }
    gates = str(allowed["sts:AssumeRole"])
    for region in ("us-west-2", "us-east-1", "eu-central-1"):
        assert f":iam::444444444444:role/fruit-prod-{region}-gate" in gates
    assert "*" not in gates


def test_cdk_nag_finds_nothing() -> None:
    app, _ = synthesized()
    assert unacknowledged_findings(app) == []


def test_the_code_runs_as_it_is_deployed(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = tools_stack(app)
    BakeFunction(stack, "Bake", actions=BAKES)
    app.synth()
    [asset] = tmp_path.glob("asset.*")
    files = sorted(path.relative_to(asset).as_posix() for path in asset.rglob("*.py"))
    assert files == sorted(
        f"runtime/{name}.py"
        for name in (
            "__init__",
            "bake",
            "change_calendar",
            "names",
            "roll_back_all",
            "stop_the_line",
        )
    )
    assert [path for path in asset.rglob("*") if path.is_file() and path.suffix != ".py"] == []
    program = (
        f"import sys; sys.path.insert(0, {str(asset)!r})\n"
        "import runtime.bake, runtime.change_calendar, runtime.roll_back_all\n"
        "print(runtime.bake.handler.__name__, 'boto3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["handler", "False"], done.stderr


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([], "actions are of no pipeline, and one pipeline's bakes are needed"),
        (
            [action("Gamma", "us-west-2"), action("Gamma", "us-west-2", pipeline="apple")],
            "actions are of apple, fruit, and one pipeline's bakes are needed",
        ),
        (["Prod"], "actions='Prod' is of type str, and BakeAction is needed"),
    ],
)
def test_wrong_actions_are_refused(actions: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        BakeFunction(tools_stack(), "Bake", actions=actions)
    assert message in str(raised.value)
