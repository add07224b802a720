"""What every stage that changes gamma or production has, however many regions it has."""

from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import ChangeCalendar, DeploymentEnvironment, DeploymentWindow, Wave
from dpra_constructs.release.stage_condition_problems import problems
from tests.conftest import Synthesized, resources
from tests.pipelines import GAMMA, gamma_stage, pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_validity import declared_in, problems_of

SEVEN = [
    *("us-west-2", "us-east-1", "eu-central-1", "eu-west-1", "ap-south-1", "ap-southeast-2"),
    "eu-north-1",
]
HALF_AN_HOUR = Duration.minutes(30)


def made_of(*regions: list[str], **arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    every = [region for each in regions for region in each]
    gamma = gamma_stage(
        stack, environment=DeploymentEnvironment("gamma", account=GAMMA, regions=every)
    )
    waves = [Wave(f"w{n}", each, bake=HALF_AN_HOUR) for n, each in enumerate(regions)]
    last = prod_waves(stack, gamma=gamma, waves=waves, **arguments)
    return template_of(pipeline(stack, last_stage=last))


@pytest.fixture(
    scope="module", params=["example", "one region", "seven regions", "one and six, with a window"]
)
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "example":
        example: Synthesized = request.getfixturevalue("fruit_api")
        return example.template
    if request.param == "one region":
        return made_of(SEVEN[:1])
    if request.param == "seven regions":
        return made_of(SEVEN)
    return made_of(
        SEVEN[:1],
        SEVEN[1:],
        window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
        calendar=ChangeCalendar(["year-end-freeze"]),
    )


def test_gamma_and_each_wave_end_with_the_bake_and_roll_back_without_waiting(
    template: dict[str, Any],
) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    stages = [s for s in made["Stages"] if s["Name"] == "Gamma" or s["Name"].startswith("Prod-")]
    assert len(stages) >= 2
    for stage in stages:
        orders = {action["Name"]: action["RunOrder"] for action in stage["Actions"]}
        assert [n for n, order in orders.items() if order == max(orders.values())] == ["Bake"]
        assert stage["OnFailure"] == {"Result": "ROLLBACK"}
        assert "BeforeEntry" not in stage
        assert "Approval" not in {action["ActionTypeId"]["Category"] for action in stage["Actions"]}


def test_windows_and_calendars_stand_before_each_wave_and_nowhere_else(
    template: dict[str, Any],
) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    names = [stage["Name"] for stage in made["Stages"]]
    guarded = [stage["Name"] for stage in made["Stages"] if "BeforeEntry" in stage]
    if not guarded:
        assert not [name for name in names if name.startswith("Open-")]
        return
    waves = [name for name in names if name.startswith("Prod-")]
    assert guarded == [names[names.index(wave) - 1] for wave in waves]
    assert guarded[0] == "Approve-Prod"
    for stage in made["Stages"]:
        if stage["Name"] in guarded:
            [condition] = stage["BeforeEntry"]["Conditions"]
            providers = [rule["RuleTypeId"]["Provider"] for rule in condition["Rules"]]
            # The calendar's rule follows the window's, where there is one.
            assert providers in (["DeploymentWindow"], ["DeploymentWindow", "LambdaInvoke"])


def test_codepipeline_takes_the_pipeline(template: dict[str, Any]) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    assert problems(made) == ()
    assert problems_of(declared_in(template)) == ""
