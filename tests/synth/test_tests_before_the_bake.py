"""The tests of gamma and of the waves: where they stand, and what they do in a rollback."""

import json
from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import DeploymentPipeline, InvalidArgumentError
from dpra_constructs.test_actions import (
    AcceptanceTest,
    DeployedTest,
    IntegrationTest,
    Locust,
    ZapBaseline,
)
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import REGIONS, gamma_stage, pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_build_actions import flat

LOAD = Locust(
    "load.py", users=5, run_time=Duration.minutes(1), outputs={"LOCUST_HOST": "Api.ApiUrl"}
)
SCAN = ZapBaseline(
    "SITE", outputs={"SITE": "ApiUrl"}, version="2.16.1", sha256={"*": "0" * 64}, name="Scan"
)
SMOKE = IntegrationTest("make smoke", name="Smoke", run_on_rollback=True)


def made_pipeline() -> DeploymentPipeline:
    stack = tools_stack()
    gamma = gamma_stage(
        stack,
        performance_tests=[LOAD],
        security_tests=[SCAN],
        integration_tests=[IntegrationTest("make it")],
        acceptance_tests=[AcceptanceTest("make at")],
        resilience_tests=[DeployedTest("make chaos", name="Chaos")],
    )
    return pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, tests=[SMOKE]))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made_pipeline())


def actions(template: dict[str, Any], stage: str) -> list[dict[str, Any]]:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [found] = [each for each in made["Stages"] if each["Name"] == stage]
    return list(found["Actions"])


def project(template: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [
        each for each in resources(template, "AWS::CodeBuild::Project") if each.get("Name") == name
    ]
    return found


@pytest.mark.parametrize(
    ("stage", "regions", "names"),
    [
        (
            "Gamma",
            REGIONS,
            {"LoadTest", "Scan", "IntegrationTest", "AcceptanceTest", "Chaos"},
        ),
        ("Prod-one-box", REGIONS[:1], {"Smoke"}),
        ("Prod-rest", REGIONS[1:], {"Smoke"}),
    ],
)
def test_each_runs_in_each_region_at_once_between_deployment_and_bake(
    template: dict[str, Any], stage: str, regions: list[str], names: set[str]
) -> None:
    orders: dict[str, set[int]] = {}
    found = []
    for action in actions(template, stage):
        provider = action["ActionTypeId"]["Provider"]
        orders.setdefault(provider, set()).add(action["RunOrder"])
        if provider == "CodeBuild":
            found.append(action["Name"].rpartition(".")[2])
    assert orders == {"CloudFormation": {2, 3}, "CodeBuild": {4}, "Lambda": {1, 5}}
    assert sorted(found) == sorted(name for name in names for _ in regions)


def test_each_gets_the_output_of_its_own_region(template: dict[str, Any]) -> None:
    hosts = {
        variable["value"]
        for action in actions(template, "Gamma")
        if action["Name"].endswith("LoadTest")
        for variable in json.loads(action["Configuration"]["EnvironmentVariables"])
        if variable["name"] == "LOCUST_HOST"
    }
    assert len(hosts) == len(REGIONS)
    assert all(host.startswith("#{") and host.endswith(".ApiUrl}") for host in hosts)


def test_a_test_asks_whether_it_is_a_rollback_and_may_read_that_alone(
    template: dict[str, Any],
) -> None:
    made = project(template, "fruit-Gamma-IntegrationTest-us-east-1")
    phases = json.loads(made["Source"]["BuildSpec"])["phases"]
    assert "get-pipeline-execution --pipeline-name fruit " in phases["install"]["commands"][0]
    assert phases["build"]["commands"] == ['if [ -z "${DPRA_ROLLBACK:-}" ]; then\nmake it\nfi']
    [variable] = [
        variable
        for action in actions(template, "Gamma")
        if action["Name"].endswith("us-east-1.IntegrationTest")
        for variable in json.loads(action["Configuration"]["EnvironmentVariables"])
    ]
    assert variable["value"] == "#{codepipeline.PipelineExecutionId}"
    role = made["ServiceRole"]["Fn::GetAtt"][0]
    [policy] = [
        each for each in resources(template, "AWS::IAM::Policy") if {"Ref": role} in each["Roles"]
    ]
    asked = [
        (statement["Action"], flat(statement["Resource"]))
        for statement in policy["PolicyDocument"]["Statement"]
        if "codepipeline:" in str(statement["Action"])
    ]
    assert asked == [
        (
            "codepipeline:GetPipelineExecution",
            "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit",
        )
    ]


def test_one_that_runs_in_a_rollback_does_not_ask(template: dict[str, Any]) -> None:
    made = project(template, "fruit-Prod-one-box-Smoke-us-west-2")
    assert json.loads(made["Source"]["BuildSpec"])["phases"] == {
        "build": {"commands": ["make smoke"]}
    }
    [action] = [
        each for each in actions(template, "Prod-one-box") if each["Name"].endswith("Smoke")
    ]
    assert "EnvironmentVariables" not in action["Configuration"]


def test_nothing_of_it_is_left_open_for_cdk_nag() -> None:
    assert unacknowledged_findings(made_pipeline()) == []


def test_the_plan_shows_them() -> None:
    lines = str(made_pipeline().plan).splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith("Gamma ")]
    assert lines[start + 1 : start + 9] == [
        "  1 Verify-Artifacts",
        "  2 deploy fruit-gamma-us-west-2 to 333333333333/us-west-2",
        *(
            f"  3 {name} in us-west-2"
            for name in ("LoadTest", "Chaos", "Scan", "IntegrationTest", "AcceptanceTest")
        ),
        "  2 deploy fruit-gamma-us-east-1 to 333333333333/us-east-1",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"performance_tests": "locust"},
            "GammaStage \"Gamma\": performance_tests='locust' is no sequence; write it as a list: "
            "performance_tests=[...]",
        ),
        ({"security_tests": [5]}, "security_tests=5 is of type int, and DeployedTest is needed"),
        ({"resilience_tests": [5]}, "resilience_tests=5 is of type int"),
        (
            {"integration_tests": [AcceptanceTest("make")]},
            "and IntegrationTest is needed; write it like",
        ),
        (
            {"acceptance_tests": [IntegrationTest("make")]},
            "and AcceptanceTest is needed; write it like",
        ),
        (
            {
                "performance_tests": [LOAD],
                "security_tests": [DeployedTest("make", name="LoadTest")],
            },
            "the names of tests has LoadTest more than once; keep one of each",
        ),
    ],
)
def test_what_gamma_refuses(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        gamma_stage(tools_stack(), **given)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("smoke", "ProdWaves \"Prod\": tests='smoke' is no sequence"),
        ([5], "tests=5 is of type int, and DeployedTest is needed"),
        ([SMOKE, SMOKE], "the names of tests has Smoke more than once"),
    ],
)
def test_what_the_waves_refuse(given: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        prod_waves(tools_stack(), tests=given)
    assert message in str(raised.value)


def test_an_output_that_gamma_has_not_is_named() -> None:
    stack = tools_stack()
    gamma = gamma_stage(
        stack, performance_tests=[IntegrationTest("make", outputs={"URL": "Nowhere"})]
    )
    with pytest.raises(InvalidArgumentError, match="'Nowhere' is no CfnOutput of fruit-gamma-us-w"):
        pipeline(stack, last_stage=gamma)
