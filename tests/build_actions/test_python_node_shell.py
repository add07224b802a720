"""What every action renders: shell that sh and bash read, pinned tools, no secrets."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from dpra_constructs import Requirement
from dpra_constructs.build_actions.cdk_synth import CdkSynth
from dpra_constructs.build_actions.cyclonedx_python import CycloneDxPython
from dpra_constructs.build_actions.npm import Npm
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.typed_action import TypedAction
from tests.build_actions.python_node_actions import ALL, EVERY_OPTION, ODD, PLAIN, TOKEN
from tests.conftest import ROOT

LOCKS = ROOT / "dpra_constructs" / "build_actions" / "locks"
TSC = "./node_modules/.bin/tsc --noEmit --pretty false --project a.json"
MINIFY = "npm run build:web -- --minify"


def rendered(action: TypedAction) -> list[str]:
    built = action.to_build_action()
    return [*built.install, *built.commands]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("action", ALL.values(), ids=ALL)
def test_sh_and_bash_read_each_command(action: TypedAction, shell: str) -> None:
    assert shutil.which(shell)
    for each in rendered(action):
        done = subprocess.run([shell, "-n"], input=each, capture_output=True, text=True)
        # Bash only warns of a here-document that never ends.
        assert (done.returncode, done.stderr) == (0, ""), each


@pytest.mark.parametrize("action", EVERY_OPTION.values(), ids=EVERY_OPTION)
def test_the_shell_takes_no_argument_apart(action: TypedAction) -> None:
    lines = [line for each in rendered(action) for line in each.splitlines() if "odd" in line]
    for line in lines:
        for word in shlex.split(line):
            assert "odd" not in word or ODD in word or re.escape(ODD) in word, line


@pytest.mark.parametrize("action", ALL.values(), ids=ALL)
def test_tools_are_pinned_and_nothing_runs_unread(action: TypedAction) -> None:
    for each in rendered(action):
        assert not re.search(r"curl|wget|@latest|\bnpx\b|npm install|\|\s*(ba)?sh\b", each)
        for line in each.splitlines():
            if "pip" in line and " install " in line and not isinstance(action, CdkSynth):
                assert "--require-hashes" in line or "--no-index" in line, line


@pytest.mark.parametrize(
    ("package", "wants"),
    [
        ("cyclonedx-bom", "cyclonedx-python-lib[validation]"),
        ("ggshield", "pydantic[email]"),
        ("locust", "python-socketio[client]"),
        ("pip-audit", "cachecontrol[filecache]"),
        ("pytest-cov", "coverage[toml]"),
        ("semgrep", "pyjwt[crypto]"),
    ],
)
def test_locks_name_the_extras_that_packages_want(package: str, wants: str) -> None:
    # pip 24 takes the newest version of `coverage[toml]`, and fails, where `coverage` is pinned.
    files = [*LOCKS.glob("*.txt"), *ROOT.glob("examples/*/requirements*.txt")]
    locks = [text for text in map(Path.read_text, files) if f"\n{package}==" in f"\n{text}"]
    assert locks
    assert all(f"\n{wants}==" in f"\n{text}" for text in locks)


@pytest.mark.parametrize(("action", "requirement"), PLAIN.values(), ids=PLAIN)
def test_each_meets_its_requirement(action: TypedAction, requirement: Requirement) -> None:
    assert action.to_build_action().meets == (requirement,)


@pytest.mark.parametrize("name", ["git-guardian", "snyk", "sonarqube"])
def test_tokens_are_references(name: str) -> None:
    built = PLAIN[name][0].to_build_action()
    assert list(built.secrets.values()) == [TOKEN]
    variable = next(iter(built.secrets))
    assert not any(variable in command for command in (*built.install, *built.commands))


def test_each_says_a_report_where_its_tool_finds_something() -> None:
    without = {name for name, (action, _) in PLAIN.items() if not action.to_build_action().reports}
    builds = {"cdk-synth", "npm", "python-build"}
    assert without == {*builds, "cyclonedx-npm", "cyclonedx-python", "sonarqube"}


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.json")), ids=lambda path: path.stem)
def test_a_node_lock_says_which_program_npm_puts_on_path(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    for name in packages[""]["dependencies"]:
        assert packages[f"node_modules/{name}"]["bin"]


@pytest.mark.parametrize(
    ("action", "rendered_command"),
    [
        (
            CdkSynth(context={"stage": "beta"}, strict=True),
            "cdk synth --quiet --output cdk.out --strict --context stage=beta",
        ),
        (
            Pytest(coverage=["src"], branch_coverage=True, configuration="pytest.ini"),
            "python -m pytest --junit-xml=reports/junit.xml --config-file=pytest.ini --cov=src "
            "--cov-report=xml:reports/coverage.xml --cov-report=term --cov-branch tests/unit",
        ),
        (
            PythonBuild(source_distribution=True),
            "python -m build --wheel --sdist --outdir dist .",
        ),
        (Npm(tsconfig="a.json", type_check=True, scripts=[]), TSC),
        (Npm(scripts=["build:web"], extra_arguments=["--minify"]), MINIFY),
    ],
    ids=["cdk-synth", "pytest", "python-build", "tsc", "npm"],
)
def test_options_are_rendered(action: TypedAction, rendered_command: str) -> None:
    assert action.to_build_action().commands == (rendered_command,)


def test_what_was_built_is_what_later_actions_look_at() -> None:
    assert PythonBuild().to_build_action().outputs == {"dist": "dist"}
    sbom = CycloneDxPython().to_build_action()
    assert (sbom.inputs, dict(sbom.outputs)) == (("dist",), {"sbom": "sbom"})
    assert Npm(scripts=[], type_check=True).to_build_action().outputs == {}
