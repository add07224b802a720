"""The library as its users get it: a wheel, installed elsewhere."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

APP = """
from aws_cdk import App, CfnOutput, Environment, Stack, Stage
import dpra_constructs
from dpra_constructs import *
from dpra_constructs.build_actions import BuildAction
from dpra_constructs.source import CodeCommit, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

assert "site" in dpra_constructs.__file__, dpra_constructs.__file__


class AcmeBuildStage(BuildStage):
    def __init__(self, scope, id, *, actions=(), **kwargs):
        meets = [each for each in Requirement if each.stage == "build"]
        licences = BuildAction("Licences", commands=["./licences"], meets=meets)
        super().__init__(scope, id, actions=[*actions, licences], **kwargs)


class Fruit(Stage):
    def __init__(self, scope, id, target):
        super().__init__(scope, id, env=target.env)
        CfnOutput(Stack(self, "Api"), "Url", value="https://acme.example")


app = App(outdir="cdk.out")
stack = Stack(app, "Acme", env=Environment(account="111111111111", region="us-west-2"))
layout = SourceLayout(application=["src"], tests=["t"], infrastructure=["i"], static_assets=["s"],
                      dependency_manifests=["p"], static_configuration=["c"])
source = SourceStage(stack, "Source", repository=CodeCommit("fruit"), layout=layout)
build = AcmeBuildStage(stack, "Build", source=source, application=Fruit)
beta = BetaStage(stack, "Beta", build=build,
                 environment=DeploymentEnvironment("beta", account="222222222222",
                                                   regions=["us-west-2"]),
                 integration_tests=[IntegrationTest("./it", outputs={"URL": "Url"})],
                 acceptance_tests=[AcceptanceTest("./at")])
gamma = GammaStage(stack, "Gamma", beta=beta, environment=DeploymentEnvironment(
    "gamma", account="333333333333", regions=["us-west-2"]),
    waivers=dict.fromkeys([Requirement.GAMMA_MONITORING, Requirement.GAMMA_SYNTHETICS],
                          "a test, which deploys nothing"))
prod = ProdWaves(stack, "Prod", gamma=gamma, approval=ManualApproval(),
                 environment=DeploymentEnvironment("prod", account="444444444444"),
                 waves=[Wave("all", ["us-west-2"])],
                 waivers={Requirement.PROD_ROLLBACK: "a test, which deploys nothing"})
DeploymentPipeline(stack, "Pipeline", name="fruit", last_stage=prod)
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def test_a_subclass_of_the_installed_build_stage_adds_its_action(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True)
    (tmp_path / "app.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); import app"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    template = json.loads((tmp_path / "cdk.out" / "Acme.template.json").read_text())
    [pipeline] = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::CodePipeline::Pipeline"
    ]
    build = next(stage for stage in pipeline["Stages"] if stage["Name"] == "Build")
    assert [action["Name"] for action in build["Actions"]] == [
        "SourceLayout",
        "Licences",
        "Synth",
        "Seal",
    ]


def test_the_wheel_has_runtime_code_types_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "dpra_constructs/py.typed" in names
    assert "dpra_constructs/pipeline/runtime/self_mutation_guard.py" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "examples")) for name in names)
