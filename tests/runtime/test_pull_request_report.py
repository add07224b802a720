"""The report on a pull request: each build action is a test."""

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dpra_constructs.pipeline.pull_requests import report_command


def action(name: str, status: str, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "reason": reason, "seconds": 1.5, "reports": [], **more}


RESULT = {
    "pipeline": "fruit",
    "stage": "Build",
    "actions": [
        action("Package", "succeeded"),
        action("Publish", "skipped", "publishes"),
        action(
            "UnitTests",
            "failed",
            "exit code 1 of pytest",
            reports=[{"failed": [{"name": "test_price", "message": "1 < 2 & 3"}]}],
        ),
        action("Synth", "not run"),
    ],
}


def written(folder: Path) -> ElementTree.Element:
    subprocess.run(["bash", "-c", report_command()], cwd=folder, check=True)
    return ElementTree.parse(folder / "dpra-build.xml").getroot()


def test_each_action_is_a_test(tmp_path: Path) -> None:
    (tmp_path / "dpra-build.json").write_text(json.dumps(RESULT))
    suite = written(tmp_path)
    cases = {case.attrib["name"]: case for case in suite}
    assert list(cases) == ["Package", "Publish", "UnitTests", "Synth"]
    outcomes = {name: [child.tag for child in case] for name, case in cases.items()}
    assert outcomes == {
        "Package": [],
        "Publish": ["skipped"],
        "UnitTests": ["failure"],
        "Synth": ["skipped"],
    }
    [failure] = cases["UnitTests"]
    assert failure.attrib["message"] == "exit code 1 of pytest"
    assert failure.text == "test_price: 1 < 2 & 3"
    assert suite.attrib == {"name": "fruit", "tests": "4"}


def test_a_build_that_did_not_start_has_no_report(tmp_path: Path) -> None:
    subprocess.run(["bash", "-c", report_command()], cwd=tmp_path, check=True)
    assert not (tmp_path / "dpra-build.xml").exists()
