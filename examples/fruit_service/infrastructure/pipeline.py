"""The pipeline of the fruit service: from a commit to the trunk to three regions of production."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, Environment, Stack
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
    SourceStage,
    Wave,
)
from dpra_constructs.build_actions import (
    Bandit,
    CdkSynth,
    CycloneDxPython,
    DetectSecrets,
    EcrPush,
    PipAudit,
    Pytest,
    PythonBuild,
    Ruff,
    Trivy,
)
from dpra_constructs.code_signing import ImageRepository, ImageSigningProfile
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

from .application import REPOSITORY, ROOT, FruitService
from .settings import Settings

TOOLS_REGION = "us-west-2"
REGIONS = ["us-west-2", "us-east-1", "eu-central-1"]
_PYTEST = (
    "python -m pip install --quiet --require-hashes --requirement requirements-dev.txt "
    "--requirement requirements-image.txt"
)


class FruitServicePipeline(Stack):
    """The pipeline stack, in the tools account, with the registry of the images."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, root: Path = ROOT) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(account=settings.accounts["tools"], region=TOOLS_REGION),
            description="Deploys the fruit service from its trunk to production.",
        )
        ImageRepository(
            self,
            "Images",
            repository_name=REPOSITORY,
            readers=[settings.accounts[each] for each in ("beta", "gamma", "prod")],
        )
        # The registry has one: where others push to the account too, it stands in their stack.
        signing = ImageSigningProfile(self, "ImageSigning", repositories=[REPOSITORY])

        def application(scope: Construct, id: str, target: DeploymentTarget) -> FruitService:
            return FruitService(scope, id, target, root=root)

        def environment(name: str, regions: list[str], log_level: str) -> DeploymentEnvironment:
            zone = settings.hosted_zones[name]
            return DeploymentEnvironment(
                name,
                account=settings.accounts[name],
                regions=regions,
                configuration={
                    "HOSTED_ZONE_ID": zone.id,
                    "HOSTED_ZONE_NAME": zone.name,
                    "LOG_LEVEL": log_level,
                },
            )

        source = SourceStage(
            self,
            "Source",
            repository=GitHub(
                settings.repository, connection_arn=settings.connection_arn, trunk="main"
            ),
            layout=SourceLayout(
                application=["src", "Dockerfile"],
                tests=["tests"],
                infrastructure=["infrastructure"],
                static_assets=["static"],
                dependency_manifests=["pyproject.toml", "requirements-image.txt"],
                static_configuration=["config"],
            ),
        )
        build = BuildStage(
            self,
            "Build",
            source=source,
            application=application,
            actions=[
                PythonBuild(requirements=["requirements-dev.txt"]),
                Pytest(
                    requirements=["requirements-dev.txt", "requirements-image.txt"],
                    # Installed as it will be in the image: with its pages and its prices.
                    install=["python -m pip install --quiet --no-deps --no-build-isolation ."],
                ),
                Ruff(),
                DetectSecrets(),
                Bandit(paths=["src"]),
                PipAudit(requirement_files=["requirements-image.txt", "requirements-dev.txt"]),
                CycloneDxPython(
                    pyproject="pyproject.toml", requirement_files=["requirements-image.txt"]
                ),
                # Made of the wheel, scanned, pushed and signed; every environment gets this image.
                EcrPush(
                    repository=REPOSITORY,
                    signing_profile=signing.profile_name,
                    inputs=["dist"],
                    scan=Trivy(fail_on="high"),
                ),
            ],
            synth=CdkSynth(requirements=["requirements.txt"]),
            time_budget=Duration.minutes(10),
        )
        beta = BetaStage(
            self,
            "Beta",
            build=build,
            environment=environment("beta", REGIONS[:1], "DEBUG"),
            integration_tests=[
                IntegrationTest(
                    "python -m pytest tests/integration",
                    install=[_PYTEST],
                    outputs={"SERVICE_URL": "ServiceUrl"},
                )
            ],
            acceptance_tests=[
                AcceptanceTest(
                    "python -m pytest tests/acceptance",
                    install=[_PYTEST],
                    outputs={"SERVICE_URL": "ServiceUrl"},
                )
            ],
        )
        gamma = GammaStage(
            self,
            "Gamma",
            beta=beta,
            environment=environment("gamma", REGIONS, "INFO"),
            # With ten minutes of shifted traffic before it, gamma stays within its 30 minutes.
            bake=Duration.minutes(10),
        )
        prod = ProdWaves(
            self,
            "Prod",
            gamma=gamma,
            environment=environment("prod", [], "WARNING"),
            approval=ManualApproval(
                notify=["release@acme.example"],
                review_url="https://acme.example/fruit-service/releases",
                timeout=Duration.days(1),
            ),
            waves=[
                Wave("one-box", REGIONS[:1], bake=Duration.minutes(60)),
                Wave("rest", REGIONS[1:], bake=Duration.minutes(30)),
            ],
        )
        DeploymentPipeline(self, "Pipeline", name="fruit-service", last_stage=prod)
