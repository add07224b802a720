"""The benchmark of synth time compares like with like."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from benchmarks.dpra_pipeline import dpra_pipeline
from benchmarks.plain_pipeline import plain_pipeline
from benchmarks.resource_types import differences, resource_types
from benchmarks.synth_time import refuse_differences


def test_both_pipelines_of_the_benchmark_have_as_many_resources_and_actions_of_each_type(
    tmp_path: Path,
) -> None:
    for name, pipeline in (("plain", plain_pipeline), ("dpra", dpra_pipeline)):
        app = App(outdir=str(tmp_path / name))
        pipeline(app, 5)
        app.synth()

    plain, dpra = (resource_types(tmp_path / name) for name in ("plain", "dpra"))

    assert differences(plain, dpra) == []
    assert {"AWS::CodePipeline::Pipeline", "AWS::IAM::Policy", "action of Lambda"} <= dpra.keys()


def test_a_policy_counts_the_same_in_a_role_and_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.template.json").write_text(
        '{"Resources": {"Own": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{}, {}]}},'
        ' "Beside": {"Type": "AWS::IAM::Policy"}}}'
    )

    assert resource_types(tmp_path) == {"AWS::IAM::Role": 1, "AWS::IAM::Policy": 3}


def test_the_benchmark_ends_where_the_resources_differ() -> None:
    results: dict[str, dict[str, Any]] = {
        "plain": {"types": {"AWS::SQS::Queue": 1}},
        "dpra": {"types": {}},
    }

    with pytest.raises(SystemExit) as refused:
        refuse_differences(results)

    assert str(refused.value) == (
        "Not the same resources; change plain_pipeline.py:\n"
        "AWS::SQS::Queue: 1 in plain_pipeline, 0 in dpra_pipeline"
    )
