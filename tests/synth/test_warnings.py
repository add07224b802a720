"""What is unusual, but not wrong, is a warning of the synthesis."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match
from aws_cdk.region_info import Fact
from constructs import Construct

from dpra_constructs import DeploymentEnvironment, DeploymentTarget, Requirement
from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.pipeline import known_regions
from dpra_constructs.progressive_deployment import ProgressiveFunction, TrafficShift
from dpra_constructs.test_actions import IntegrationTest
from tests.pipelines import (
    GAMMA,
    UNSIGNED,
    Fruit,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    tools_stack,
)

RECOMMENDED = {
    Requirement.GAMMA_PERFORMANCE: "performance_tests",
    Requirement.GAMMA_RESILIENCE: "resilience_tests",
    Requirement.GAMMA_DAST: "security_tests",
}


def warnings(**arguments: Any) -> list[str]:
    stack = tools_stack(App())
    regions = arguments.pop("regions", ["us-west-2"])
    environment = DeploymentEnvironment("gamma", account=GAMMA, regions=regions)
    waivers = arguments.pop("build_waivers", UNSIGNED)
    beta = beta_stage(stack, build=build_stage(stack, waivers=waivers))
    given = {"waivers": dict.fromkeys(RECOMMENDED, "tests come with users"), **arguments}
    gamma = gamma_stage(stack, beta=beta, environment=environment, **given)
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


class ProgressiveFruit(Fruit):
    """Fruit, with a function of which a part of the callers gets a new version first."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        stack = Stack(self, "Prices")
        ProgressiveFunction(
            stack,
            "Prices",
            target=target,
            shift=TrafficShift.for_target(target, TrafficShift.canary(10, Duration.minutes(5))),
            logs=ApplicationLogs(stack, "Logs", target=target),
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(*_): ..."),
        )


@pytest.mark.parametrize(
    ("application", "waivers", "count"),
    [
        (Fruit, {}, 1),
        (Fruit, {Requirement.PROD_PROGRESSIVE: "the load balancer of the team shifts it"}, 0),
        (ProgressiveFruit, {}, 0),
    ],
)
def test_a_production_that_changes_all_at_once_is_a_warning_unless_it_is_waived(
    application: Any, waivers: dict[Requirement, str], count: int
) -> None:
    stack = tools_stack(App())
    build = build_stage(stack, application=application, waivers=UNSIGNED)
    gamma = gamma_stage(
        stack,
        beta=beta_stage(stack, build=build),
        waivers=dict.fromkeys(RECOMMENDED, "tests come with users"),
    )
    pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, waivers=waivers))
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    said = [str(each.entry.data) for each in found]
    assert len(said) == count
    assert all(
        each.startswith("Nothing of fruit-prod-us-west-2, fruit-prod-us-east-1, ")
        and "waive DPRA-PROD-PROGRESSIVE in ProdWaves" in each
        for each in said
    )


@pytest.mark.parametrize("absent", RECOMMENDED)
def test_tests_that_are_recommended_and_absent_are_warned_of(absent: Requirement) -> None:
    waivers = {each: "tests come with users" for each in RECOMMENDED if each is not absent}
    [warning] = warnings(waivers=waivers)
    assert warning.startswith(
        f'GammaStage "Gamma": there are no {RECOMMENDED[absent]}, which the DPRA recommends: '
        f"{absent.why} Give some, or waive {absent.value} with a reason."
    )
    assert warning.endswith(f"[ack: dpra-constructs:{absent.value}]")


def test_no_test_that_is_there_is_warned_of() -> None:
    tests = {
        argument: [IntegrationTest("make it", name=argument.replace("_", "-"))]
        for argument in ("performance_tests", "resilience_tests", "security_tests")
    }
    assert warnings(waivers={}, **tests) == []


def test_otherwise_there_is_none() -> None:
    assert warnings() == []


def test_the_known_regions_are_those_of_the_cdk() -> None:
    assert frozenset(Fact.regions) == known_regions._KNOWN
