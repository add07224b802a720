"""The pipeline with this library."""

from aws_cdk import App, Environment, Stack, Stage
from constructs import Construct

from benchmarks.application import BETA, CONNECTION, GAMMA, PROD, TOOLS, Topology, Workload
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
from dpra_constructs.build_actions import Pytest, PythonBuild, Ruff
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

_SCANS = (
    Requirement.BUILD_SECRETS,
    Requirement.BUILD_SAST,
    Requirement.BUILD_SCA,
    Requirement.BUILD_SBOM,
)


def _application(scope: Construct, id: str, target: DeploymentTarget) -> Stage:
    return Workload(scope, id, target.env)


def dpra_pipeline(app: App, deployments: int) -> None:
    """Make the pipeline stack."""
    topology = Topology(deployments)
    stack = Stack(app, "Pipeline", env=Environment(account=TOOLS, region="us-west-2"))
    source = SourceStage(
        stack,
        "Source",
        repository=GitHub("acme/fruit", connection_arn=CONNECTION),
        layout=SourceLayout(
            application=["src"],
            tests=["tests"],
            infrastructure=["infrastructure"],
            static_assets=["static"],
            dependency_manifests=["pyproject.toml"],
            static_configuration=["config"],
        ),
    )
    build = BuildStage(
        stack,
        "Build",
        source=source,
        application=_application,
        actions=[PythonBuild(), Pytest(), Ruff()],
        waivers=dict.fromkeys(_SCANS, "a benchmark, which deploys nothing"),
    )
    beta = BetaStage(
        stack,
        "Beta",
        build=build,
        environment=DeploymentEnvironment("beta", account=BETA, regions=topology.beta),
        integration_tests=[IntegrationTest("make it", outputs={"NAME": "Name"})],
        acceptance_tests=[AcceptanceTest("make at", outputs={"NAME": "Name"})],
    )
    gamma = GammaStage(
        stack,
        "Gamma",
        beta=beta,
        environment=DeploymentEnvironment("gamma", account=GAMMA, regions=topology.prod),
        waivers=dict.fromkeys(
            [Requirement.GAMMA_MONITORING, Requirement.GAMMA_SYNTHETICS],
            "a benchmark, which deploys nothing",
        ),
    )
    prod = ProdWaves(
        stack,
        "Prod",
        gamma=gamma,
        environment=DeploymentEnvironment("prod", account=PROD),
        approval=ManualApproval(notify=["release@acme.example"]),
        waves=[Wave(name, regions) for name, regions in topology.waves.items()],
        waivers={Requirement.PROD_ROLLBACK: "a benchmark, which deploys nothing"},
    )
    DeploymentPipeline(stack, "Pipeline", name="fruit", last_stage=prod)
