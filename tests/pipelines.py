"""Pipelines for the tests, small enough to be read, each part replaceable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnOutput, Duration, Environment, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    DeploymentTarget,
    GammaStage,
    ManualApproval,
    ProdWaves,
    Requirement,
    SourceStage,
    Wave,
)
from dpra_constructs.build_actions import BuildAction, Pytest, PythonBuild, Ruff
from dpra_constructs.monitoring import DeploymentHealth
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

TOOLS, BETA, GAMMA, PROD = "111111111111", "222222222222", "333333333333", "444444444444"
CONNECTION = "arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f"
REGIONS = ["us-west-2", "us-east-1", "eu-central-1"]
LAYOUT = SourceLayout(
    application=["src"],
    tests=["tests"],
    infrastructure=["infrastructure"],
    static_assets=["static"],
    dependency_manifests=["pyproject.toml"],
    static_configuration=["config"],
)


# What the typed actions leave open, met by one action that costs the tests nothing.
SCANS = BuildAction(
    "Scans",
    commands=["make scans"],
    meets=[
        Requirement.BUILD_SECRETS,
        Requirement.BUILD_SAST,
        Requirement.BUILD_SCA,
        Requirement.BUILD_SBOM,
    ],
)
UNSIGNED = {Requirement.BUILD_SIGNATURE: "a pipeline of the tests, which deploys nothing"}
UNTESTED = {Requirement.GAMMA_SYNTHETICS: "a pipeline of the tests, which deploys nothing"}


class Fruit(Stage):
    """An application of one stack, with an output and an alarm."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        self.stack = Stack(self, "Api")
        topic = sns.Topic(self.stack, "Topic")
        CfnOutput(self.stack, "ApiUrl", value=topic.topic_name)
        failed = topic.metric_number_of_notifications_failed(period=Duration.minutes(1))
        alarm = cloudwatch.Alarm(
            self.stack, "Failed", metric=failed, threshold=1, evaluation_periods=2
        )
        DeploymentHealth(self.stack, "Health", target=target, alarms=[alarm])


def wave(name: str, regions: Sequence[str]) -> Wave:
    """A wave that bakes for half an hour."""
    return Wave(name, regions, bake=Duration.minutes(30))


def with_asset(folder: Path) -> type[Stage]:
    """Make an application that also has the folder as a file asset."""

    class FruitWithAsset(Fruit):
        def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
            super().__init__(scope, id, target)
            s3_assets.Asset(self.stack, "Code", path=str(folder))

    return FruitWithAsset


def tools_stack(app: App | None = None, id: str = "Pipelines") -> Stack:
    return Stack(app or App(), id, env=Environment(account=TOOLS, region="us-west-2"))


def source_stage(scope: Construct, **arguments: Any) -> SourceStage:
    given = {
        "repository": GitHub("acme/fruit-api", connection_arn=CONNECTION),
        "layout": LAYOUT,
        **arguments,
    }
    return SourceStage(scope, "Source", **given)


def build_stage(scope: Construct, **arguments: Any) -> BuildStage:
    given = {
        "source": arguments.pop("source", None) or source_stage(scope),
        "application": Fruit,
        "actions": [PythonBuild(), Pytest(), Ruff(), SCANS],
        **arguments,
    }
    return BuildStage(scope, "Build", **given)


def beta_stage(scope: Construct, **arguments: Any) -> BetaStage:
    given = {
        "build": arguments.pop("build", None) or build_stage(scope),
        "environment": DeploymentEnvironment("beta", account=BETA, regions=["us-west-2"]),
        "integration_tests": [IntegrationTest("make it", outputs={"API_URL": "ApiUrl"})],
        "acceptance_tests": [AcceptanceTest("make at", outputs={"API_URL": "Api.ApiUrl"})],
        **arguments,
    }
    return BetaStage(scope, "Beta", **given)


def gamma_stage(scope: Construct, **arguments: Any) -> GammaStage:
    given = {
        "beta": arguments.pop("beta", None) or beta_stage(scope),
        "environment": DeploymentEnvironment("gamma", account=GAMMA, regions=REGIONS),
        "bake": Duration.minutes(15),
        **arguments,
        # A canary in each region would cost the tests time, and give them an asset.
        "waivers": {**UNTESTED, **arguments.get("waivers", {})},
    }
    return GammaStage(scope, "Gamma", **given)


def prod_waves(scope: Construct, **arguments: Any) -> ProdWaves:
    given = {
        "gamma": arguments.pop("gamma", None) or gamma_stage(scope),
        "environment": DeploymentEnvironment("prod", account=PROD),
        "approval": ManualApproval(notify=["release@acme.example"], timeout=Duration.days(1)),
        "waves": [wave("one-box", REGIONS[:1]), wave("rest", REGIONS[1:])],
        **arguments,
    }
    return ProdWaves(scope, "Prod", **given)


def pipeline(scope: Construct | None = None, **arguments: Any) -> DeploymentPipeline:
    scope = scope or tools_stack()
    given = {
        "name": "fruit",
        "last_stage": arguments.pop("last_stage", None) or prod_waves(scope),
        **arguments,
    }
    return DeploymentPipeline(scope, "Pipeline", **given)


def template_of(made: DeploymentPipeline) -> dict[str, Any]:
    """Synthesize the app of a pipeline, and return the template of the pipeline's stack."""
    assembly = made.node.root.synth()  # type: ignore[attr-defined]
    template: dict[str, Any] = assembly.get_stack_by_name(Stack.of(made).stack_name).template
    return template
