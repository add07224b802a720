"""The pipeline with every test and other deployer: synthesized once; some run with stand-ins."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_cdk import App, Environment

from dpra_constructs import other_deployers, test_actions
from dpra_constructs.release import health_sources
from dpra_constructs.test_actions import DeployedTest
from dpra_constructs.testing import unacknowledged_findings
from tests.build_actions.unsafe_commands import problems
from tests.conftest import ROOT, cfn_lint_rules, invalid_templates, resources, validate_templates

EXAMPLE = ROOT / "examples" / "all_tests"
MODULES = ("pipeline", "application", "deployed_tests", "other_deployers")


@dataclass(frozen=True)
class AllTests:
    app: App
    tests: ModuleType
    deployers: ModuleType
    folder: Path

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = json.loads((self.folder / "AllTests.template.json").read_text())
        return template

    @property
    def every(self) -> list[Any]:
        given = self.tests
        lists = (given.INTEGRATION, given.ACCEPTANCE, given.PERFORMANCE, given.SECURITY)
        return [each for some in lists for each in some]


@pytest.fixture(scope="module")
def all_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllTests]:
    folder = tmp_path_factory.mktemp("all_tests") / "cdk.out"
    sys.path.insert(0, str(EXAMPLE))
    try:
        pipeline = importlib.import_module("pipeline")
        tests = importlib.import_module("deployed_tests")
        deployers = importlib.import_module("other_deployers")
    finally:
        sys.path.remove(str(EXAMPLE))
    app = App(outdir=str(folder))
    validate_templates(app)
    pipeline.AllTests(app, "AllTests", env=Environment(account="111111111111", region="us-west-2"))
    app.synth()
    yield AllTests(app, tests, deployers, folder)
    for name in MODULES:
        del sys.modules[name]


def test_every_typed_test_is_in_it(all_tests: AllTests) -> None:
    given = all_tests.tests
    shown = {type(each) for each in (*all_tests.every, *given.RESILIENCE, *given.MIGRATIONS)}
    values = {"DeployedTest", "BuildNetwork", "Thresholds", "ToDeployedTest"}
    assert {each.__name__ for each in shown} == set(test_actions.__all__) - values


def test_every_other_deployer_and_monitor_is_in_it(all_tests: AllTests) -> None:
    given = all_tests.deployers
    for module, each, base in (
        (other_deployers, given.DEPLOYMENTS, "ExternalDeployment"),
        (health_sources, given.MONITORS, "HealthSource"),
    ):
        assert {type(one).__name__ for one in each} == set(module.__all__) - {base}


def test_each_is_an_action_of_beta_or_of_every_region_of_gamma(all_tests: AllTests) -> None:
    [pipeline] = resources(all_tests.template, "AWS::CodePipeline::Pipeline")
    found: dict[str, int] = {}
    for stage in pipeline["Stages"]:
        for action in stage["Actions"]:
            if stage["Name"] in ("Beta", "Gamma"):
                key = f"{stage['Name']} {action['Name'].rpartition('.')[2]}"
                found[key] = found.get(key, 0) + 1
    given = all_tests.tests
    deployments = all_tests.deployers.DEPLOYMENTS
    for each in (*given.INTEGRATION, *given.ACCEPTANCE, *given.MIGRATIONS, *deployments):
        assert found[f"Beta {each.name}"] == 1
    tests = (*given.PERFORMANCE, *given.SECURITY, *given.RESILIENCE)
    for each in (*tests, *given.MIGRATIONS, *deployments):
        assert found[f"Gamma {each.name}"] == 2


def test_no_test_has_an_unsafe_command(all_tests: AllTests) -> None:
    for each in all_tests.every:
        test = each.to_deployed_test()
        assert list(problems("\n".join([*test.install, *test.command]))) == [], each.name


def test_cdk_nag_finds_nothing(all_tests: AllTests) -> None:
    assert unacknowledged_findings(all_tests.app) == []


def test_cfn_lint_finds_nothing_that_plain_cdk_pipelines_does_not_have(
    all_tests: AllTests, plain_cfn_lint_rules: set[str]
) -> None:
    assert cfn_lint_rules(all_tests.folder) <= plain_cfn_lint_rules


def test_the_validation_of_the_cdk_finds_nothing(all_tests: AllTests) -> None:
    assert invalid_templates(all_tests.folder) == []


STAND_IN = """\
#!/bin/sh
echo "$(basename "$0") $@" >>"$CALLS"
case "$2" in
send-command) echo 1c2d ;;
get-command-invocation) echo '<testsuite tests="1"/>' ;;
esac
for each in "$@"; do
  case "$each" in --logfilepath=*) echo '<testsuite tests="1"/>' >"${each#*=}" ;; esac
done
[ "$2" != wait ] || exit "$STATUS"
[ "$2" != --projectdir=tests/vrest ] || exit "$STATUS"
"""


@pytest.mark.parametrize("name", ["Vrest", "Telerik"])
@pytest.mark.parametrize("status", [0, 3])
def test_tools_without_a_type_run_fail_and_report(
    all_tests: AllTests, tmp_path: Path, name: str, status: int
) -> None:
    [test] = [each for each in all_tests.every if each.name == name]
    assert isinstance(test, DeployedTest)
    tools = tmp_path / "node_modules" / ".bin"
    tools.mkdir(parents=True)
    for tool in ("vrest-ng-cli", "aws", "npm"):
        (tools / tool).write_text(STAND_IN)
        (tools / tool).chmod(0o755)
    calls = tmp_path / "calls"
    # As CodeBuild does: the first command that fails ends the phase.
    script = "\n".join(f"{each}\n[ $? -eq 0 ] || exit 9" for each in (*test.install, *test.command))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "STATUS": str(status),
            "API_URL": "https://shop.example",
        },
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == (9 if status else 0), done.stderr
    made = calls.read_text()
    if name == "Vrest":
        assert "vrest-ng-cli run --projectdir=tests/vrest --env=Beta --logger=xunit" in made
    else:
        [sent] = re.findall(r"--parameters (.*)", made)
        assert json.loads(sent) == {
            "commands": ["C:/tests/run-test-studio.ps1 https://shop.example"]
        }
    if not status:
        [report] = test.reports
        [file] = report.files
        assert "<testsuite" in (tmp_path / file).read_text()


def test_the_readme_names_every_file() -> None:
    text = (EXAMPLE / "README.md").read_text()
    assert all(f"`{name}.py`" in text for name in MODULES)
