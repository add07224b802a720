"""What the documents say is so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Synthesized, invalid_templates, resources


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smallest")
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT / "examples" / "smallest",
        env={**os.environ, "CDK_OUTDIR": str(folder), "CDK_VALIDATION": "true"},
        check=True,
    )
    return folder


def key_count(templates: list[dict[str, object]]) -> int:
    return sum(len(resources(template, "AWS::KMS::Key")) for template in templates)


def test_the_pipeline_in_the_readme_is_the_smallest_example() -> None:
    app = (ROOT / "examples" / "smallest" / "app.py").read_text()
    pipeline = app.split("# --- the pipeline\n")[1].split("# --- that was it")[0]
    assert f"```python\n{pipeline}```" in (ROOT / "README.md").read_text()
    assert len(pipeline.splitlines()) <= 25


def test_the_validation_of_the_cdk_finds_nothing_in_the_smallest_example(smallest: Path) -> None:
    assert invalid_templates(smallest) == []


def test_the_smallest_example_waives_the_account_of_gamma(smallest: Path) -> None:
    template = json.loads((smallest / "HelloPipeline.template.json").read_text())
    assert "DPRA-GAMMA-ENVIRONMENT" in template["Metadata"]["DPRA::hello"]["Waivers"]


def alarm_count(templates: list[dict[str, object]]) -> int:
    return sum(len(resources(template, "AWS::CloudWatch::Alarm")) for template in templates)


def dashboard_count(templates: list[dict[str, object]]) -> int:
    return sum(len(resources(template, "AWS::CloudWatch::Dashboard")) for template in templates)


def test_the_idle_cost_is_that_of_keys_alarms_and_dashboards(
    smallest: Path, fruit_api: Synthesized
) -> None:
    text = (ROOT / "docs" / "idle-cost.md").read_text()
    small = [json.loads(path.read_text()) for path in smallest.glob("*.template.json")]
    for name, templates in (
        ("smallest", small),
        (
            "fruit_api",
            [
                template
                for path, template in fruit_api.templates().items()
                # The application's own are not the pipeline's.
                if not path.startswith("assembly-")
            ],
        ),
    ):
        keys = key_count(templates)
        alarms = alarm_count(templates) * 0.10
        boards = dashboard_count(templates) * 3
        row = f"{keys} | ${keys}.00 | ${alarms:.2f} | ${boards}.00 | ${keys + alarms + boards:.2f}"
        assert f"| `examples/{name}` | {row} |" in text


def test_each_fence_of_the_readme_that_is_a_command_is_a_target_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("rehearse", "test"):
        assert f"\n{target}:" in makefile
