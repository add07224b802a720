"""Monitors outside CloudWatch in a bake, as they stand in the template."""

import json
from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import InvalidArgumentError, Requirement, Wave
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.release.health_sources import DatadogMonitor, DynatraceProblems, HttpHealth
from dpra_constructs.release.runtime.bake import parameters
from dpra_constructs.release.runtime.health_sources import VARIABLE, sources_of
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import REGIONS, gamma_stage, pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_bake import allowed, bake_of, stages_of

DATADOG = DatadogMonitor(
    42,
    api_key=SecretsManagerSecret("acme/datadog", json_key="api"),
    application_key=SecretsManagerSecret("acme/datadog", json_key="app"),
    settle=Duration.minutes(11),
)
DYNATRACE = DynatraceProblems(
    "https://abc12345.live.dynatrace.com",
    api_token=SecretsManagerSecret("acme/dynatrace"),
    entity_selector='tag("app:fruit")',
)


def made(**arguments: Any) -> Any:
    stack = tools_stack()
    gamma = gamma_stage(stack, health_sources=[DATADOG])
    waves = [
        Wave("one-box", REGIONS[:1], bake=Duration.minutes(30), health_sources=[DYNATRACE]),
        Wave("rest", REGIONS[1:], bake=Duration.minutes(30)),
    ]
    return pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, waves=waves), **arguments)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made())


def test_the_function_is_told_of_each_stages_sources_and_of_no_secret(
    template: dict[str, Any],
) -> None:
    [function] = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.bake.handler"
    ]
    told = function["Environment"]["Variables"][VARIABLE]
    assert [each["name"] for each in sources_of(told, "Gamma")] == ["DatadogMonitor"]
    assert [each["name"] for each in sources_of(told, "Prod-one-box")] == ["DynatraceProblems"]
    assert sources_of(told, "Prod-rest") == ()


def test_the_bake_takes_as_long_to_settle_as_the_source(template: dict[str, Any]) -> None:
    settles = {
        name: parameters(
            bake_of(stages_of(template)[name])["Configuration"]["UserParameters"]
        ).settle_minutes
        for name in ("Gamma", "Prod-one-box", "Prod-rest")
    }
    assert settles == {"Gamma": 11, "Prod-one-box": 5, "Prod-rest": 5}


def test_the_role_reads_these_secrets_alone(template: dict[str, Any]) -> None:
    own = json.dumps(allowed(template)["secretsmanager:GetSecretValue"])
    assert own.count(":secretsmanager:") == 2
    assert ":secret:acme/datadog-??????" in own
    assert ":secret:acme/dynatrace-??????" in own


def test_the_outline_names_them_and_the_structure_does_not() -> None:
    with_sources = made()
    assert "Bake for 15 minutes, watches DatadogMonitor" in str(with_sources.plan)
    without = stages_of(template_of(pipeline()))
    assert bake_of(stages_of(template_of(with_sources))["Prod-rest"]) == bake_of(
        without["Prod-rest"]
    )


def test_cdk_nag_finds_nothing() -> None:
    assert unacknowledged_findings(made()) == []


def test_more_than_a_function_can_be_told_is_refused() -> None:
    stack = tools_stack()
    sources = [
        HttpHealth(
            f"https://acme.example/{'x' * 800}", token=SecretsManagerSecret("h"), name=f"H{n}"
        )
        for n in range(6)
    ]
    gamma = gamma_stage(stack, health_sources=sources)
    with pytest.raises(InvalidArgumentError, match="and a function's variable takes 4000; name"):
        pipeline(stack, last_stage=gamma)


def test_sources_without_a_bake_are_refused() -> None:
    waived = {Requirement.GAMMA_MONITORING: "a trial, in which nobody is affected"}
    with pytest.raises(InvalidArgumentError, match="are read by a bake, and there is none"):
        gamma_stage(tools_stack(), bake=None, waivers=waived, health_sources=[DATADOG])
