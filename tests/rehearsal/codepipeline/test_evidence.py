"""Evidence that a build keeps under the rights of its role, and `dpra evidence` shows."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dpra_constructs.artifact_integrity.runtime.evidence import keep
from dpra_constructs.build_actions.build_action import Report
from dpra_constructs.build_actions.buildspec import partial_buildspec
from dpra_constructs.build_actions.kept_reports import EVIDENCE, EXECUTION, EXECUTION_ID
from dpra_constructs.cli.commands import dpra
from dpra_constructs.rehearsal.isolation import child_environment
from tests.artifact_integrity.sealing import sealed, signer
from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    allow,
    bucket,
    role,
    source,
    stage,
    template,
)
from tests.rehearsal.codepipeline.test_codebuild import LOGS, build, project

pytestmark = pytest.mark.rehearsal

Deploy = Callable[[Template], Pipeline]
AWS_CLI = Path(__file__).parents[1] / "aws_cli.py"
READ = allow("s3:GetObject*", "codeconnections:UseConnection")
REPORTS = allow("codebuild:CreateReport", "codebuild:UpdateReport", "codebuild:BatchPutTestCases")
JUNIT = "<testsuite/>"
ANY_EXECUTION = "????????-????-????-????-????????????"


def of_project(name: str) -> dict[str, str]:
    return {
        "Fn::Sub": f"${{Evidence.Arn}}/executions/${{AWS::StackName}}/{ANY_EXECUTION}"
        f"/${{AWS::StackName}}-Build-{name}/*"
    }


def unit_tests(folder: Path, *statements: Template, end: str = "true") -> Template:
    """A build with a report, as the library makes it, which ends with a command."""
    aws = folder / "aws"
    aws.write_text(f'#!/bin/sh\nexec {sys.executable} {AWS_CLI} "$@"\n')
    aws.chmod(0o755)
    spec = partial_buildspec(reports=[Report("unit", ["reports/*.xml"])], runtime_versions={})
    commands = [
        f'export PATH="{folder}:$PATH"',
        f"mkdir reports && printf '{JUNIT}' >reports/junit.xml && cd reports",
        end,
    ]
    spec["phases"]["build"] = {"commands": commands}
    address = {"Fn::Sub": "${Evidence}/executions/${AWS::StackName}"}
    made = project(
        spec,
        Name={"Fn::Sub": "${AWS::StackName}-Build-UnitTests"},
        Environment={"EnvironmentVariables": [{"Name": EVIDENCE, "Value": address}]},
    )
    told = json.dumps([{"name": EXECUTION, "value": EXECUTION_ID}])
    return template(
        source(),
        stage("Build", build("UnitTests", configuration={"EnvironmentVariables": told})),
        resources={
            "Evidence": bucket(),
            "BuildRole": role("codebuild", LOGS, READ, REPORTS, *statements),
            "Project": made,
        },
    )


def run(pipeline: Pipeline, *arguments: str) -> Result:
    environment = child_environment(
        endpoint=pipeline.endpoint, account=TOOLS.account, region=TOOLS.region
    )
    return CliRunner().invoke(dpra, ["evidence", *arguments], env=environment)


def test_what_a_release_has_left_is_listed_and_downloaded(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = deploy(unit_tests(tmp_path, allow("s3:PutObject", on=of_project("UnitTests"))))
    execution = pipeline.start()
    assert pipeline.status(execution) == "Succeeded"
    listed = run(pipeline, execution)
    [heading, line] = listed.output.splitlines()
    place = f"executions/{pipeline.name}/{execution}"
    assert heading.startswith(f"{pipeline.name}, execution {execution}: 1 files in s3://")
    assert heading.endswith(f"/{place}/")
    report = f"{pipeline.name}-Build-UnitTests/reports/junit.xml"
    assert line.split() == [hashlib.sha256(JUNIT.encode()).hexdigest(), str(len(JUNIT)), report]

    environment = child_environment(
        endpoint=pipeline.endpoint, account=TOOLS.account, region=TOOLS.region
    )
    with monkeypatch.context() as seal:
        for name, value in environment.items():
            if name.startswith("AWS_"):
                seal.setenv(name, value)
        root = sealed(tmp_path, signer())
        store = heading.partition("s3://")[2].partition("/")[0]
        keep(root, f"{store}/{place}/{pipeline.name}-Build-Seal")
    folder = tmp_path / "evidence"
    shown = run(
        pipeline, execution, "--pipeline", pipeline.name, "--download", f"{folder}", "--json"
    )
    assert shown.exit_code == 0, shown.output
    files = {each["path"]: each["sha256"] for each in json.loads(shown.output)["files"]}
    seal_place = f"{pipeline.name}-Build-Seal/integrity"
    assert list(files) == [
        f"{seal_place}/manifest.json",
        f"{seal_place}/provenance.dsse.json",
        f"{seal_place}/sbom/sbom/bom.json",
        report,
    ]
    for path, sha256 in files.items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == sha256


def test_a_build_that_failed_leaves_its_report(deploy: Deploy, tmp_path: Path) -> None:
    statement = allow("s3:PutObject", on=of_project("UnitTests"))
    pipeline = deploy(unit_tests(tmp_path, statement, end="exit 3"))
    execution = pipeline.start()
    assert "exit 3" in pipeline.failure(execution)
    assert "-Build-UnitTests/reports/junit.xml" in run(pipeline, execution).output


@pytest.mark.parametrize("other", ["Seal", "UnitTests2"])
def test_a_build_cannot_write_the_evidence_of_another(
    deploy: Deploy, tmp_path: Path, other: str
) -> None:
    pipeline = deploy(unit_tests(tmp_path, allow("s3:PutObject", on=of_project(other))))
    execution = pipeline.start()
    assert pipeline.status(execution) == "Succeeded"
    result = run(pipeline, execution)
    assert result.exit_code == 1
    assert f"{execution} has ended as Succeeded and has left no evidence" in result.output


def test_an_execution_that_nobody_knows_is_said(deploy: Deploy, tmp_path: Path) -> None:
    pipeline = deploy(unit_tests(tmp_path))
    unknown = "8c5f1a52-0000-4000-8000-000000000000"
    result = run(pipeline, unknown, "--pipeline", pipeline.name)
    assert result.exit_code == 1
    assert f"{pipeline.name} knows no execution {unknown}" in result.output
