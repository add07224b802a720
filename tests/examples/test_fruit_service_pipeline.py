"""The pipeline of the fruit service: one image, from the build to every task."""

import json
import re
from typing import Any

import pytest

from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import (
    FRUIT_SERVICE,
    IMAGE,
    Synthesized,
    cfn_lint_rules,
    invalid_templates,
    resources,
)

# Where the application of each environment is; production has three regions in two waves.
TARGETS = 1 + 3 + 3


@pytest.fixture
def applications(fruit_service: Synthesized) -> list[dict[str, Any]]:
    templates = fruit_service.templates()
    found = [templates[path] for path in templates if path.startswith("assembly-")]
    assert len(found) == TARGETS
    return found


def build_action(template: dict[str, Any], name: str) -> dict[str, Any]:
    [pipeline] = resources(template, "AWS::CodePipeline::Pipeline")
    [build] = [stage for stage in pipeline["Stages"] if stage["Name"] == "Build"]
    [found] = [action for action in build["Actions"] if action["Name"] == name]
    return dict(found)


def names(artifacts: list[dict[str, str]]) -> set[str]:
    return {artifact["Name"] for artifact in artifacts}


def test_every_task_runs_the_image_that_was_pushed_by_its_digest(
    applications: list[dict[str, Any]],
) -> None:
    images = [
        container["Image"]
        for template in applications
        for task in resources(template, "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
    ]
    assert images == [IMAGE] * TARGETS


def test_the_image_is_made_of_the_wheel_and_the_synthesis_waits_for_it(
    fruit_service: Synthesized,
) -> None:
    package, publish, synth = (
        build_action(fruit_service.template, name) for name in ("Package", "Publish", "Synth")
    )
    assert names(package["OutputArtifacts"]) < names(publish["InputArtifacts"])
    assert names(publish["OutputArtifacts"]) < names(synth["InputArtifacts"])
    assert package["RunOrder"] < publish["RunOrder"] < synth["RunOrder"]


def test_nothing_is_built_after_the_build_stage(fruit_service: Synthesized) -> None:
    manifests = [
        json.loads(path.read_text()) for path in fruit_service.folder.rglob("*.assets.json")
    ]
    assert manifests
    assert not any(manifest["dockerImages"] for manifest in manifests)


def test_only_the_action_that_makes_the_image_runs_privileged(fruit_service: Synthesized) -> None:
    privileged = [
        project["Name"]
        for project in resources(fruit_service.template, "AWS::CodeBuild::Project")
        if project["Environment"]["PrivilegedMode"]
    ]
    assert privileged == ["fruit-service-Build-Publish"]


def test_the_registry_keeps_tags_and_lets_only_the_environments_pull(
    fruit_service: Synthesized,
) -> None:
    [name] = [
        name
        for name, resource in fruit_service.template["Resources"].items()
        if resource["Type"] == "AWS::ECR::Repository"
    ]
    resource = fruit_service.template["Resources"][name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    repository = resource["Properties"]
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    [statement] = repository["RepositoryPolicyText"]["Statement"]
    assert not any("Put" in action or "*" in action for action in statement["Action"])
    accounts = re.findall(r"\d{12}", json.dumps(statement["Principal"]))
    assert accounts == ["222222222222", "333333333333", "444444444444"]


def test_the_registry_signs_what_is_pushed_with_the_profile_that_the_build_waits_for(
    fruit_service: Synthesized,
) -> None:
    [repository] = resources(fruit_service.template, "AWS::ECR::Repository")
    [configuration] = resources(fruit_service.template, "AWS::ECR::SigningConfiguration")
    [profile] = resources(fruit_service.template, "AWS::Signer::SigningProfile")
    [rule] = configuration["Rules"]
    assert [each["Filter"] for each in rule["RepositoryFilters"]] == [repository["RepositoryName"]]
    policies = json.dumps(resources(fruit_service.template, "AWS::IAM::Policy"))
    name = f":/signing-profiles/{profile['ProfileName']}"
    assert str(rule["SigningProfileArn"]).count(name) == policies.count(name) == 1
    projects = json.dumps(resources(fruit_service.template, "AWS::CodeBuild::Project"))
    assert f"'/{profile['ProfileName']}')" in projects


def test_what_is_pulled_is_the_image_of_the_registry_that_the_build_pushes_to(
    fruit_service: Synthesized, applications: list[dict[str, Any]]
) -> None:
    [repository] = resources(fruit_service.template, "AWS::ECR::Repository")
    assert IMAGE.partition("@")[0].endswith(f"/{repository['RepositoryName']}")
    arn = f":ecr:us-west-2:111111111111:repository/{repository['RepositoryName']}"
    assert arn in json.dumps(resources(fruit_service.template, "AWS::IAM::Policy"))
    for template in applications:
        roles = json.dumps(resources(template, "AWS::IAM::Role"))
        assert arn in roles


def test_each_region_has_an_address_of_its_own_with_a_certificate(
    applications: list[dict[str, Any]],
) -> None:
    addresses = set()
    for template in applications:
        [record] = resources(template, "AWS::Route53::RecordSet")
        [certificate] = resources(template, "AWS::CertificateManager::Certificate")
        [listener] = resources(template, "AWS::ElasticLoadBalancingV2::Listener")
        assert record["Name"] == f"{certificate['DomainName']}."
        assert (listener["Protocol"], listener["Port"]) == ("HTTPS", 443)
        addresses.add(certificate["DomainName"])
        url = template["Outputs"]["ServiceUrl"]["Value"]
        assert url == f"https://{certificate['DomainName']}"
        for canary in resources(template, "AWS::Synthetics::Canary"):
            assert canary["RunConfig"]["EnvironmentVariables"]["BASE_URL"] == url
    assert len(addresses) == TARGETS


def test_the_synthesis_asks_no_account_for_anything(fruit_service: Synthesized) -> None:
    for path in fruit_service.folder.rglob("manifest.json"):
        assert "missing" not in json.loads(path.read_text())


def test_cdk_nag_finds_nothing(fruit_service: Synthesized) -> None:
    assert unacknowledged_findings(fruit_service.app) == []


def test_cfn_lint_finds_nothing_that_plain_cdk_pipelines_does_not_have(
    fruit_service: Synthesized, plain_cfn_lint_rules: set[str]
) -> None:
    assert cfn_lint_rules(fruit_service.folder) <= plain_cfn_lint_rules


def test_the_validation_of_the_cdk_finds_nothing(fruit_service: Synthesized) -> None:
    assert invalid_templates(fruit_service.folder) == []


def test_the_readme_names_every_kind_of_source() -> None:
    text = (FRUIT_SERVICE / "README.md").read_text()
    for folder in ("src", "tests", "infrastructure", "static", "config"):
        assert f"`{folder}/`" in text
        assert (FRUIT_SERVICE / folder).is_dir()
