# mypy: disable-error-code="arg-type"
"""Terraform in the pipeline, and what it has in the application's stacks."""

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk.assertions import Template
from constructs import Construct

from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.monitoring import ExternalHealth
from dpra_constructs.other_deployers import TerraformDeployment
from dpra_constructs.release.runtime.bake import parameters
from dpra_constructs.terraform import TerraformEnvironment
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    template_of,
    tools_stack,
)
from tests.synth.test_bake import bake_of, stages_of

TERRAFORM = TerraformDeployment(
    "infra",
    environment="Network",
    version="1.14.0",
    sha256={"Linux-x86_64": "0" * 64},
    outputs={"API_URL": "api_url"},
    name="Terraform",
)


TARGET = DeploymentTarget(
    pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    environment="gamma",
    account="333333333333",
    region="eu-central-1",
    configuration={},
    is_production=False,
)


class Applied(Stage):
    """An application that Terraform deploys."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        self.stack = Stack(self, "Deployer")
        TerraformEnvironment(self.stack, "Network", target=target)
        ExternalHealth(self.stack, "Health", target=target, settle=Duration.minutes(9))


def made() -> Any:
    stack = tools_stack()
    beta = beta_stage(
        stack,
        build=build_stage(stack, application=Applied),
        deployments=[TERRAFORM],
        integration_tests=[IntegrationTest("make it")],
        acceptance_tests=[AcceptanceTest("make at")],
    )
    return pipeline(stack, last_stage=gamma_stage(stack, beta=beta, deployments=[TERRAFORM]))


@pytest.fixture(scope="module")
def built() -> Any:
    return made()


@pytest.fixture(scope="module")
def template(built: Any) -> dict[str, Any]:
    return template_of(built)


def application_template() -> dict[str, Any]:
    return dict(Template.from_stack(Applied(App(), "A", TARGET).stack).to_json())


def test_the_tests_get_its_outputs(template: dict[str, Any]) -> None:
    actions = {each["Name"]: each for each in stages_of(template)["Beta"]["Actions"]}
    space = actions["Terraform"]["Namespace"]
    variables = json.loads(actions["IntegrationTest"]["Configuration"]["EnvironmentVariables"])
    [given] = [each for each in variables if each["name"] == "API_URL"]
    assert given["value"] == f"#{{{space}.API_URL}}"
    assert actions["Terraform"]["RunOrder"] < actions["IntegrationTest"]["RunOrder"]


def test_each_region_has_an_action_that_runs_before_the_bake(template: dict[str, Any]) -> None:
    actions = stages_of(template)["Gamma"]["Actions"]
    mine = [each for each in actions if each["Name"].endswith(".Terraform")]
    assert len(mine) == 3
    bake = bake_of(stages_of(template)["Gamma"])
    assert all(each["RunOrder"] < bake["RunOrder"] for each in mine)
    assert parameters(bake["Configuration"]["UserParameters"]).settle_minutes == 9


def test_the_role_of_the_environment_trusts_this_action_alone(template: dict[str, Any]) -> None:
    names = [each.get("RoleName") for each in resources(template, "AWS::IAM::Role")]
    assert "fruit-gamma-eu-central-1-Network-apply" in names
    [role] = [
        each
        for each in resources(application_template(), "AWS::IAM::Role")
        if each["RoleName"].endswith("-terraform")
    ]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert ":iam::111111111111:role/fruit-gamma-eu-central-1-Network-apply" in json.dumps(
        statement["Condition"]["ArnEquals"]
    )


def test_the_role_may_use_its_state_alone() -> None:
    policies = resources(application_template(), "AWS::IAM::Policy")
    [policy] = [each for each in policies if "s3:PutObject" in json.dumps(each["PolicyDocument"])]
    allowed = [
        (each["Action"], json.dumps(each["Resource"]))
        for each in policy["PolicyDocument"]["Statement"]
    ]
    assert [actions for actions, _ in allowed] == [
        "s3:ListBucket",
        ["s3:GetObject", "s3:PutObject"],
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    ]
    assert "/terraform.tfstate" in allowed[1][1]
    assert "/terraform.tfstate.tflock" in allowed[2][1]
    assert all("*" not in resource for _, resource in allowed)


def test_the_state_is_private_encrypted_and_kept() -> None:
    found = application_template()["Resources"]
    [bucket] = [each for each in found.values() if each["Type"] == "AWS::S3::Bucket"]
    assert bucket["DeletionPolicy"] == "Retain"
    properties = bucket["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    [policy] = [each for each in found.values() if each["Type"] == "AWS::S3::BucketPolicy"]
    assert "aws:SecureTransport" in json.dumps(policy)


def test_cdk_nag_finds_nothing(built: Any) -> None:
    assert unacknowledged_findings(built) == []


def test_an_environment_that_is_not_there_is_refused() -> None:
    stack = tools_stack()
    beta = beta_stage(stack, deployments=[TERRAFORM])
    with pytest.raises(InvalidArgumentError, match="NetworkStateBucket"):
        pipeline(stack, last_stage=beta)


def test_a_second_health_is_refused() -> None:
    application = Applied(App(), "A", TARGET)
    with pytest.raises(InvalidArgumentError, match="is the health of this target already"):
        ExternalHealth(application.stack, "Other", target=TARGET, settle=Duration.minutes(9))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda stack: TerraformEnvironment(stack, "Network", target="gamma"),
            "target='gamma' is of type str, and DeploymentTarget is needed",
        ),
        (
            lambda stack: ExternalHealth(stack, "H", target="gamma", settle=Duration.minutes(9)),
            "target='gamma' is of type str, and DeploymentTarget is needed",
        ),
    ],
)
def test_what_is_no_target_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make(Stack(App(), "S"))
    assert said in str(raised.value)
