"""Deploying an app's pipeline to the emulator, by the real CDK CLI."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from dpra_constructs.errors import DpraError, RehearsalError
from dpra_constructs.rehearsal.assembly import Assembly, PipelineStack, Place, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap_commands
from dpra_constructs.rehearsal.following import Silent
from dpra_constructs.rehearsal.output_folder import OutputFolder
from dpra_constructs.rehearsal.rehearsal import (
    Stopwatch,
    choose_pipeline,
    deployed,
    from_saved_state,
)
from tests.conftest import Synthesized
from tests.pipelines import pipeline, tools_stack

TOOLS = Place("111111111111", "us-west-2")
PROD = [Place("444444444444", "eu-central-1"), Place("444444444444", "us-east-1")]


def test_the_assembly_of_the_example_is_read(fruit_api: Synthesized) -> None:
    assembly = read_assembly(fruit_api.folder)
    [stack] = assembly.pipeline_stacks
    assert stack.id == "FruitApiPipeline"
    assert stack.pipelines == ("fruit-api",)
    assert stack.place == TOOLS
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


def app(*pipelines: str) -> Assembly:
    return Assembly(
        folder=Path("cdk.out"),
        pipeline_stacks=tuple(
            PipelineStack(id=f"Stack-{name}", place=TOOLS, pipelines=(name,)) for name in pipelines
        ),
        places=(TOOLS, *PROD),
    )


def test_the_one_pipeline_of_an_app_needs_no_name() -> None:
    assert choose_pipeline(app("fruit"), None)[1] == "fruit"


def test_one_of_several_pipelines_is_chosen_by_its_name() -> None:
    stack, name = choose_pipeline(app("fruit", "vegetables"), "vegetables")
    assert (stack.id, name) == ("Stack-vegetables", "vegetables")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, r"has 2 pipelines with a name \(fruit, vegetables\); name one with --pipeline"),
        ("nuts", "the app has no pipeline nuts; it has: fruit, vegetables"),
    ],
)
def test_a_pipeline_that_is_not_clear(name: str | None, message: str) -> None:
    with pytest.raises(RehearsalError, match=message):
        choose_pipeline(app("fruit", "vegetables"), name)


def test_bootstrap_commands_name_every_place_and_trust_the_tools_account() -> None:
    assert list(bootstrap_commands(app("fruit"), "arn:aws:iam::aws:policy/PowerUserAccess")) == [
        "# with credentials of account 111111111111",
        "cdk bootstrap aws://111111111111/us-west-2 "
        "--cloudformation-execution-policies arn:aws:iam::aws:policy/PowerUserAccess",
        "# with credentials of account 444444444444",
        "cdk bootstrap aws://444444444444/eu-central-1 aws://444444444444/us-east-1 "
        "--trust 111111111111 "
        "--cloudformation-execution-policies arn:aws:iam::aws:policy/PowerUserAccess",
    ]


def synthesized(folder: Path) -> Path:
    made = App(outdir=str(folder / "cdk.out"))
    pipeline(tools_stack(made))
    made.synth()
    (folder / "app").mkdir()
    (folder / "app/cdk.json").write_text("{}")
    return folder / "cdk.out"


class Steps(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.notes: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.rehearsal
def test_a_pipeline_is_deployed_and_read_back(tmp_path: Path) -> None:
    watcher = Steps()
    stopwatch = Stopwatch(watcher=watcher)
    opened = deployed(
        folder=tmp_path / "app",
        assembly=synthesized(tmp_path),
        output=OutputFolder(tmp_path / "out"),
        watcher=watcher,
        stopwatch=stopwatch,
    )
    with opened as emulation:
        view = emulation.view()
        sources = emulation.settings.sources
    assert (view.name, view.type, view.execution_mode) == ("fruit", "V2", "SUPERSEDED")
    places = {
        (action.stage, action.account, action.region)
        for action in view.actions
        if action.provider == "CloudFormation"
    }
    regions = ["us-west-2", "us-east-1", "eu-central-1"]
    assert places == {
        ("Beta", "222222222222", "us-west-2"),
        *(("Gamma", "333333333333", region) for region in regions),
        ("Prod-one-box", "444444444444", "us-west-2"),
        *(("Prod-rest", "444444444444", region) for region in regions[1:]),
    }
    assert list(sources) == ["acme/fruit-api"]
    assert watcher.steps == [
        "Read the commit",
        "Bootstrap 10 accounts and regions",
        "Deploy Pipelines",
    ]
    assert watcher.notes == [
        "the folder is in no git repository, so all of its files are the commit",
        "bakes pass 600 times as fast as in AWS",
    ]
    assert (tmp_path / "out/.gitignore").read_text() == "*\n"


@pytest.mark.rehearsal
def test_a_stack_that_cannot_be_deployed_fails_the_rehearsal(tmp_path: Path) -> None:
    assembly = synthesized(tmp_path)
    path = assembly / "Pipelines.template.json"
    template = json.loads(path.read_text())
    template["Resources"]["Odd"] = {"Type": "AWS::Odd::Thing"}
    path.write_text(json.dumps(template))
    watcher = Steps()
    opened = deployed(
        folder=tmp_path / "app",
        assembly=assembly,
        output=OutputFolder(tmp_path / "out"),
        watcher=watcher,
        stopwatch=Stopwatch(watcher=watcher),
    )
    with pytest.raises(DpraError, match="AWS::Odd::Thing"), opened:
        pass


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RehearsalError, match="was not made by a rehearsal, so it is left alone"):
        OutputFolder(tmp_path).make()
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_stage_without_a_saved_state(tmp_path: Path) -> None:
    watcher = Steps()
    opened = from_saved_state(OutputFolder(tmp_path), "Beta", watcher, Stopwatch(watcher=watcher))
    message = r"no saved state in front of stage Beta in .* \(there is: none\); rehearse without"
    with pytest.raises(RehearsalError, match=message), opened:
        pass
