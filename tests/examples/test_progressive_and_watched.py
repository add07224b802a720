"""Both complete examples: what computes is shifted a part at a time, watched, and rolled back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dpra_constructs.release.runtime.names import health_alarm_name
from tests.conftest import Synthesized

Template = dict[str, Any]
EXAMPLES = {"fruit_api": "fruit-api", "fruit_service": "fruit-service"}
# A function or a service is all that runs code of the examples; whatever else could, would have
# to be looked at here first.
COMPUTES = (
    *("AWS::ApplicationInsights", "AWS::AppRunner", "AWS::AutoScaling", "AWS::Batch"),
    *("AWS::CodeBuild", "AWS::EC2::Instance", "AWS::EC2::SpotFleet", "AWS::ECS::TaskSet"),
    *("AWS::EKS", "AWS::ElasticBeanstalk", "AWS::EMR", "AWS::Glue", "AWS::Lightsail"),
    *("AWS::CloudFormation::CustomResource", "AWS::StepFunctions", "Custom::"),
)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> tuple[str, Synthesized]:
    found: Synthesized = request.getfixturevalue(request.param)
    return EXAMPLES[request.param], found


def released(example: tuple[str, Synthesized]) -> Iterator[tuple[str, str, Template]]:
    """Return environment, region and template of each target of gamma and of production."""
    name, synthesized = example
    templates = synthesized.templates()
    environments = synthesized.folder.rglob("manifest.json")
    for manifest in environments:
        for artifact in json.loads(manifest.read_text())["artifacts"].values():
            if artifact["type"] != "aws:cloudformation:stack":
                continue
            file = manifest.parent / artifact["properties"]["templateFile"]
            path = file.relative_to(synthesized.folder).as_posix()
            *_, region = artifact["environment"].split("/")
            for environment in ("gamma", "prod"):
                if f"{name}-{environment}-{region}" in path:
                    yield environment, region, templates[path]


def of_type(template: Template, type_name: str) -> dict[str, Template]:
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == type_name
    }


def alarm_ids(template: Template, names: list[Any]) -> list[str]:
    """Return the alarms of the template that are named; each name has to be one of its own."""
    return [name for name in (each["Ref"] for each in names) if _is_alarm(template, name)]


def _is_alarm(template: Template, name: str) -> bool:
    assert template["Resources"][name]["Type"] == "AWS::CloudWatch::Alarm"
    return True


def measured(template: Template, alarms: list[str]) -> str:
    return json.dumps([template["Resources"][name]["Properties"] for name in alarms])


def test_gamma_and_production_have_the_same_regions(example: tuple[str, Synthesized]) -> None:
    regions: dict[str, set[str]] = {}
    for environment, region, _ in released(example):
        regions.setdefault(environment, set()).add(region)
    assert regions["gamma"] == regions["prod"]
    assert len(regions["prod"]) >= 3


def test_nothing_else_computes(example: tuple[str, Synthesized]) -> None:
    computing = 0
    for _, _, template in released(example):
        for name, resource in template["Resources"].items():
            assert not resource["Type"].startswith(COMPUTES), name
        services = of_type(template, "AWS::ECS::Service")
        computing += len(services) + len(of_type(template, "AWS::Lambda::Function"))
        assert len(of_type(template, "AWS::ECS::TaskDefinition")) == len(services)
    assert computing >= 6


def test_each_function_is_shifted_with_alarms_and_rolled_back(
    example: tuple[str, Synthesized],
) -> None:
    for _, _, template in released(example):
        aliases = of_type(template, "AWS::Lambda::Alias").values()
        for name in of_type(template, "AWS::Lambda::Function"):
            [alias] = [a for a in aliases if a["Properties"]["FunctionName"] == {"Ref": name}]
            update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            group = template["Resources"][update["DeploymentGroupName"]["Ref"]]["Properties"]
            assert "AllAtOnce" not in json.dumps(group["DeploymentConfigName"])
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
            assert set(group["AutoRollbackConfiguration"]["Events"]) >= {
                "DEPLOYMENT_FAILURE",
                "DEPLOYMENT_STOP_ON_ALARM",
            }
            assert group["AlarmConfiguration"]["Enabled"] is True
            assert group["AlarmConfiguration"].get("IgnorePollAlarmFailure", False) is False
            alarms = alarm_ids(
                template, [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
            )
            metrics = measured(template, alarms)
            assert '"Errors"' in metrics
            assert metrics.count("ExecutedVersion") == metrics.count('"MetricName"')


def test_each_service_is_shifted_with_alarms_and_rolled_back(
    example: tuple[str, Synthesized],
) -> None:
    for _, _, template in released(example):
        for service in of_type(template, "AWS::ECS::Service").values():
            deployment = service["Properties"]["DeploymentConfiguration"]
            assert deployment["Strategy"] in ("CANARY", "LINEAR")
            assert deployment["BakeTimeInMinutes"] >= 1
            assert deployment["Alarms"]["Enable"] is True
            assert deployment["Alarms"]["Rollback"] is True
            assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
            alarms = alarm_ids(template, deployment["Alarms"]["AlarmNames"])
            metrics = measured(template, alarms)
            assert "HTTPCode_Target_5XX_Count" in metrics
            assert "SuccessPercent" in metrics


def test_each_region_has_a_synthetic_test_whose_alarm_is_in_its_health(
    example: tuple[str, Synthesized],
) -> None:
    count = 0
    for environment, region, template in released(example):
        canaries = of_type(template, "AWS::Synthetics::Canary")
        assert canaries
        [health] = of_type(template, "AWS::CloudWatch::CompositeAlarm").values()
        name = health["Properties"]["AlarmName"]
        assert name == health_alarm_name(example[0], environment, region)
        for canary in canaries.values():
            properties = canary["Properties"]
            assert properties["StartCanaryAfterCreation"] is True
            [alarm] = [
                alarm
                for alarm, resource in of_type(template, "AWS::CloudWatch::Alarm").items()
                if properties["Name"] in json.dumps(resource["Properties"])
            ]
            assert f'"{alarm}"' in json.dumps(health["Properties"]["AlarmRule"])
        count += 1
    assert count >= 6


def test_every_alarm_that_rolls_a_deployment_back_is_in_the_health(
    example: tuple[str, Synthesized],
) -> None:
    for _, _, template in released(example):
        [health] = of_type(template, "AWS::CloudWatch::CompositeAlarm").values()
        rule = json.dumps(health["Properties"]["AlarmRule"])
        named = [
            each
            for service in of_type(template, "AWS::ECS::Service").values()
            for each in service["Properties"]["DeploymentConfiguration"]["Alarms"]["AlarmNames"]
        ]
        for name in alarm_ids(template, named):
            assert f'"{name}"' in rule
