"""What is synthesized once per session and asserted many times."""

import fcntl
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CloudFormationValidatePlugin, Stack, Validations

from benchmarks.plain_pipeline import plain_pipeline
from examples.fruit_api.infrastructure import FruitApiPipeline, Settings
from examples.fruit_api.infrastructure.settings import CONTEXT
from examples.fruit_service.infrastructure import FruitServicePipeline
from examples.fruit_service.infrastructure import Settings as FruitServiceSettings
from examples.fruit_service.infrastructure.settings import CONTEXT as FRUIT_SERVICE_CONTEXT

ROOT = Path(__file__).parent.parent
FRUIT_SERVICE = ROOT / "examples" / "fruit_service"
# What `EcrPush` would write.
IMAGE_DIGEST = "sha256:" + 32 * "5e"
IMAGE = f"111111111111.dkr.ecr.us-west-2.amazonaws.com/fruit-service@{IMAGE_DIGEST}"

# A shell starts a suite in the background with Ctrl-C ignored, and what the tests start and then
# interrupt would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Synthesized:
    """An app and the folder of its cloud assembly."""

    app: App
    stack: Stack
    folder: Path

    def templates(self) -> dict[str, Any]:
        """Return every template, with those of nested assemblies, by its path."""
        return {
            path.relative_to(self.folder).as_posix(): json.loads(path.read_text())
            for path in sorted(self.folder.rglob("*.template.json"))
        }

    @property
    def template(self) -> dict[str, Any]:
        """The template of the pipeline's stack."""
        text = (self.folder / self.stack.template_file).read_text()
        template: dict[str, Any] = json.loads(text)
        return template


def validate_templates(app: App) -> None:
    """Have the CDK validate the templates of an app, which it does not do in the tests."""
    Validations.of(app).add_plugins(CloudFormationValidatePlugin())


def invalid_templates(folder: Path) -> list[Any]:
    """Return what the CDK's validation says of the templates of a cloud assembly."""
    reports = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    return [
        violation
        for report in reports
        if report["pluginName"] == "CloudFormation Validate"
        for violation in report["violations"]
    ]


def cfn_lint_rules(folder: Path) -> set[str]:
    """Return the rules of cfn-lint that a cloud assembly breaks."""
    from cfnlint.api import lint_file

    return {match.rule.id for path in folder.rglob("*.template.json") for match in lint_file(path)}


@pytest.fixture(scope="session")
def plain_cfn_lint_rules(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> set[str]:
    """What cfn-lint finds in plain CDK Pipelines, asked once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    found = shared / "plain_cfn_lint_rules.json"
    with (shared / "plain_cfn_lint_rules.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            folder = tmp_path_factory.mktemp("plain") / "cdk.out"
            app = App(outdir=str(folder))
            plain_pipeline(app, 9)
            app.synth()
            found.write_text(json.dumps(sorted(cfn_lint_rules(folder))))
    return set(json.loads(found.read_text()))


def synthesize_fruit_api(folder: Path, *, validated: bool = False) -> Synthesized:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(folder), context=context)
    if validated:
        validate_templates(app)
    stack = FruitApiPipeline(
        app, "FruitApiPipeline", settings=Settings.from_context(context[CONTEXT])
    )
    app.synth()
    return Synthesized(app, stack, folder)


@pytest.fixture(scope="session")
def fruit_api(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize_fruit_api(tmp_path_factory.mktemp("fruit_api") / "cdk.out", validated=True)


def synthesize_fruit_service(folder: Path) -> Synthesized:
    (folder / "image").mkdir(parents=True)
    (folder / "image" / "image.json").write_text(
        json.dumps({"repository": "fruit-service", "digest": IMAGE_DIGEST, "uri": IMAGE})
    )
    context = json.loads((FRUIT_SERVICE / "cdk.json").read_text())["context"]
    settings = FruitServiceSettings.from_context(context[FRUIT_SERVICE_CONTEXT])
    app = App(outdir=str(folder / "cdk.out"), context=context)
    validate_templates(app)
    stack = FruitServicePipeline(app, "FruitServicePipeline", settings=settings, root=folder)
    app.synth()
    return Synthesized(app, stack, folder / "cdk.out")


@pytest.fixture(scope="session")
def fruit_service(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize_fruit_service(tmp_path_factory.mktemp("fruit_service"))


def resources(template: dict[str, Any], type_name: str) -> list[dict[str, Any]]:
    """Return the properties of a template's resources of one type."""
    return [
        resource.get("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == type_name
    ]
