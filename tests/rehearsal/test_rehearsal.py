"""A whole rehearsal: the real CDK CLI against the emulator."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal import rehearse
from dpra_constructs.rehearsal.assembly import Place, read_assembly
from tests.conftest import Synthesized
from tests.pipelines import pipeline, tools_stack


def test_the_assembly_of_the_example_is_read(fruit_api: Synthesized) -> None:
    assembly = read_assembly(fruit_api.folder)
    [stack] = assembly.pipeline_stacks
    assert stack.id == "FruitApiPipeline"
    assert stack.pipelines == ("fruit-api",)
    assert stack.place == Place("111111111111", "us-west-2")
    assert len(assembly.places) == 19
    assert assembly.tools_accounts == {"111111111111"}


@pytest.mark.parametrize(
    ("artifacts", "message"),
    [
        ({}, "has no stack with a pipeline"),
        (
            {"A": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/x"}},
            "stack A is for aws://unknown-account/x; give it a concrete account and region",
        ),
    ],
)
def test_an_assembly_that_cannot_be_rehearsed(
    tmp_path: Path, artifacts: dict[str, Any], message: str
) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    with pytest.raises(RehearsalError, match=message):
        read_assembly(tmp_path)


def test_a_pipeline_is_deployed_and_read_back(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "cdk.out"))
    pipeline(tools_stack(app))
    app.synth()
    steps: list[str] = []
    result = rehearse(folder=tmp_path, assembly=tmp_path / "cdk.out", progress=steps.append)
    [deployed] = result.pipelines
    assert (deployed.name, deployed.type, deployed.execution_mode) == ("fruit", "V2", "SUPERSEDED")
    places = {
        (action.stage, action.account, action.region)
        for action in deployed.actions
        if action.provider == "CloudFormation"
    }
    regions = ["us-west-2", "us-east-1", "eu-central-1"]
    assert places == {
        ("Beta", "222222222222", "us-west-2"),
        *(("Gamma", "333333333333", region) for region in regions),
        ("Prod-one-box", "444444444444", "us-west-2"),
        *(("Prod-rest", "444444444444", region) for region in regions[1:]),
    }
    assert steps == list(result.seconds)


def test_a_stack_that_cannot_be_deployed_fails_the_rehearsal(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "cdk.out"))
    pipeline(tools_stack(app))
    app.synth()
    path = tmp_path / "cdk.out" / "Pipelines.template.json"
    template = json.loads(path.read_text())
    template["Resources"]["Odd"] = {"Type": "AWS::Odd::Thing"}
    path.write_text(json.dumps(template))
    with pytest.raises(RehearsalError, match="AWS::Odd::Thing"):
        rehearse(folder=tmp_path, assembly=tmp_path / "cdk.out")
