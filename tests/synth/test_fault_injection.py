"""An experiment of AWS FIS in a target, and the action that starts it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from constructs import Construct

from dpra_constructs import DeploymentPipeline, DeploymentTarget, InvalidArgumentError
from dpra_constructs.monitoring import DeploymentHealth
from dpra_constructs.resilience import FaultInjectionExperiment
from dpra_constructs.test_actions import FaultInjection
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    REGIONS,
    Fruit,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    template_of,
    tools_stack,
)
from tests.synth.test_build_actions import flat
from tests.synth.test_deployment_health import TARGET, alarm, application, health

WAIT = {"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}}
FAULT = FaultInjection("Slow", timeout=Duration.minutes(20))


def experiment(stack: Construct, id: str = "Slow", **arguments: Any) -> FaultInjectionExperiment:
    given = {"target": TARGET, "actions": WAIT, **arguments}
    if "role" not in given:
        principal = iam.ServicePrincipal("fis.amazonaws.com")
        given["role"] = iam.Role(stack, f"{id}Faults", assumed_by=principal)
    return FaultInjectionExperiment(stack, id, **given)


class Faulty(Fruit):
    """The application with an experiment."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        found = DeploymentHealth.of(self)
        experiment(self.stack, target=target, health=found)
        experiment(self.stack, "Lost", target=target, health=found)


def made_pipeline(**arguments: Any) -> DeploymentPipeline:
    stack = tools_stack()
    build = build_stage(stack, application=arguments.pop("application", Faulty))
    gamma = gamma_stage(
        stack,
        beta=beta_stage(stack, build=build),
        resilience_tests=[FAULT, FaultInjection("Lost", name="Lost", timeout=FAULT.timeout)],
    )
    return pipeline(stack, last_stage=gamma)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made_pipeline())


@pytest.fixture(scope="module")
def deployed() -> dict[str, Any]:
    stack = application()
    watched = health(stack, alarms=[alarm(stack)])
    experiment(stack, health=watched)
    experiment(stack, "Lost", health=watched)
    return dict(Template.from_stack(stack).to_json())


def test_the_health_of_the_target_stops_it(deployed: dict[str, Any]) -> None:
    [(logical_id, _)] = [
        each
        for each in deployed["Resources"].items()
        if each[1]["Type"] == "AWS::CloudWatch::CompositeAlarm"
    ]
    for made in resources(deployed, "AWS::FIS::ExperimentTemplate"):
        [condition] = made["StopConditions"]
        assert condition == {
            "Source": "aws:cloudwatch:alarm",
            "Value": {"Fn::GetAtt": [logical_id, "Arn"]},
        }


def test_the_role_trusts_the_action_alone_and_may_start_its_templates_alone(
    deployed: dict[str, Any],
) -> None:
    [role] = [
        each
        for each in resources(deployed, "AWS::IAM::Role")
        if each.get("RoleName") == "fruit-prod-eu-central-1-experiment"
    ]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert flat(trust["Principal"]["AWS"]) == "arn:<AWS::Partition>:iam::111111111111:root"
    assert flat(trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]) == (
        "arn:<AWS::Partition>:iam::111111111111:role/fruit-prod-eu-central-1-inject"
    )
    [inline] = role["Policies"]
    [started] = [
        each
        for each in resources(deployed, "AWS::IAM::Policy")
        if "fis:StartExperiment" in str(each)
    ]
    fis = "arn:<AWS::Partition>:fis:eu-central-1:444444444444"
    templates = [
        id
        for id, each in deployed["Resources"].items()
        if each["Type"] == "AWS::FIS::ExperimentTemplate"
    ]
    granted = {
        (action, flat(resource))
        for statement in (
            *inline["PolicyDocument"]["Statement"],
            *started["PolicyDocument"]["Statement"],
        )
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }
    assert granted == {
        *(("fis:StartExperiment", f"{fis}:experiment-template/<{id}>") for id in templates),
        *(
            (f"fis:{action}Experiment", f"{fis}:experiment/*")
            for action in ("Start", "Get", "Stop")
        ),
        ("cloudwatch:DescribeAlarms", "*"),
        (
            "iam:CreateServiceLinkedRole",
            "arn:<AWS::Partition>:iam::444444444444:role/aws-service-role/fis.amazonaws.com/"
            "AWSServiceRoleForFIS",
        ),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_each_region_has_an_action_of_its_own_that_knows_its_template(
    template: dict[str, Any],
) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [gamma] = [each for each in made["Stages"] if each["Name"] == "Gamma"]
    given = [
        variable["value"]
        for action in gamma["Actions"]
        if action["Name"].endswith(".FaultInjection")
        for variable in json.loads(action["Configuration"]["EnvironmentVariables"])
        if variable["name"] == "FIS_TEMPLATE"
    ]
    assert len(set(given)) == len(REGIONS)
    projects = {
        each["Name"]: each
        for each in resources(template, "AWS::CodeBuild::Project")
        if str(each.get("Name")).startswith("fruit-Gamma-FaultInjection-")
    }
    assert set(projects) == {f"fruit-Gamma-FaultInjection-{region}" for region in REGIONS}
    for region in REGIONS:
        project = projects[f"fruit-Gamma-FaultInjection-{region}"]
        assert project["TimeoutInMinutes"] == 30
        assert f"--alarm=fruit-gamma-{region}-health" in project["Source"]["BuildSpec"]


def test_its_role_may_assume_the_role_of_its_region_alone(template: dict[str, Any]) -> None:
    for region in REGIONS:
        [(role, _)] = [
            each
            for each in template["Resources"].items()
            if each[1].get("Properties", {}).get("RoleName") == f"fruit-gamma-{region}-inject"
        ]
        [policy] = [
            each
            for each in resources(template, "AWS::IAM::Policy")
            if {"Ref": role} in each["Roles"]
        ]
        assumed = {
            flat(each["Resource"])
            for each in policy["PolicyDocument"]["Statement"]
            if each["Action"] == "sts:AssumeRole"
        }
        assert assumed == {
            f"arn:<AWS::Partition>:iam::333333333333:role/fruit-gamma-{region}-experiment"
        }


@pytest.mark.parametrize("context", [{}, {"@aws-cdk/core:enablePartitionLiterals": True}])
def test_nothing_of_it_is_left_open_for_cdk_nag(context: dict[str, bool]) -> None:
    assert unacknowledged_findings(made_pipeline()) == []
    stack = application(App(context=context))
    experiment(stack, health=health(stack, alarms=[alarm(stack)]))
    assert unacknowledged_findings(stack) == []


def test_an_experiment_that_the_application_has_not_is_named() -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        made_pipeline(application=Fruit)
    assert str(raised.value) == (
        "FaultInjection \"FaultInjection\": experiment='Slow' is no FaultInjectionExperiment of "
        'fruit-gamma-us-west-2, which has none; put FaultInjectionExperiment(stack, "Slow", '
        "target=target, ...) into a stack of the application"
    )


def refused(message: str, **arguments: Any) -> None:
    stack = application()
    watched = health(stack, alarms=[alarm(stack)])
    with pytest.raises(InvalidArgumentError) as raised:
        experiment(stack, arguments.pop("id", "Slow"), **{"health": watched, **arguments})
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "a_b"}, "id='a_b' is not a valid name"),
        ({"target": 5}, "target=5 is of type int, and DeploymentTarget is needed"),
        ({"health": 5}, "health=5 is of type int, and DeploymentHealth is needed"),
        ({"role": "arn:aws:iam::1:role/x"}, "role='arn:aws:iam::1:role/x' is no role; write it"),
        ({"actions": {}}, "actions={} is not a mapping with at least one action"),
        ({"actions": 5}, "actions=5 is not a mapping with at least one action"),
    ],
)
def test_what_an_experiment_refuses(arguments: dict[str, Any], message: str) -> None:
    refused(message, **arguments)


def test_the_health_has_to_be_that_of_the_target() -> None:
    stack = application()
    watched = health(stack, alarms=[alarm(stack)])
    with pytest.raises(InvalidArgumentError, match="health is that of fruit-prod-eu-central"):
        experiment(stack, health=watched, target=replace(TARGET, environment="gamma"))


def test_experiments_of_a_target_have_different_ids_and_one_stack() -> None:
    stack = application()
    watched = health(stack, alarms=[alarm(stack)])
    experiment(stack, health=watched)
    with pytest.raises(InvalidArgumentError, match="has that id already, and the pipeline names"):
        experiment(Construct(stack, "Other"), health=watched)
    stage = Stage.of(stack)
    assert stage
    with pytest.raises(InvalidArgumentError, match="put all experiments of a target into one sta"):
        experiment(Stack(stage, "Second"), "Lost", health=watched)


def test_a_stage_without_experiments_has_none() -> None:
    assert FaultInjectionExperiment.of(Stage(App(), "Empty")) == {}
