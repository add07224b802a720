"""The pipeline with every tool: synthesized once, and looked at as a whole."""

import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from aws_cdk import App, Environment

from dpra_constructs.build_actions.tool_versions import CDK_ASSETS, CDK_CLI
from dpra_constructs.cli.commands import dpra
from dpra_constructs.testing import unacknowledged_findings
from tests.build_actions.every_action import ALL_NAMES
from tests.build_actions.unsafe_commands import problems
from tests.conftest import ROOT, cfn_lint_rules, invalid_templates, resources, validate_templates

EXAMPLE = ROOT / "examples" / "all_tools"
# What neither a lock nor a hash checks, but the exact version pins: the first two are rendered by
# CDK Pipelines itself; the last is this library, which builds pull requests by `dpra build`.
# (With waves, the guard of the self-mutation has boto3 in the same way.)
PINNED_BY_VERSION = {
    "UpdatePipelineSelfMutation": f"npm install -g aws-cdk@{CDK_CLI}",
    "AssetsFileAsset": f"npm install -g cdk-assets@{CDK_ASSETS}",
    "PipelinePullRequest": r"python -m pip install --quiet 'dpra-constructs\[cli\]==[\d.]+'",
}
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html and
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_ACTIONS, MOST_RESOURCES, MOST_ARTIFACTS = 50, 500, 5
LARGEST_TEMPLATE = 1_000_000


@dataclass(frozen=True)
class AllTools:
    app: App
    tools: ModuleType
    folder: Path

    @property
    def template_file(self) -> Path:
        return self.folder / "AllTools.template.json"

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = json.loads(self.template_file.read_text())
        return template

    @property
    def stages(self) -> list[dict[str, Any]]:
        [pipeline] = resources(self.template, "AWS::CodePipeline::Pipeline")
        stages: list[dict[str, Any]] = pipeline["Stages"]
        return stages

    @property
    def projects(self) -> dict[str, dict[str, Any]]:
        return {
            name: resource["Properties"]
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::CodeBuild::Project"
        }


@pytest.fixture(scope="module")
def all_tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllTools]:
    folder = tmp_path_factory.mktemp("all_tools") / "cdk.out"
    sys.path.insert(0, str(EXAMPLE))
    try:
        pipeline, tools = importlib.import_module("pipeline"), importlib.import_module("tools")
    finally:
        sys.path.remove(str(EXAMPLE))
    app = App(outdir=str(folder))
    validate_templates(app)
    pipeline.AllTools(app, "AllTools", env=Environment(account="111111111111", region="us-west-2"))
    app.synth()
    yield AllTools(app, tools, folder)
    for name in ("pipeline", "tools"):
        del sys.modules[name]


def shell_text(value: Any) -> str:
    """Return a buildspec as text; what is known only at deployment is a word."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(shell_text, parts))
        case str():
            return value
        case _:
            return "deployed"


def commands(project: dict[str, Any], folder: Path) -> list[str]:
    text = shell_text(project["Source"]["BuildSpec"])
    # CDK Pipelines keeps that of an asset in a file of the cloud assembly.
    buildspec = json.loads(text if text.startswith("{") else (folder / text).read_text())
    return [
        command
        for phase in buildspec["phases"].values()
        for command in (*phase.get("commands", ()), *phase.get("finally", ()))
    ]


def test_every_typed_action_is_in_it_once(all_tools: AllTools) -> None:
    types = [type(each).__name__ for each in (*all_tools.tools.ACTIONS, all_tools.tools.SYNTH)]
    assert sorted(types) == sorted([*ALL_NAMES, "BuildAction"])


def test_every_action_is_one_of_the_pipeline(all_tools: AllTools) -> None:
    [build] = [stage for stage in all_tools.stages if stage["Name"] == "Build"]
    names = {action["Name"] for action in build["Actions"]}
    assert names == {"SourceLayout", "Synth", *(each.name for each in all_tools.tools.ACTIONS)}


def test_it_is_smaller_than_a_template_may_be(all_tools: AllTools) -> None:
    assert all_tools.template_file.stat().st_size < LARGEST_TEMPLATE
    assert len(all_tools.template["Resources"]) <= MOST_RESOURCES


def test_it_is_within_the_limits_of_code_pipeline(all_tools: AllTools) -> None:
    for stage in all_tools.stages:
        assert len(stage["Actions"]) <= MOST_ACTIONS
        for action in stage["Actions"]:
            assert len(action.get("InputArtifacts", ())) <= MOST_ARTIFACTS
            assert len(action.get("OutputArtifacts", ())) <= MOST_ARTIFACTS


def test_no_build_has_an_unsafe_command(all_tools: AllTools) -> None:
    pinned: set[str] = set()
    for name, project in all_tools.projects.items():
        text = "\n".join(commands(project, all_tools.folder))
        for kind, command in PINNED_BY_VERSION.items():
            if kind in name:
                text, count = re.subn(rf"(?m)^{command}$", "", text)
                assert count == 1, name
                pinned.add(kind)
        assert list(problems(text)) == [], name
    # An exception that nothing needs is none.
    assert pinned == set(PINNED_BY_VERSION)


def test_no_secret_is_a_plain_variable(all_tools: AllTools) -> None:
    kinds: dict[str, str] = {}
    for project in all_tools.projects.values():
        for variable in project["Environment"].get("EnvironmentVariables", ()):
            kinds[variable["Name"]] = variable["Type"]
    secret = {name for name in kinds if re.search("TOKEN|PASSWORD|USERNAME|KEY", name)}
    assert {kinds[name] for name in secret} == {"SECRETS_MANAGER", "PARAMETER_STORE"}
    assert len(secret) == 9
    assert {kinds[name] for name in kinds.keys() - secret} == {"PLAINTEXT"}


def test_a_condition_of_a_permission_stands_in_the_policy(all_tools: AllTools) -> None:
    statements = [
        statement
        for policy in resources(all_tools.template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "sts:GetServiceBearerToken"
    ]
    assert statements == [
        {
            "Action": "sts:GetServiceBearerToken",
            "Condition": {"StringEquals": {"sts:AWSServiceName": ["codeartifact.amazonaws.com"]}},
            "Effect": "Allow",
            "Resource": "*",
        }
    ]


def test_cdk_nag_finds_nothing(all_tools: AllTools) -> None:
    assert unacknowledged_findings(all_tools.app) == []


def test_cfn_lint_finds_nothing_that_plain_cdk_pipelines_does_not_have(
    all_tools: AllTools, plain_cfn_lint_rules: set[str]
) -> None:
    assert cfn_lint_rules(all_tools.folder) <= plain_cfn_lint_rules


def test_the_validation_of_the_cdk_finds_nothing(all_tools: AllTools) -> None:
    assert invalid_templates(all_tools.folder) == []


def test_husky_runs_actions_that_there_are(all_tools: AllTools) -> None:
    hook = (EXAMPLE / ".husky" / "pre-commit").read_text()
    [line] = hook.splitlines()
    program, subcommand, *words = shlex.split(line)
    assert program == "dpra"
    known = {name for each in dpra.commands[subcommand].params for name in each.opts}
    assert {word for word in words if word.startswith("--")} <= known
    names = {words[index + 1] for index, word in enumerate(words) if word == "--only"}
    assert names
    assert names <= {each.name for each in all_tools.tools.ACTIONS}
    package = json.loads((EXAMPLE / "package.json").read_text())
    assert package["scripts"]["prepare"] == "husky"
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["devDependencies"]["husky"])


def test_dependabot_looks_at_every_folder_that_has_dependencies(all_tools: AllTools) -> None:
    configuration = yaml.safe_load((EXAMPLE / ".github" / "dependabot.yml").read_text())
    assert configuration["version"] == 2
    folders = {
        folder.strip("/")
        for update in configuration["updates"]
        for folder in update.get("directories", [update.get("directory")])
    }
    named = {getattr(each, "directory", ".") for each in all_tools.tools.ACTIONS}
    assert {folder for folder in named if folder not in (None, ".")} <= folders
