"""What is read of the build stage of real CDK pipelines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from click.testing import Result

from benchmarks.plain_pipeline import plain_pipeline
from dpra_constructs.cloud_assembly import AssembledStack
from dpra_constructs.local_run.action_run import read_buildspec
from dpra_constructs.local_run.build_stage import read_build_stage
from dpra_constructs.local_run.template_values import TemplateValues, UnknownValueError
from tests.conftest import Synthesized, resources
from tests.local_run.stages import action, git, stage

Run = Callable[..., Result]


def test_the_commands_are_byte_for_byte_those_of_the_buildspec(fruit_api: Synthesized) -> None:
    view = read_build_stage(fruit_api.folder)
    projects = {
        each.get("Name"): each for each in resources(fruit_api.template, "AWS::CodeBuild::Project")
    }
    assert [each.name for each in view.actions if each.provider == "CodeBuild"] == [
        *("SourceLayout", "CodeQuality", "Package", "Sast", "Sca", "Secrets", "UnitTests"),
        *("Sbom", "Synth", "Seal"),
    ]
    assert view.app_directory == "."
    for each in view.actions:
        phases = json.loads(projects[each.project]["Source"]["BuildSpec"])["phases"]
        read = read_buildspec(each, fruit_api.folder).phases
        assert {name: list(phase.commands) for name, phase in read.items()} == {
            name: phase.get("commands", []) for name, phase in phases.items()
        }


def test_actions_keep_no_evidence_on_a_workstation(fruit_api: Synthesized) -> None:
    view = read_build_stage(fruit_api.folder)
    told = {action.name for action in view.actions if "DPRA_EXECUTION" in action.variables}
    assert {"UnitTests", "Secrets"} <= told
    for each in view.actions:
        assert "DPRA_EVIDENCE" not in {*each.variables, *each.unknown_variables}, each.name


def test_the_shell_gets_commands_byte_for_byte(run_dpra: Run, fruit: Path, tmp_path: Path) -> None:
    odd = "cat <<'END'\n  \"$HOME\" `x` \\\\ \t ä\nEND"
    assembly = stage(
        tmp_path / "cdk.out", action("A", odd, f"cat >{tmp_path}/out <<'END'\n{odd[:-4]}\nEND")
    )
    log = tmp_path / "logs"
    result = run_dpra("build", "--assembly", str(assembly), "--log-folder", str(log))
    assert result.exit_code == 0, result.output
    lines = (log / "A.log").read_text().splitlines()
    said = [line.split(" ", 3)[3] for line in lines if line.startswith("[Container] ")]
    assert f"Running command {odd}\n" in "\n".join(said)
    assert (tmp_path / "out").read_text() == odd[:-3]


def test_a_pipeline_of_plain_cdk_pipelines_is_read(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "cdk.out"))
    plain_pipeline(app, 3)
    app.synth()
    view = read_build_stage(tmp_path / "cdk.out")
    assert (view.pipeline, view.stage, view.region) == ("fruit", "Build", "us-west-2")
    assert [(each.run_order, each.name, each.problem) for each in view.actions] == [
        (1, "SourceLayout", ""),
        (2, "CodeQuality", ""),
        (2, "Package", ""),
        (2, "UnitTests", ""),
        (3, "Synth", ""),
        (4, "Seal", ""),
    ]
    [synth] = [each for each in view.actions if each.name == "Synth"]
    assert synth.inputs == ("acme_fruit_Source", "Package_dist")
    commands = read_buildspec(synth, tmp_path).phases["build"].commands
    assert commands == ("cdk synth",)


TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Size": {"Type": "Number", "Default": 3},
        "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/image"},
    },
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "fruit"}},
        "Named": {"Type": "AWS::CodeBuild::ReportGroup", "Properties": {"Name": "unit"}},
        "Unnamed": {"Type": "AWS::CodeBuild::ReportGroup", "Properties": {}},
        "Topic": {"Type": "AWS::SNS::Topic"},
    },
}


def values(region: str = "us-west-2") -> TemplateValues:
    stack = AssembledStack(
        path="Pipeline",
        name="pipeline",
        environment="",
        account="111111111111",
        region=region,
        template_file=Path("x"),
    )
    return TemplateValues(stack, TEMPLATE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (True, "true"),
        (3, "3"),
        ({"Ref": "AWS::Region"}, "us-west-2"),
        ({"Ref": "AWS::StackName"}, "pipeline"),
        ({"Ref": "Size"}, "3"),
        ({"Ref": "Bucket"}, "fruit"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::AccountId"}]]}, "a-111111111111"),
        ({"Fn::Sub": "${AWS::Partition}:${!x}:${Bucket}"}, "aws:${x}:fruit"),
        ({"Fn::Sub": ["${A}.${AWS::URLSuffix}", {"A": "x"}]}, "x.amazonaws.com"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        (
            {"Fn::GetAtt": ["Named", "Arn"]},
            "arn:aws:codebuild:us-west-2:111111111111:report-group/unit",
        ),
        ({"Ref": "Unnamed"}, "arn:aws:codebuild:us-west-2:111111111111:report-group/Unnamed"),
    ],
)
def test_values_that_are_known_without_aws(value: object, text: str) -> None:
    assert values().text(value) == text


def test_the_partition_is_that_of_the_region() -> None:
    assert values("cn-north-1").text({"Ref": "AWS::Partition"}) == "aws-cn"
    assert values("us-gov-west-1").text({"Ref": "AWS::Partition"}) == "aws-us-gov"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Topic"}, "Ref Topic is only known in AWS"),
        ({"Ref": "Image"}, "the parameter Image of stack pipeline is no value"),
        ({"Fn::GetAtt": ["Topic", "Arn"]}, "Fn::GetAtt Topic.Arn is only known in AWS"),
        ({"Fn::Sub": "${Topic.Arn}"}, "Fn::GetAtt Topic.Arn is only known in AWS"),
        ({"Fn::ImportValue": "x"}, '{"Fn::ImportValue": "x"} is only known in AWS'),
    ],
)
def test_values_that_are_only_known_in_aws(value: object, message: str) -> None:
    with pytest.raises(UnknownValueError) as raised:
        values().text(value)
    assert str(raised.value) == message


APP = """
import os
from aws_cdk import App, Stack
from aws_cdk import aws_codebuild as codebuild, aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions, aws_codecommit as codecommit
open(os.environ["SYNTHS"], "a").write("synth\\n")
app = App()
stack = Stack(app, "Pipeline")
source, text = codepipeline.Artifact(), "required" if stack.bundling_required else "not required"
repository = codecommit.Repository.from_repository_name(stack, "Repository", "fruit")
project = codebuild.PipelineProject(stack, "Project", build_spec=codebuild.BuildSpec.from_object(
    {"version": "0.2", "phases": {"build": {"commands": [f"echo bundling is {text}"]}}}))
codepipeline.Pipeline(stack, "Fruit", pipeline_name="fruit", stages=[
    codepipeline.StageProps(stage_name="Source", actions=[actions.CodeCommitSourceAction(
        action_name="Source", repository=repository, output=source, branch="main")]),
    codepipeline.StageProps(stage_name="Build", actions=[actions.CodeBuildAction(
        action_name="Only", project=project, input=source)])])
app.synth()
"""


def test_the_app_is_synthesized_when_it_changed_and_without_bundling(
    run_dpra: Run, fruit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synths = tmp_path / "synths"
    monkeypatch.setenv("SYNTHS", str(synths))
    (fruit / "app.py").write_text(APP)
    (fruit / "cdk.json").write_text('{"app": "python3 app.py"}')
    git(fruit, "add", "--all")
    git(fruit, "commit", "--quiet", "--message", "App")
    logs = tmp_path / "logs"
    result = run_dpra("build", "--log-folder", str(logs))
    assert result.exit_code == 0, result.output
    assert "bundling is not required\n" in (logs / "Only.log").read_text()
    assert git(fruit, "status", "--porcelain", "--ignored") == ""
    run_dpra("build", "--list")
    assert synths.read_text().splitlines() == ["synth"]
    (fruit / "name.txt").write_text("pear\n")
    run_dpra("build", "--list")
    assert synths.read_text().splitlines() == ["synth"] * 2
    run_dpra("build", "--list", "--synth")
    assert synths.read_text().splitlines() == ["synth"] * 3


def test_an_app_that_fails_exits_with_2(run_dpra: Run, fruit: Path) -> None:
    (fruit / "cdk.json").write_text('{"app": "echo this app is broken && exit 3"}')
    result = run_dpra("build")
    assert result.exit_code == 2
    assert "this app is broken" in result.output
