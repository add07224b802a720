"""What is synthesized once per session and asserted many times."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from examples.fruit_api.infrastructure import FruitApiPipeline, Settings
from examples.fruit_api.infrastructure.settings import CONTEXT

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Synthesized:
    """An app and the folder of its cloud assembly."""

    app: App
    stack: FruitApiPipeline
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
        text = (self.folder / "FruitApiPipeline.template.json").read_text()
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


def resources(template: dict[str, Any], type_name: str) -> list[dict[str, Any]]:
    """Return the properties of a template's resources of one type."""
    return [
        resource.get("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == type_name
    ]
