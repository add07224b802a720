"""The smallest pipeline: one region and two accounts."""

from application import Hello
from aws_cdk import App, Duration, Environment, Stack

from dpra_constructs import (
    BetaStage,
    BuildStage,
    DeploymentEnvironment,
    DeploymentPipeline,
    GammaStage,
    ManualApproval,
    ProdWaves,
    Requirement,
    SourceStage,
    Wave,
)
from dpra_constructs.build_actions import Bandit, DetectSecrets, PipAudit, Pytest, Ruff
from dpra_constructs.source import CodeCommit, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

REGIONS, TOOLS, PROD = ["eu-central-1"], "111111111111", "444444444444"
NOTHING_TO_SHOW = "the application is one function: it has no pages and no configuration"
BAKE = Duration.minutes(15)
INSTALL = ["python -m pip install --quiet --requirement requirements.txt"]
NOTHING_BUILT = "the function's code stands in the template and needs no packages"

app = App()
stack = Stack(app, "HelloPipeline", env=Environment(account=TOOLS, region=REGIONS[0]))
# --- the pipeline
source = SourceStage(stack, "Source", repository=CodeCommit("hello"),
    layout=SourceLayout(application=["application.py"], tests=["tests"],
                        infrastructure=["app.py"], dependency_manifests=["requirements.txt"]),
    waivers={Requirement.SOURCE_STATIC_ASSETS: NOTHING_TO_SHOW,
             Requirement.SOURCE_CONFIGURATION: NOTHING_TO_SHOW})
build = BuildStage(stack, "Build", source=source, application=Hello,
    actions=[Pytest(paths=["tests"], install=INSTALL), Ruff(), DetectSecrets(),
             Bandit(paths=["application.py"]), PipAudit()],
    waivers=dict.fromkeys([Requirement.BUILD_CODE, Requirement.BUILD_SBOM,
                           Requirement.BUILD_SIGNATURE], NOTHING_BUILT))
beta = BetaStage(stack, "Beta", build=build,
    environment=DeploymentEnvironment("beta", account=TOOLS, regions=REGIONS),
    integration_tests=[IntegrationTest("curl --fail $URL | grep hello", outputs={"URL": "Url"})],
    acceptance_tests=[AcceptanceTest("curl --fail $URL", outputs={"URL": "Url"})])
gamma = GammaStage(stack, "Gamma", beta=beta,
    environment=DeploymentEnvironment("gamma", account=TOOLS, regions=REGIONS), bake=BAKE,
    waivers={**dict.fromkeys([Requirement.GAMMA_ENVIRONMENT, Requirement.GAMMA_PERFORMANCE,
                              Requirement.GAMMA_RESILIENCE, Requirement.GAMMA_DAST],
                             "a trial: an account and load of its own come with users"),
             Requirement.GAMMA_SYNTHETICS: "a trial: a canary each minute costs $52 a month"})
prod = ProdWaves(stack, "Prod", gamma=gamma, approval=ManualApproval(),
    environment=DeploymentEnvironment("prod", account=PROD),
    waves=[Wave("all", REGIONS, bake=BAKE)])
DeploymentPipeline(stack, "Pipeline", name="hello", last_stage=prod)
# --- that was it
app.synth()
