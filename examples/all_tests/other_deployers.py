"""Deployments by other deployers, and monitors outside CloudWatch, each once."""

from aws_cdk import Duration

from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.other_deployers import (
    OctopusDeployment,
    SpinnakerPipeline,
    TerraformDeployment,
)
from dpra_constructs.release.health_sources import DatadogMonitor, DynatraceProblems, HttpHealth


def _secret(json_key: str) -> SecretsManagerSecret:
    return SecretsManagerSecret("acme/deployers", json_key=json_key)


# They run one after the other in each region, after its stacks and before its tests.
DEPLOYMENTS = [
    TerraformDeployment(
        "infrastructure/terraform",
        name="Terraform",
        environment="Queues",
        version="1.14.0",
        # Of the publisher's SHA256SUMS, for the version beside it.
        sha256={"Linux-x86_64": "0" * 64},
        variables={"name": "shop-{environment}"},
        outputs={"ORDERS_URL": "orders_url"},
    ),
    OctopusDeployment(
        "https://acme.octopus.app",
        name="Octopus",
        space="Default",
        project="shop",
        environment="{environment} {region}",
        api_key=_secret("octopus"),
        package_version="1.0.0-g{commit}",
    ),
    SpinnakerPipeline(
        "https://gate.acme.example",
        name="Spinnaker",
        application="shop",
        pipeline="deploy",
        token=_secret("spinnaker"),
        parameters={"tag": "{commit}", "region": "{region}"},
        timeout=Duration.minutes(45),
    ),
]
# They join the bake: one that alerts fails it, as an alarm does.
MONITORS = [
    DatadogMonitor(
        1234567,
        api_key=_secret("datadog-api"),
        application_key=_secret("datadog-application"),
        site="datadoghq.eu",
        settle=Duration.minutes(12),
    ),
    DynatraceProblems(
        "https://abc12345.live.dynatrace.com",
        api_token=_secret("dynatrace"),
        entity_selector='type(SERVICE),tag("app:shop")',
    ),
    HttpHealth("https://health.acme.example/shop", token=_secret("health")),
]
