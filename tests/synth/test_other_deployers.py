"""Deployments by other deployers, as they stand in the pipeline."""

from typing import Any

import pytest

from dpra_constructs import InvalidArgumentError
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.other_deployers import OctopusDeployment, SpinnakerPipeline
from dpra_constructs.test_actions import BuildNetwork, IntegrationTest
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    REGIONS,
    beta_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
)
from tests.synth.test_bake import stages_of

NETWORK = BuildNetwork(
    vpc_id="vpc-1a2b3c4d", subnet_ids=["subnet-1a2b3c4d"], security_group_ids=["sg-1a2b3c4d"]
)


def octopus(environment: str, **more: Any) -> OctopusDeployment:
    return OctopusDeployment(
        "https://acme.octopus.app",
        space="Default",
        project="fruit",
        environment=environment,
        api_key=SecretsManagerSecret("acme/octopus"),
        name="Octopus",
        **more,
    )


SPINNAKER = SpinnakerPipeline(
    "https://gate.acme.example",
    application="fruit",
    pipeline="deploy",
    token=SecretsManagerSecret("acme/spinnaker"),
    parameters={"tag": "{commit}"},
    name="Spinnaker",
)


def made() -> Any:
    stack = tools_stack()
    beta = beta_stage(stack, deployments=[octopus("Beta")])
    gamma = gamma_stage(stack, beta=beta, deployments=[octopus("Gamma", network=NETWORK)])
    return pipeline(
        stack, last_stage=prod_waves(stack, gamma=gamma, deployments=[octopus("Prod"), SPINNAKER])
    )


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made())


def orders(template: dict[str, Any], stage: str) -> dict[str, int]:
    return {each["Name"]: each["RunOrder"] for each in stages_of(template)[stage]["Actions"]}


def test_it_runs_after_the_stacks_and_before_the_tests(template: dict[str, Any]) -> None:
    beta = orders(template, "Beta")
    deployed = max(order for name, order in beta.items() if name.endswith("Deploy"))
    assert deployed < beta["Octopus"] < min(beta["IntegrationTest"], beta["AcceptanceTest"])


def test_several_run_in_their_order_in_each_region_and_before_the_bake(
    template: dict[str, Any],
) -> None:
    rest = orders(template, "Prod-rest")
    for region in REGIONS[1:]:
        first = rest[f"fruit-prod-{region}.Octopus"]
        assert first < rest[f"fruit-prod-{region}.Spinnaker"] < rest["Bake"]


def project(template: dict[str, Any], name: str) -> dict[str, Any]:
    projects = resources(template, "AWS::CodeBuild::Project")
    [found] = [each for each in projects if each.get("Name") == name]
    return found


def test_its_key_is_a_reference_and_it_has_time_to_cancel(template: dict[str, Any]) -> None:
    found = project(template, "fruit-Prod-rest-Octopus-us-east-1")
    assert [
        each
        for each in found["Environment"]["EnvironmentVariables"]
        if each["Name"] != "DPRA_EVIDENCE"
    ] == [{"Name": "OCTOPUS_API_KEY", "Type": "SECRETS_MANAGER", "Value": "acme/octopus"}]
    assert found["TimeoutInMinutes"] == 45
    assert "rollback" not in str(found["Source"]["BuildSpec"]).partition("PYTHON")[0]


def test_it_runs_in_the_network_of_the_server(template: dict[str, Any]) -> None:
    found = project(template, "fruit-Gamma-Octopus-us-west-2")
    assert found["VpcConfig"]["VpcId"] == "vpc-1a2b3c4d"
    names = [each.get("RoleName") for each in resources(template, "AWS::IAM::Role")]
    assert "fruit-gamma-us-west-2-Octopus" in names


def test_the_outline_shows_it() -> None:
    lines = str(made().plan).splitlines()
    start = lines.index(next(line for line in lines if line.startswith("Beta")))
    assert lines[start + 2 : start + 6] == [
        "  2 deploy fruit-beta-us-west-2 to 222222222222/us-west-2",
        "  3 Octopus in us-west-2",
        "  4 IntegrationTest in us-west-2",
        "  4 AcceptanceTest in us-west-2",
    ]


def test_cdk_nag_finds_nothing() -> None:
    assert unacknowledged_findings(made()) == []


def test_a_test_of_the_same_name_is_refused() -> None:
    tests = [IntegrationTest("make it", name="Octopus", outputs={"API_URL": "ApiUrl"})]
    with pytest.raises(InvalidArgumentError, match="has Octopus more than once"):
        beta_stage(tools_stack(), integration_tests=tests, deployments=[octopus("Beta")])


def test_something_else_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="ExternalDeployment is needed"):
        beta_stage(tools_stack(), deployments=["octopus"])
