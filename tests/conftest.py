"""What is synthesized once per session and asserted many times."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

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


def synthesize_fruit_api(folder: Path) -> Synthesized:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(folder), context=context)
    stack = FruitApiPipeline(
        app, "FruitApiPipeline", settings=Settings.from_context(context[CONTEXT])
    )
    app.synth()
    return Synthesized(app, stack, folder)


@pytest.fixture(scope="session")
def fruit_api(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize_fruit_api(tmp_path_factory.mktemp("fruit_api") / "cdk.out")


def synthesize_fruit_service(folder: Path) -> Synthesized:
    (folder / "image").mkdir(parents=True)
    (folder / "image" / "image.json").write_text(
        json.dumps({"repository": "fruit-service", "digest": IMAGE_DIGEST, "uri": IMAGE})
    )
    context = json.loads((FRUIT_SERVICE / "cdk.json").read_text())["context"]
    settings = FruitServiceSettings.from_context(context[FRUIT_SERVICE_CONTEXT])
    app = App(outdir=str(folder / "cdk.out"), context=context)
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
