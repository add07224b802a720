"""What is unusual, but not wrong, is a warning of the synthesis."""

from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match
from aws_cdk.region_info import Fact

from dpra_constructs import DeploymentEnvironment
from dpra_constructs.pipeline import known_regions
from tests.pipelines import (
    GAMMA,
    UNSIGNED,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    tools_stack,
)


def warnings(**arguments: Any) -> list[str]:
    stack = tools_stack(App())
    regions = arguments.pop("regions", ["us-west-2"])
    environment = DeploymentEnvironment("gamma", account=GAMMA, regions=regions)
    waivers = arguments.pop("build_waivers", UNSIGNED)
    beta = beta_stage(stack, build=build_stage(stack, waivers=waivers))
    gamma = gamma_stage(stack, beta=beta, environment=environment, **arguments)
    pipeline(stack, last_stage=gamma)
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(message.entry.data) for message in found]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": ["xx-north-1"]}, "Region xx-north-1 is unknown to this version of the CDK"),
    ],
)
def test_it_is_a_warning(arguments: dict[str, Any], message: str) -> None:
    [warning] = warnings(**arguments)
    assert warning.startswith(message)


def test_otherwise_there_is_none() -> None:
    assert warnings() == []


def test_the_known_regions_are_those_of_the_cdk() -> None:
    assert frozenset(Fact.regions) == known_regions._KNOWN
