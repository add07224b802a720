"""The real tools, installed from the locks, on good and on bad source trees."""

import json
import os
import sys
from pathlib import Path

import pytest

from dpra_constructs.build_actions.bandit import Bandit
from dpra_constructs.build_actions.black import Black
from dpra_constructs.build_actions.cyclonedx_python import CycloneDxPython
from dpra_constructs.build_actions.detect_secrets import DetectSecrets
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.ruff import Ruff
from dpra_constructs.build_actions.semgrep import Semgrep
from tests.build_actions.python_node_tools import run, run_commands, tree, write_wheel

# Assembled here, so that no scanner finds it in this repository; AWS gives no such key.
FAKE_KEY = "AKIA" + "FRUITFAKEKEY0001"
SAFE = """\
def find(connection, name):
    return connection.execute("SELECT * FROM fruit WHERE name = ?", (name,))
"""
INJECTION = """\
def find(connection, name):
    return connection.execute("SELECT * FROM fruit WHERE name = '" + name + "'")
"""
RULE = """\
rules:
  - id: sql-injection
    languages: [python]
    severity: ERROR
    message: The text of a query is put together.
    pattern: $CONNECTION.execute("..." + $NAME + "...")
"""


def test_bandit_passes_what_is_safe(tmp_path: Path) -> None:
    done = run(Bandit(paths=["src"]), tree(tmp_path, {"src/fruit.py": SAFE}))
    assert done.code == 0, done.log
    assert done.cases("reports/bandit.xml") == {"bandit no findings": "passed"}


def test_bandit_finds_a_sql_injection(tmp_path: Path) -> None:
    done = run(Bandit(paths=["src"]), tree(tmp_path, {"src/fruit.py": INJECTION}), shell="dash")
    assert done.code == 1
    assert "src/fruit.py:2: B608: Possible SQL injection vector" in done.log
    assert done.cases("reports/bandit.xml") == {"src/fruit.py:2 B608": "failure"}


def test_bandit_fails_on_what_it_cannot_read(tmp_path: Path) -> None:
    done = run(Bandit(paths=["src"]), tree(tmp_path, {"src/fruit.py": "def find(:\n"}))
    assert done.code == 1
    assert "src/fruit.py: not-scanned: syntax error while parsing AST" in done.log


def test_bandit_keeps_to_its_threshold_and_exclusions(tmp_path: Path) -> None:
    files = {"src/fruit.py": INJECTION, "src/generated/query.py": INJECTION}
    folder = tree(tmp_path, files)
    assert run(Bandit(paths=["src"], severity="high"), folder).code == 0
    done = run(Bandit(paths=["src"], exclude=["*/generated/*"]), folder)
    assert set(done.cases("reports/bandit.xml")) == {"src/fruit.py:2 B608"}
    assert run(Bandit(paths=["src"], skip=["B608"]), folder).code == 0


def test_semgrep_passes_what_is_safe(tmp_path: Path) -> None:
    files = {"src/fruit.py": SAFE, "security/rules/sql.yaml": RULE}
    done = run(Semgrep(rules=["security/rules"]), tree(tmp_path, files))
    assert done.code == 0, done.log
    assert done.cases("reports/semgrep.xml") == {"semgrep no findings": "passed"}


def test_semgrep_finds_a_sql_injection_by_a_rule_of_the_repository(tmp_path: Path) -> None:
    files = {"src/fruit.py": INJECTION, "security/rules/sql.yaml": RULE}
    action = Semgrep(rules=["security/rules"], severity="WARNING")
    done = run(action, tree(tmp_path, files), shell="dash")
    assert done.code == 1
    rule = "security.rules.sql-injection"
    assert f"src/fruit.py:2: {rule}: The text of a query is put together." in done.log
    assert done.cases("reports/semgrep.xml") == {f"src/fruit.py:2 {rule}": "failure"}


def test_semgrep_fails_without_its_rules(tmp_path: Path) -> None:
    done = run(Semgrep(rules=["security/rules"]), tree(tmp_path, {"src/fruit.py": SAFE}))
    assert done.code == 1
    assert "security/rules" in done.log


def test_detect_secrets_passes_a_tree_without_secrets(tmp_path: Path) -> None:
    done = run(DetectSecrets(), tree(tmp_path, {"src/fruit.py": SAFE}))
    assert done.code == 0, done.log
    assert done.cases("reports/detect-secrets.xml") == {"detect-secrets no findings": "passed"}


@pytest.mark.parametrize("git", [True, False], ids=["git", "without-git"])
def test_detect_secrets_finds_a_secret_and_does_not_show_it(tmp_path: Path, git: bool) -> None:
    folder = tree(tmp_path, {"config/aws.ini": f"key = {FAKE_KEY}\n"}, git=git)
    done = run(DetectSecrets(), folder, shell="dash")
    assert done.code == 1
    assert "config/aws.ini:1: AWS Access Key: a secret stands here" in done.log
    assert done.cases("reports/detect-secrets.xml") == {
        "config/aws.ini:1 AWS Access Key": "failure"
    }
    written = [path.read_text() for path in (tmp_path / "reports").iterdir()]
    assert not any(FAKE_KEY in text for text in [done.log, *written])


def test_detect_secrets_knows_a_baseline(tmp_path: Path) -> None:
    old = {"config/old.ini": f"key = {FAKE_KEY}\n"}
    folder = tree(tmp_path, old)
    run(DetectSecrets(), folder)
    baseline = folder / ".secrets.baseline"
    baseline.write_text((folder / "reports/detect-secrets.json").read_text())
    before = baseline.read_text()
    tree(folder, {})
    with_baseline = DetectSecrets(baseline=".secrets.baseline")
    done = run(with_baseline, folder, shell="dash")
    assert done.code == 0, done.log
    assert baseline.read_text() == before

    tree(folder, {"config/new.ini": f"key = {FAKE_KEY[:-1]}2\n"})
    done = run(with_baseline, folder)
    assert done.code == 1
    assert set(done.cases("reports/detect-secrets.xml")) == {"config/new.ini:1 AWS Access Key"}

    audited = json.loads(before)
    audited["results"]["config/old.ini"][0]["is_secret"] = True
    baseline.write_text(json.dumps(audited))
    done = run(with_baseline, folder)
    assert "config/old.ini:1 AWS Access Key" in done.cases("reports/detect-secrets.xml")


def test_black_passes_what_is_formatted(tmp_path: Path) -> None:
    done = run(Black(), tree(tmp_path, {"src/fruit.py": SAFE}))
    assert done.code == 0, done.log
    assert done.cases("reports/black.xml") == {"black no findings": "passed"}


def test_black_names_the_file_that_is_not_formatted(tmp_path: Path) -> None:
    files = {"src/fruit.py": "name = 'apple'\n", "src/bad.py": "def find(:\n"}
    done = run(Black(paths=["src"]), tree(tmp_path, files), shell="dash")
    assert done.code == 1
    assert "\nsrc/fruit.py: black: black would reformat it\n" in done.log
    assert "\nsrc/bad.py:1:9: black: black cannot parse it\n" in done.log
    assert set(done.cases("reports/black.xml").values()) == {"failure"}


def test_ruff_names_file_and_rule(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"src/fruit.py": "import os\n"})
    done = run(Ruff(paths=["src"]), folder, shell="dash")
    assert done.code == 1
    assert "F401" in done.log
    assert "src/fruit.py:1:8" in done.log
    assert set(done.cases("reports/ruff.xml").values()) == {"failure"}
    (folder / "src/fruit.py").write_text("")
    assert run(Ruff(paths=["src"]), folder).code == 0


def test_pytest_names_the_test_that_fails_and_the_coverage_that_lacks(tmp_path: Path) -> None:
    files = {
        "src/fruit.py": "def apple():\n    return 1\n\n\ndef pear():\n    return 2\n",
        "tests/unit/test_fruit.py": (
            "from fruit import apple\n\n\ndef test_apple():\n    assert apple() == 1\n"
        ),
    }
    folder = tree(tmp_path, files)
    enough = Pytest(coverage=["src"], environment={"PYTHONPATH": "src"}, branch_coverage=True)
    done = run(enough, folder)
    assert done.code == 0, done.log
    assert done.cases("reports/junit.xml") == {"tests.unit.test_fruit test_apple": "passed"}
    assert 'branch-rate="' in (folder / "reports/coverage.xml").read_text()

    more = Pytest(coverage=["src"], environment={"PYTHONPATH": "src"}, minimum_coverage_percent=90)
    done = run(more, folder, shell="dash")
    assert done.code == 1
    assert "Required test coverage of 90% not reached" in done.log

    (folder / "src/fruit.py").write_text("def apple():\n    return 3\n")
    done = run(enough, folder)
    assert done.code == 1
    assert "tests/unit/test_fruit.py::test_apple" in done.log
    assert done.cases("reports/junit.xml") == {"tests.unit.test_fruit test_apple": "failure"}


PACKAGE = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "fruit"
version = "1.2.3"
[tool.hatch.build.targets.wheel]
packages = ["fruit"]
""",
    "fruit/__init__.py": "",
}


def test_python_build_builds_a_wheel_and_a_source_distribution(tmp_path: Path) -> None:
    # With the build and hatchling of this environment, so that nothing is fetched.
    action = PythonBuild(source_distribution=True, extra_arguments=["--no-isolation"])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    commands = list(action.to_build_action().commands)
    done = run_commands(commands, tree(tmp_path, PACKAGE), {"PATH": path}, shell="dash")
    assert done.code == 0, done.log
    built = sorted(each.name for each in (tmp_path / "dist").iterdir())
    assert built == ["fruit-1.2.3-py2.py3-none-any.whl", "fruit-1.2.3.tar.gz"]

    (tmp_path / "pyproject.toml").write_text("[project]\n")
    done = run_commands(commands, tmp_path, {"PATH": path})
    assert done.code == 1
    assert "ERROR" in done.log


def test_cyclonedx_python_lists_what_was_built(tmp_path: Path) -> None:
    write_wheel(tmp_path / "dist", "fruit")
    write_wheel(tmp_path / "dist", "pear")
    action = CycloneDxPython(pyproject="pyproject.toml")
    done = run(action, tree(tmp_path, PACKAGE), shell="dash")
    assert done.code == 0, done.log
    sbom = json.loads((tmp_path / "sbom/python.json").read_text())
    assert sbom["specVersion"] == "1.6"
    assert sbom["metadata"]["component"]["name"] == "fruit"
    assert [(each["name"], each["version"]) for each in sbom["components"]] == [("pear", "1.0")]
    assert "http://cyclonedx.org/schema/bom/1.6" in (tmp_path / "sbom/python.xml").read_text()
    again = (tmp_path / "sbom/python.json").read_bytes()
    run(action, tmp_path)
    assert (tmp_path / "sbom/python.json").read_bytes() == again


def test_cyclonedx_python_names_a_dependency_that_lacks(tmp_path: Path) -> None:
    write_wheel(tmp_path / "dist", "fruit", requires="idna>=3")
    done = run(CycloneDxPython(), tmp_path)
    assert done.code == 1
    assert "fruit 1.0 requires idna, which is not installed" in done.log


def test_cyclonedx_python_fails_without_a_wheel(tmp_path: Path) -> None:
    done = run(CycloneDxPython(), tree(tmp_path, {"dist/readme": ""}))
    assert done.code == 1
    assert "dist/*.whl" in done.log
