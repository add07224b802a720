"""A pipeline whose beta and gamma stages have every test, other deployer and monitor."""

from typing import Any

from application import Shop
from aws_cdk import Duration, Stack
from constructs import Construct
from deployed_tests import (
    ACCEPTANCE,
    INTEGRATION,
    MIGRATIONS,
    PERFORMANCE,
    RESILIENCE,
    SECURITY,
)
from other_deployers import DEPLOYMENTS, MONITORS

from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    GammaStage,
    Requirement,
    SourceStage,
)
from dpra_constructs.build_actions import BuildAction
from dpra_constructs.source import GitHub, SourceLayout

CONNECTION = "arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f"
STANDS_FOR_THE_BUILD = BuildAction(
    "Build",
    commands=["make"],
    meets=[
        Requirement.BUILD_CODE,
        Requirement.BUILD_UNIT_TESTS,
        Requirement.BUILD_QUALITY,
        Requirement.BUILD_SECRETS,
        Requirement.BUILD_SAST,
        Requirement.BUILD_PACKAGE,
        Requirement.BUILD_SCA,
        Requirement.BUILD_SBOM,
    ],
)


class AllTests(Stack):
    """The pipeline up to gamma."""

    def __init__(self, scope: Construct, id: str, **kwargs: Any) -> None:
        super().__init__(scope, id, **kwargs)
        source = SourceStage(
            self,
            "Source",
            repository=GitHub("acme/shop", connection_arn=CONNECTION),
            layout=SourceLayout(
                application=["src"],
                tests=["tests"],
                infrastructure=["infrastructure"],
                static_assets=["static"],
                dependency_manifests=["package-lock.json"],
                static_configuration=["config"],
                database=["database"],
            ),
        )
        build = BuildStage(
            self,
            "Build",
            source=source,
            application=Shop,
            actions=[STANDS_FOR_THE_BUILD],
            waivers={Requirement.BUILD_SIGNATURE: "this example shows the tests alone"},
        )
        beta = BetaStage(
            self,
            "Beta",
            build=build,
            environment=DeploymentEnvironment(
                "beta", account="222222222222", regions=["us-west-2"]
            ),
            migrations=MIGRATIONS,
            deployments=DEPLOYMENTS,
            integration_tests=INTEGRATION,
            acceptance_tests=ACCEPTANCE,
        )
        gamma = GammaStage(
            self,
            "Gamma",
            beta=beta,
            environment=DeploymentEnvironment(
                "gamma", account="333333333333", regions=["us-west-2", "us-east-1"]
            ),
            migrations=MIGRATIONS,
            deployments=DEPLOYMENTS,
            performance_tests=PERFORMANCE,
            resilience_tests=RESILIENCE,
            security_tests=SECURITY,
            bake=Duration.minutes(15),
            health_sources=MONITORS,
        )
        DeploymentPipeline(self, "Pipeline", name="all-tests", last_stage=gamma)
