"""Every option that is rendered stands in the real tool's own help, be it run here or not."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from dpra_constructs.build_actions.git_guardian import GitGuardian
from dpra_constructs.build_actions.npm_audit import NpmAudit
from dpra_constructs.build_actions.snyk import Snyk
from dpra_constructs.build_actions.sonarqube import SonarQube
from dpra_constructs.build_actions.typed_action import TypedAction
from tests.build_actions.python_node_actions import EVERY_OPTION, SONAR, TOKEN
from tests.build_actions.python_node_stand_ins import refusing
from tests.build_actions.python_node_tools import TOOLS, run, run_commands, tree, venv


def options(action: TypedAction, program: str) -> set[str]:
    """Return the long options on the line that starts a program."""
    lines = [
        line
        for command in action.to_build_action().commands
        for line in command.splitlines()
        if re.match(rf"(\(?(cp|cd) .* && )?{program} ", line)
    ]
    assert len(lines) == 1
    # Without the git of a command within, whose options are git's.
    words = shlex.split(re.sub(r"\$\(git .*?\|\|", "", lines[0]))
    found = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert found
    return found


def unknown(wanted: set[str], text: str) -> set[str]:
    return {each for each in wanted if not re.search(rf"(?<![\w-]){each}(?![\w-])", text)}


def shown_help(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["git-guardian", "git-guardian-history"])
def test_ggshield_has_each_option(name: str) -> None:
    action = EVERY_OPTION[name]
    ggshield = str(venv(action) / "bin/ggshield")
    kind = "repo" if name.endswith("history") else "path"
    text = shown_help(ggshield, "--help") + shown_help(ggshield, "secret", "scan", kind, "--help")
    assert not unknown(options(action, "ggshield"), text)


def test_ggshield_with_a_wrong_key_fails_and_says_so(tmp_path: Path) -> None:
    with refusing() as address:
        environment = {
            "GITGUARDIAN_API_KEY": "not-a-real-key",
            "GITGUARDIAN_INSTANCE": address,
            "HOME": str(tmp_path),
        }
        folder = tree(tmp_path, {"fruit.py": ""})
        done = run(GitGuardian(token=TOKEN), folder, shell="dash", environment=environment)
    assert done.code == 1
    assert "Invalid GitGuardian API key" in done.log
    assert "not-a-real-key" not in done.log
    assert set(done.cases("reports/ggshield.xml").values()) == {"failure"}


def test_pysonar_has_each_option() -> None:
    action = EVERY_OPTION["sonarqube"]
    text = shown_help(str(venv(action) / "bin/pysonar"), "--help")
    assert not unknown(options(action, "pysonar"), text)


def test_pysonar_takes_the_token_from_the_environment(tmp_path: Path) -> None:
    action = SonarQube(
        host_url=SONAR,
        project_key="fruit",
        token=TOKEN,
        sources=["src"],
        extra_arguments=["--dry-run"],
    )
    folder = tree(tmp_path, {"src/fruit.py": ""})
    done = run(action, folder, shell="dash", environment={"SONAR_TOKEN": "not-a-real-token"})
    assert done.code == 0, done.log
    assert "not-a-real-token" not in done.log
    assert SONAR in done.log

    load = (
        "from pysonar_scanner.configuration import environment_variables; "
        "print(environment_variables.load())"
    )
    done = run_commands(
        [f"{venv(action)}/bin/python -c '{load}'"], folder, {"SONAR_TOKEN": "not-a-real-token"}
    )
    assert "'sonar.token': 'not-a-real-token'" in done.log


@pytest.mark.parametrize("name", ["snyk", "snyk-all"])
def test_snyk_has_each_option(name: str) -> None:
    action = EVERY_OPTION[name]
    folder = TOOLS / "snyk"
    if not (folder / "node_modules/snyk/help").exists():
        TOOLS.mkdir(exist_ok=True)
        # Its program comes from Snyk's own server when the package is installed.
        install = f"export npm_config_ignore_scripts=true\n{action.to_build_action().install[0]}"
        done = run_commands([install], TOOLS)
        assert done.code == 0, done.log
    assert (folder / "node_modules/.bin/snyk").exists()
    package = folder / "node_modules/snyk"
    text = next((package / "help").rglob("test.md")).read_text()
    assert not unknown(options(action, "snyk test"), text)
    # The sums by which the package checks its program.
    sums = (package / "wrapper_dist/generated/sha256sums.txt").read_text()
    assert re.search(r"^[0-9a-f]{64}  snyk-linux$", sums, re.MULTILINE)


def test_npm_audit_has_each_option() -> None:
    done = subprocess.run(["npm", "audit", "--help"], capture_output=True, text=True, timeout=60)
    action = NpmAudit(audit_level="low", omit=["dev"])
    assert not unknown(options(action, "npm audit"), done.stdout)


@pytest.mark.parametrize(
    ("name", "program", "show"),
    [
        ("bandit", "bandit", ["--help"]),
        ("black", "black", ["--help"]),
        ("cyclonedx-python", "cyclonedx-py environment", ["--help"]),
        ("detect-secrets", "detect-secrets scan", ["--help"]),
        ("pip-audit", "pip-audit", ["--help"]),
        ("pip-audit-environment", "pip-audit", ["--help"]),
        ("semgrep", "semgrep scan", ["--help=plain"]),
    ],
)
def test_python_tools_have_each_option(name: str, program: str, show: list[str]) -> None:
    action = EVERY_OPTION[name]
    first, *others = program.split()
    text = shown_help(str(venv(action) / "bin" / first), *others, *show)
    assert not unknown(options(action, program), text)


def test_the_cdk_has_each_option() -> None:
    text = shown_help("cdk", "synth", "--help")
    assert not unknown(options(EVERY_OPTION["cdk-synth"], "cdk synth"), text)


def test_an_option_that_is_none_is_noticed() -> None:
    assert unknown({"--no-such-option"}, "--no-such-options, --no") == {"--no-such-option"}
    assert options(Snyk(token=TOKEN), "snyk test") == {
        "--severity-threshold",
        "--sarif-file-output",
    }
