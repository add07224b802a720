"""A plain CDK Pipelines app, rehearsed by an installed wheel in a folder of its own."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from dpra_constructs.library_wheel import library_wheel
from tests.rehearsal import small_app

pytestmark = pytest.mark.rehearsal

_APP = """
from pathlib import Path

from aws_cdk import App, CfnOutput, Environment, Stack, Stage, pipelines
from aws_cdk import aws_lambda as lambda_

# The CDK alone grants UseConnection under the older name of the service only.
CONNECTION = "arn:aws:codestar-connections:us-west-2:111111111111:connection/1c2d3e4f"
ROOT = Path(__file__).parent


class Fruit(Stage):
    def __init__(self, scope, id, **kwargs):
        super().__init__(scope, id, **kwargs)
        stack = Stack(self, "Api")
        function = lambda_.Function(
            stack, "Function", runtime=lambda_.Runtime.PYTHON_3_14, handler="app.handler",
            code=lambda_.Code.from_asset(str(ROOT / "src")),
        )
        self.name = CfnOutput(stack, "Name", value=function.function_name)


app = App()
stack = Stack(app, "Plain", env=Environment(account="111111111111", region="us-west-2"))
pipeline = pipelines.CodePipeline(
    stack, "Pipeline", pipeline_name="plain", cross_account_keys=True, cli_version="2.1148.1",
    synth=pipelines.ShellStep(
        "Synth",
        input=pipelines.CodePipelineSource.connection("acme/plain", "main",
                                                      connection_arn=CONNECTION),
        install_commands=["npm install -g aws-cdk@2.1148.1",
                          "python -m pip install --quiet --requirement requirements.txt"],
        commands=["cdk synth --quiet", "python lower.py"],
    ),
)
for environment, account in (("Test", "222222222222"), ("Prod", "444444444444")):
    wave = pipeline.add_wave(environment)
    for region in ("us-west-2", "us-east-1"):
        stage = Fruit(app, f"plain-{environment}-{region}",
                      env=Environment(account=account, region=region))
        post = [] if environment == "Prod" else [pipelines.ShellStep(
            f"Look-{region}", env_from_cfn_outputs={"NAME": stage.name},
            commands=['test -n "$NAME"'])]
        wave.add_stage(stage, post=post)
app.synth()
"""
# The published cdk-assets reads no newer manifests: docs/decisions/0005.
_LOWER = """
from pathlib import Path

for path in Path("cdk.out").rglob("*.assets.json"):
    path.write_text(path.read_text().replace("55.0.0", "54.0.0", 1))
"""


def installed(folder: Path) -> Path:
    """Make an environment with the library's wheel and the packages that it needs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (folder / "wheels").mkdir()
    wheel = library_wheel(folder / "wheels")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--target", str(site), str(wheel)),
        ],
        check=True,
    )
    # A line of a .pth file is a folder more, whose own .pth files (the checkout) do not count.
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/python"


def test_a_plain_pipeline_is_rehearsed_by_an_installed_wheel(tmp_path: Path) -> None:
    python = installed(tmp_path / "environment")
    small_app.commit(
        tmp_path / "app",
        {
            "app.py": _APP,
            "lower.py": _LOWER,
            "cdk.json": '{"app": "python3 app.py"}',
            "requirements.txt": "aws-cdk-lib==2.275.0\nconstructs==10.8.1\n",
            "src/app.py": "def handler(event, context):\n    return 1\n",
        },
    )
    where = subprocess.run(
        [python, "-c", "import dpra_constructs; print(dpra_constructs.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert Path(where.stdout.strip()).is_relative_to(tmp_path / "environment")
    done = subprocess.run(
        [
            *(python, "-c", "from dpra_constructs.cli import main; main()"),
            *("rehearse", "--approve", "--json", "../result.json"),
        ],
        cwd=tmp_path / "app",
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    head = small_app.git(tmp_path / "app", "rev-parse", "HEAD")
    assert {
        (account, region, stack["commit"])
        for account, regions in result["deployed"].items()
        for region, stacks in regions.items()
        for stack in stacks
    } == {
        (account, region, head)
        for account in ("222222222222", "444444444444")
        for region in ("us-west-2", "us-east-1")
    }
    # What the rehearsal writes is nothing that git would see.
    assert small_app.git(tmp_path / "app", "status", "--porcelain", "--", "rehearsal.out") == ""
