"""What a test of a deployed stack says of where it runs, and with what."""

from typing import Any

import pytest

from dpra_constructs.build_actions import CodeBuildProject, Permission, SecureParameter
from dpra_constructs.test_actions import Cucumber, IntegrationTest, Playwright
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import beta_stage, pipeline, template_of, tools_stack
from tests.synth.test_build_actions import flat

REASON = "Reads the queues that the test itself makes"
TEST = IntegrationTest(
    "make it",
    secrets={"TOKEN": SecureParameter("/acme/token")},
    permissions=[
        Permission(
            actions=["sqs:ReceiveMessage"],
            resources=["arn:{partition}:sqs:{region}:{account}:test-*"],
            reason=REASON,
        )
    ],
    runtime_versions={"python": "3.14"},
    project=CodeBuildProject(compute_type="LARGE"),
)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=beta_stage(stack, integration_tests=[TEST])))


@pytest.fixture
def project(template: dict[str, Any]) -> dict[str, Any]:
    [found] = [
        each
        for each in resources(template, "AWS::CodeBuild::Project")
        if "-Beta-IntegrationTest-" in str(each.get("Name"))
    ]
    return found


def test_it_runs_where_it_says_and_gets_its_secret_as_a_reference(
    project: dict[str, Any],
) -> None:
    assert project["Environment"]["ComputeType"] == "BUILD_GENERAL1_LARGE"
    [secret] = [
        each for each in project["Environment"]["EnvironmentVariables"] if each["Name"] == "TOKEN"
    ]
    assert (secret["Type"], secret["Value"]) == ("PARAMETER_STORE", "/acme/token")
    assert "3.14" in str(project["Source"]["BuildSpec"])


def test_its_role_may_what_it_says(template: dict[str, Any], project: dict[str, Any]) -> None:
    name = project["ServiceRole"]["Fn::GetAtt"][0]
    [policy] = [
        each for each in resources(template, "AWS::IAM::Policy") if {"Ref": name} in each["Roles"]
    ]
    queues = [
        flat(each["Resource"])
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "sqs:ReceiveMessage"
    ]
    assert queues == ["arn:<AWS::Partition>:sqs:us-west-2:111111111111:test-*"]


def test_its_wildcard_is_acknowledged_with_its_reason() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=beta_stage(stack, integration_tests=[TEST]))
    assert unacknowledged_findings(made) == []


def test_typed_tests_run_in_beta() -> None:
    stack = tools_stack()
    outputs = {"API_URL": "ApiUrl"}
    beta = beta_stage(
        stack,
        integration_tests=[Cucumber(name="Rules", outputs=outputs)],
        acceptance_tests=[Playwright(name="Pages", outputs=outputs)],
    )
    [made] = resources(template_of(pipeline(stack, last_stage=beta)), "AWS::CodePipeline::Pipeline")
    [stage] = [each for each in made["Stages"] if each["Name"] == "Beta"]
    names = {action["Name"] for action in stage["Actions"]}
    assert {"Rules", "Pages"} <= names
