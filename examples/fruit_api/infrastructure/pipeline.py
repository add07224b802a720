"""The pipeline of the fruit API: from a commit to the trunk to six regions of production."""

from aws_cdk import Duration, Environment, Stack
from constructs import Construct
from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    DeploymentWindow,
    GammaStage,
    ManualApproval,
    ProdWaves,
    Requirement,
    SourceStage,
    Wave,
)
from dpra_constructs.build_actions import (
    Bandit,
    BuildAction,
    CdkSynth,
    CycloneDxPython,
    DetectSecrets,
    Pytest,
    PythonBuild,
    Report,
    Ruff,
)
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

from .application import FruitApi
from .settings import Settings

TOOLS_REGION = "us-west-2"
REGIONS = ["us-west-2", "us-east-1", "eu-central-1", "eu-west-1", "ap-south-1", "ap-southeast-2"]
_PIP = "python -m pip install --quiet --require-hashes --requirement"
_PYTEST = f"{_PIP} requirements-dev.txt"


class FruitApiPipeline(Stack):
    """The pipeline stack, in the tools account."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(account=settings.tools_account, region=TOOLS_REGION),
            description="Deploys the fruit API from its trunk to production.",
        )
        source = SourceStage(
            self,
            "Source",
            repository=GitHub(
                settings.repository, connection_arn=settings.connection_arn, trunk="main"
            ),
            layout=SourceLayout(
                application=["src"],
                tests=["tests"],
                infrastructure=["infrastructure"],
                static_assets=["static"],
                dependency_manifests=["pyproject.toml", "requirements.txt"],
                static_configuration=["config"],
            ),
        )
        build = BuildStage(
            self,
            "Build",
            source=source,
            application=FruitApi,
            actions=[
                PythonBuild(requirements=["requirements-dev.txt"]),
                Pytest(
                    requirements=["requirements-dev.txt"],
                    # Installed as it will be deployed: with its page and its configuration.
                    install=["python -m pip install --quiet --no-deps --no-build-isolation ."],
                ),
                Ruff(),
                DetectSecrets(),
                Bandit(paths=["src"]),
                # Works where only PyPI is reachable. Elsewhere PipAudit() knows what is newer.
                BuildAction(
                    "Sca",
                    install=[f"{_PIP} requirements-sca.txt"],
                    commands=["python checks/advisories.py requirements.txt requirements-dev.txt"],
                    reports=[Report("sca", ["reports/advisories.xml"])],
                    meets=[Requirement.BUILD_SCA],
                ),
                CycloneDxPython(pyproject="pyproject.toml"),
            ],
            synth=CdkSynth(requirements=["requirements.txt"]),
            time_budget=Duration.minutes(10),
        )
        beta = BetaStage(
            self,
            "Beta",
            build=build,
            environment=DeploymentEnvironment(
                "beta",
                account=settings.beta_account,
                regions=["us-west-2"],
                configuration={"LOG_LEVEL": "DEBUG"},
            ),
            integration_tests=[
                IntegrationTest(
                    "python -m pytest tests/integration",
                    install=[_PYTEST],
                    outputs={"API_URL": "ApiUrl"},
                )
            ],
            acceptance_tests=[
                AcceptanceTest(
                    "python -m pytest tests/acceptance",
                    install=[_PYTEST],
                    outputs={"API_URL": "ApiUrl"},
                )
            ],
        )
        gamma = GammaStage(
            self,
            "Gamma",
            beta=beta,
            environment=DeploymentEnvironment(
                "gamma", account=settings.gamma_account, regions=REGIONS
            ),
            bake=Duration.minutes(15),
            waivers=dict.fromkeys(
                (
                    Requirement.GAMMA_PERFORMANCE,
                    Requirement.GAMMA_RESILIENCE,
                    Requirement.GAMMA_DAST,
                ),
                "an example that is rehearsed on one machine, which stands neither load nor "
                "faults; examples/all_tests has them",
            ),
        )
        prod = ProdWaves(
            self,
            "Prod",
            gamma=gamma,
            environment=DeploymentEnvironment(
                "prod", account=settings.prod_account, configuration={"LOG_LEVEL": "WARNING"}
            ),
            approval=ManualApproval(
                notify=["release@acme.example"],
                review_url="https://acme.example/fruit-api/releases",
                timeout=Duration.days(1),
            ),
            window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
            waves=[
                Wave("one-box", REGIONS[:1], bake=Duration.minutes(60)),
                Wave("second", REGIONS[1:3], bake=Duration.minutes(30)),
                Wave("rest", REGIONS[3:], bake=Duration.minutes(30)),
            ],
        )
        DeploymentPipeline(self, "Pipeline", name="fruit-api", last_stage=prod)
