"""The templates are valid: no finding of cfn-lint that plain CDK Pipelines does not have."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App
from botocore.validate import ParamValidator

from benchmarks.plain_pipeline import plain_pipeline
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import declaration
from tests.conftest import Synthesized, resources


def findings(templates: list[Path]) -> set[tuple[str, str]]:
    from cfnlint.api import lint_file

    return {(match.rule.id, match.message) for path in templates for match in lint_file(path)}


def test_cfn_lint_finds_nothing_that_plain_cdk_pipelines_does_not_have(
    fruit_api: Synthesized, tmp_path: Path
) -> None:
    app = App(outdir=str(tmp_path / "cdk.out"))
    plain_pipeline(app, 9)
    app.synth()
    templates = list(fruit_api.folder.rglob("*.template.json"))
    ours = {rule for rule, _ in findings(templates)}
    plain = {rule for rule, _ in findings(list((tmp_path / "cdk.out").rglob("*.template.json")))}
    assert ours <= plain


@pytest.fixture
def declared(fruit_api: Synthesized) -> dict[str, Any]:
    return declared_in(fruit_api.template)


def declared_in(template: dict[str, Any]) -> dict[str, Any]:
    """Return the pipeline of a template as the service takes it."""
    [properties] = resources(template, "AWS::CodePipeline::Pipeline")

    def resolved(value: Any) -> Any:
        match value:
            case {"Ref": name}:
                return str(name)
            case {"Fn::GetAtt": [name, *_]}:
                return f"arn:aws:iam::111111111111:role/{name}"
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(map(str, map(resolved, parts)))
            case dict():
                return {name: resolved(each) for name, each in value.items()}
            case list():
                return [resolved(each) for each in value]
            case _:
                return value

    return declaration({"name": "fruit-api", "version": 1, "properties": resolved(properties)})


def problems_of(declared: dict[str, Any]) -> str:
    """Return what the model of CreatePipeline does not take."""
    client = boto3.client(
        "codepipeline",
        region_name="us-west-2",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    shape = client.meta.service_model.operation_model("CreatePipeline").input_shape
    assert shape
    report = ParamValidator().validate({"pipeline": declared}, shape)
    return str(report.generate_report())


def test_the_pipeline_is_one_that_the_service_model_knows(declared: dict[str, Any]) -> None:
    assert problems_of(declared) == ""


def test_no_action_configuration_is_longer_than_the_service_takes(
    declared: dict[str, Any],
) -> None:
    for stage in declared["stages"]:
        for action in stage["actions"]:
            for name, value in action["configuration"].items():
                assert len(value) <= 1000, (stage["name"], action["name"], name)
