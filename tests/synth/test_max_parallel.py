# mypy: disable-error-code="arg-type"
"""Regions of one stage, some at a time: the next ones after the tests of these, the bake last."""

from collections import defaultdict
from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import DeploymentEnvironment, InvalidArgumentError, Wave
from dpra_constructs.test_actions import IntegrationTest
from tests.conftest import resources
from tests.pipelines import GAMMA, gamma_stage, pipeline, prod_waves, template_of, tools_stack

REGIONS = [*("us-west-2", "us-east-1", "eu-central-1", "eu-west-1"), "eu-north-1"]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = tools_stack()
    gamma = gamma_stage(
        stack,
        environment=DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS),
        max_parallel=2,
        integration_tests=[IntegrationTest("make it"), IntegrationTest("make more", name="More")],
    )
    waves = [Wave("all", REGIONS, bake=Duration.minutes(30), max_parallel=4)]
    return template_of(pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, waves=waves)))


def orders(template: dict[str, Any], stage: str) -> list[set[str]]:
    """Return what runs at once in a stage, group by group."""
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [found] = [each for each in made["Stages"] if each["Name"] == stage]
    at: dict[int, set[str]] = defaultdict(set)
    for action in found["Actions"]:
        at[action["RunOrder"]].add(action["Name"].split("-", 2)[-1])
    assert sorted(at) == list(range(1, len(at) + 1))
    return [at[order] for order in sorted(at)]


def test_the_next_regions_follow_after_the_tests_of_these(template: dict[str, Any]) -> None:
    expected: list[set[str]] = []
    for group in (REGIONS[:2], REGIONS[2:4], REGIONS[4:]):
        expected.append({f"{region}.Api.Prepare" for region in group})
        expected.append({f"{region}.Api.Deploy" for region in group})
        tests = ("IntegrationTest", "More")
        expected.append({f"{region}.{test}" for region in group for test in tests})
    first, *before, last = orders(template, "Gamma")
    assert first == {"Artifacts"}
    assert before == expected
    assert last == {"Bake"}


def test_without_tests_the_next_regions_follow_after_the_deployment(
    template: dict[str, Any],
) -> None:
    assert orders(template, "Prod-all") == [
        # Verify-Artifacts, of which only what follows the second hyphen stands here.
        {"Artifacts"},
        {f"{region}.Api.Prepare" for region in REGIONS[:4]},
        {f"{region}.Api.Deploy" for region in REGIONS[:4]},
        {f"{region}.Api.Prepare" for region in REGIONS[4:]},
        {f"{region}.Api.Deploy" for region in REGIONS[4:]},
        {"Bake"},
    ]


def test_what_makes_the_order_is_no_action(template: dict[str, Any]) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    names = [action["Name"] for stage in made["Stages"] for action in stage["Actions"]]
    assert not [name for name in names if "After" in name]


def test_as_many_as_there_are_is_all_at_once() -> None:
    def structure(max_parallel: int | None) -> Any:
        stack = tools_stack()
        last = gamma_stage(stack, max_parallel=max_parallel)
        return template_of(pipeline(stack, last_stage=last))["Resources"]

    assert structure(3) == structure(None)


def test_a_number_that_cannot_be_is_refused() -> None:
    message = "max_parallel=0 is not a whole number from 1 to 50; write it like max_parallel=50"
    with pytest.raises(InvalidArgumentError) as raised:
        Wave("all", REGIONS, max_parallel=0)
    assert str(raised.value) == f'Wave "all": {message}'
    with pytest.raises(InvalidArgumentError) as raised:
        gamma_stage(tools_stack(), max_parallel=0)
    assert str(raised.value) == f'GammaStage "Gamma": {message}'
