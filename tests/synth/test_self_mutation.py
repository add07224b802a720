"""The pipeline updates itself: guarded, unguarded, or not at all."""

import json
from typing import Any

from dpra_constructs import SelfMutation
from tests.conftest import Synthesized, resources
from tests.pipelines import beta_stage, pipeline, template_of, tools_stack


def buildspec(template: dict[str, Any]) -> str:
    [project] = [
        each
        for each in resources(template, "AWS::CodeBuild::Project")
        if "cdk -a" in str(each["Source"]["BuildSpec"])
    ]
    return json.dumps(project["Source"]["BuildSpec"])


def test_the_guard_runs_before_the_update(fruit_api: Synthesized) -> None:
    spec = buildspec(fruit_api.template)
    assert spec.index("releases_under_way") < spec.index("cdk -a")
    waves = ("Prod-one-box", "Open-second", "Prod-second", "Open-rest", "Prod-rest")
    assert " ".join(f"--wave={wave}" for wave in waves) in spec
    assert "--approval=Approve-Prod" in spec
    assert "--template=FruitApiPipeline.template.json" in spec


def test_the_guard_may_read_its_pipeline_and_stack_and_nothing_else(
    fruit_api: Synthesized,
) -> None:
    [actions] = [
        statement["Action"]
        for policy in resources(fruit_api.template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "codepipeline:GetPipelineState" in statement["Action"]
    ]
    assert sorted(actions) == [
        "codepipeline:GetPipelineExecution",
        "codepipeline:GetPipelineState",
    ]


def test_unguarded_updates_at_once() -> None:
    spec = buildspec(template_of(pipeline(self_mutation=SelfMutation.UNGUARDED)))
    assert "releases_under_way" not in spec


def test_without_production_there_is_nothing_to_guard() -> None:
    stack = tools_stack()
    spec = buildspec(template_of(pipeline(stack, last_stage=beta_stage(stack))))
    assert "releases_under_way" not in spec


def test_off_has_no_stage_for_it() -> None:
    template = template_of(pipeline(self_mutation=SelfMutation.OFF))
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    assert "UpdatePipeline" not in [stage["Name"] for stage in made["Stages"]]
