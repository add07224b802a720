"""A pipeline whose build stage has every tool."""

from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack, Stage
from aws_cdk.aws_s3_assets import Asset
from aws_cdk.aws_ssm import StringParameter
from constructs import Construct
from tools import ACTIONS, SYNTH

from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    DeploymentTarget,
    Requirement,
    SourceStage,
)
from dpra_constructs.build_actions import CodeBuildProject
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest


class Page(Stage):
    """An application of one file that stands for the real one."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, env=target.env)
        stack = Stack(self, "Page")
        page = Asset(stack, "Index", path=str(Path(__file__).parent / "web/public/index.html"))
        location = StringParameter(stack, "Location", string_value=page.s3_object_url)
        CfnOutput(stack, "Url", value=location.string_value)


class AllTools(Stack):
    """The pipeline up to beta; what comes after has nothing to do with tools of the build."""

    def __init__(self, scope: Construct, id: str, **kwargs: Any) -> None:
        super().__init__(scope, id, **kwargs)
        source = SourceStage(
            self,
            "Source",
            repository=GitHub(
                "acme/all-tools",
                connection_arn="arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f",
            ),
            layout=SourceLayout(
                application=["src", "web", "orders", "stock", "gateway", "billing"],
                tests=["tests"],
                infrastructure=["app.py", "pipeline.py", "network"],
                static_assets=["web/public"],
                dependency_manifests=["requirements.txt", "web/package-lock.json"],
                static_configuration=["config"],
            ),
        )
        build = BuildStage(
            self,
            "Build",
            source=source,
            application=Page,
            actions=ACTIONS,
            synth=SYNTH,
            project=CodeBuildProject(compute_type="MEDIUM"),
            pull_requests=True,
            waivers={
                Requirement.BUILD_SIGNATURE: "this example has every tool at once: more SBOMs and "
                "images than one action reads"
            },
        )
        beta = BetaStage(
            self,
            "Beta",
            build=build,
            environment=DeploymentEnvironment(
                "beta", account="222222222222", regions=["us-west-2"]
            ),
            integration_tests=[IntegrationTest("make integration", outputs={"URL": "Url"})],
            acceptance_tests=[AcceptanceTest("make acceptance", outputs={"URL": "Url"})],
        )
        DeploymentPipeline(self, "Pipeline", name="all-tools", last_stage=beta)
