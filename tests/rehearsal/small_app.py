"""A small CDK app with a pipeline, as a team's repository: what builds of it need is here."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

TOOLS, BETA, GAMMA, PROD = "111111111111", "222222222222", "333333333333", "444444444444"

_APP = """
import os
from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, Environment, Stack, Stage
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_secretsmanager as secretsmanager
from dpra_constructs import (
    BetaStage, BuildStage, ChangeCalendar, DeploymentEnvironment, DeploymentPipeline,
    DeploymentWindow, GammaStage, ManualApproval, ProdWaves, Requirement, SourceStage, Wave,
)
from dpra_constructs.artifact_integrity import ArtifactSigning, FunctionSigning
from dpra_constructs.build_actions import BuildAction, CdkSynth, CodeBuildProject
from dpra_constructs.database import DatabaseAccess
from dpra_constructs.monitoring import (
    ApiStep, ApiSyntheticTest, DeploymentHealth, function_alarms,
)
from dpra_constructs.source import GitHub, SourceLayout
from dpra_constructs.test_actions import DatabaseMigration, IntegrationTest

ROOT = Path(__file__).parent
# Whether releases are sealed and signed, migrate a database, bake, and heed a window and calendar.
WHOLE = (ROOT / "process.txt").read_text().strip() == "whole"
REGIONS = ["us-west-2", "us-east-1", "eu-central-1"]
SMALL = "the smallest app that shows faults"


class Fruit(Stage):
    def __init__(self, scope, id, target):
        super().__init__(scope, id, env=target.env)
        stack = Stack(self, "Api")
        function = lambda_.Function(
            stack, "Function", runtime=lambda_.Runtime.PYTHON_3_14, handler="app.handler",
            code=lambda_.Code.from_asset(str(ROOT / "src")),
            environment={"STAGE": target.environment},
        )
        integration = integrations.HttpLambdaIntegration("Call", function)
        http = api.HttpApi(stack, "HttpApi", default_integration=integration)
        CfnOutput(stack, "ApiUrl", value=http.api_endpoint)
        if WHOLE:
            alarms = function_alarms(function)
            if target.environment != "beta":
                # One request a minute, of which no alarm of the function makes a rate.
                test = ApiSyntheticTest(stack, "Visit", target=target, base_url=http.api_endpoint,
                                        steps=[ApiStep("Look")])
                alarms.append(test.alarm)
            DeploymentHealth(stack, "Health", target=target, alarms=alarms)
            database = Stack(self, "Database")
            CfnOutput(database, "DatabaseUrl", value=f"jdbc:postgresql://{target.region}:5432/fruit")
            login = secretsmanager.SecretStringGenerator(
                secret_string_template='{"username": "migrator"}', generate_string_key="password"
            )
            migrations = sorted(each.name for each in (ROOT / "database").iterdir())
            secret = secretsmanager.Secret(
                database, "Login", generate_secret_string=login,
                description=f"Of the database after {migrations[-1]}",
            )
            DatabaseAccess(database, "Access", target=target, secret=secret)
            stack.add_stack_dependency(database)


def without(waivers, *requirements):
    return {key: each for key, each in waivers.items() if not WHOLE or key not in requirements}


TESTS = [
    IntegrationTest("python3 -m unittest discover -s tests/integration",
                    outputs={"API_URL": "ApiUrl"}),
]
MIGRATIONS = [
    DatabaseMigration("flyway", changes="database", url_output="DatabaseUrl", access="Access",
                      project=CodeBuildProject(image="flyway/flyway:11")),
] if WHOLE else []
app = App()
tools = Stack(app, "Pipelines", env=Environment(account="111111111111", region="us-west-2"))
source = SourceStage(
    tools, "Source",
    repository=GitHub("acme/fruit",
        connection_arn="arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f"),
    layout=SourceLayout(application=["src"], tests=["tests"], infrastructure=["app.py"],
                        dependency_manifests=["requirements.txt"]),
    waivers={Requirement.SOURCE_STATIC_ASSETS: SMALL, Requirement.SOURCE_CONFIGURATION: SMALL},
)
build = BuildStage(
    tools, "Build", source=source, application=Fruit,
    actions=[
        BuildAction("UnitTests", commands=["python3 -m unittest discover -s tests/unit"],
                    meets=[Requirement.BUILD_UNIT_TESTS]),
        BuildAction("Secrets", commands=["! grep -rnE 'AKIA[0-9A-Z]{16}' src"],
                    meets=[Requirement.BUILD_SECRETS]),
    ],
    synth=CdkSynth(requirements=["requirements.txt"]),
    waivers=without({
        each: SMALL
        for each in (
            Requirement.BUILD_CODE, Requirement.BUILD_QUALITY, Requirement.BUILD_SAST,
            Requirement.BUILD_SCA, Requirement.BUILD_SBOM, Requirement.BUILD_SIGNATURE,
        )
    }, Requirement.BUILD_SIGNATURE),
)
beta = BetaStage(
    tools, "Beta", build=build,
    environment=DeploymentEnvironment("beta", account="222222222222", regions=["us-west-2"]),
    integration_tests=TESTS,
    migrations=MIGRATIONS,
    waivers={Requirement.BETA_ACCEPTANCE: SMALL},
)
gamma = GammaStage(
    tools, "Gamma", beta=beta,
    environment=DeploymentEnvironment("gamma", account="333333333333", regions=REGIONS),
    bake=Duration.minutes(10) if WHOLE else None,
    migrations=MIGRATIONS,
    waivers=without(dict.fromkeys([
        Requirement.GAMMA_MONITORING, Requirement.GAMMA_PERFORMANCE, Requirement.GAMMA_RESILIENCE,
        Requirement.GAMMA_DAST, Requirement.GAMMA_SYNTHETICS,
    ], SMALL), Requirement.GAMMA_MONITORING, Requirement.GAMMA_SYNTHETICS),
)
# Long enough for a fault, or for a person, to come before the end.
BAKE = Duration.minutes(30) if WHOLE else None
prod = ProdWaves(
    tools, "Prod", gamma=gamma,
    environment=DeploymentEnvironment("prod", account="444444444444"),
    approval=ManualApproval(timeout=Duration.days(1)),
    window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
    if WHOLE else None,
    calendar=ChangeCalendar(["year-end-freeze"]) if WHOLE else None,
    waves=[
        Wave("one-box", REGIONS[:1], bake=BAKE),
        *([Wave("second", REGIONS[1:2], bake=BAKE)] if WHOLE else []),
        Wave("rest", REGIONS[2 if WHOLE else 1 :], bake=BAKE),
    ],
    tests=TESTS if WHOLE else [],
    migrations=MIGRATIONS,
    on_bake_failure="roll_back_all" if WHOLE else "roll_back_wave",
    waivers=without({Requirement.PROD_ROLLBACK: SMALL}, Requirement.PROD_ROLLBACK),
)
MODE = (ROOT / "mode.txt").read_text().strip()
PROFILES = [
    f"arn:aws:signer:{region}:111111111111:/signing-profiles/fruit/a1B2c3D4e5" for region in REGIONS
]
SIGNING = ArtifactSigning(functions=FunctionSigning(profiles=PROFILES)) if WHOLE else None
DeploymentPipeline(tools, "Pipeline", name="fruit", last_stage=prod, signing=SIGNING,
                   execution_mode=codepipeline.ExecutionMode[MODE])
app.synth()
"""
_HANDLER = """
def handler(event, context):
    return {"statusCode": 200, "body": "one"}
"""
_UNIT_TEST = """
import sys, unittest
sys.path.insert(0, "src")
import app

class HandlerTest(unittest.TestCase):
    def test_it_answers(self):
        self.assertEqual(app.handler({}, None)["statusCode"], 200)
"""
_INTEGRATION_TEST = """
import os, unittest, urllib.request

class DeployedTest(unittest.TestCase):
    def test_it_answers(self):
        with urllib.request.urlopen(os.environ["API_URL"], timeout=20) as response:
            self.assertEqual(response.status, 200)
"""
REQUIREMENTS = "dpra-constructs==0.1.0\naws-cdk-lib==2.275.0\nconstructs==10.8.1\n"


def files(mode: str = "SUPERSEDED", *, whole: bool = False) -> dict[str, str]:
    """Return the app's files.

    Args:
        mode: the pipeline's execution mode.
        whole: whether releases are sealed, their functions signed, migrate a database, bake, heed a
            window and a calendar, and are tested in production; builds then need the AWS CLI and
            Flyway.
    """
    return {
        "app.py": _APP,
        "cdk.json": '{"app": "python3 app.py"}\n',
        "mode.txt": mode,
        "process.txt": "whole" if whole else "short",
        "database/V1__fruit.sql": "create table fruit (name text);\n",
        "requirements.txt": REQUIREMENTS,
        "src/app.py": _HANDLER,
        "tests/unit/__init__.py": "",
        "tests/unit/test_handler.py": _UNIT_TEST,
        "tests/integration/__init__.py": "",
        "tests/integration/test_deployed.py": _INTEGRATION_TEST,
    }


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, changed: Mapping[str, str], message: str = "A commit") -> str:
    """Commit files to the repository of a folder, which is made when it is not there."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    for name, content in changed.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
