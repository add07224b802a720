"""The templates are valid: no finding of cfn-lint that plain CDK Pipelines does not have."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App, CfnResource, Stack
from botocore.validate import ParamValidator

from dpra_constructs.rehearsal.emulator.codepipeline.declaration import declaration
from tests.conftest import (
    Synthesized,
    cfn_lint_rules,
    invalid_templates,
    resources,
    validate_templates,
)


def test_cfn_lint_finds_nothing_that_plain_cdk_pipelines_does_not_have(
    fruit_api: Synthesized, plain_cfn_lint_rules: set[str]
) -> None:
    assert cfn_lint_rules(fruit_api.folder) <= plain_cfn_lint_rules


def test_the_validation_of_the_cdk_finds_nothing(fruit_api: Synthesized) -> None:
    assert invalid_templates(fruit_api.folder) == []


def test_the_validation_of_the_cdk_would_find_a_property_that_there_is_not(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    validate_templates(app)
    CfnResource(Stack(app, "S"), "Q", type="AWS::SQS::Queue", properties={"Nope": 1})
    app.synth()
    assert [each["ruleName"] for each in invalid_templates(tmp_path)] == ["F3002"]


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
