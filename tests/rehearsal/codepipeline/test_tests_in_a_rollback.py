"""Tests and migrations ask the deployed pipeline whether they are part of a rollback."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dpra_constructs.build_actions.kept_reports import EXECUTION, EXECUTION_ID
from dpra_constructs.test_actions import rollback_check
from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    allow,
    approval,
    role,
    source,
    stage,
    template,
)
from tests.rehearsal.codepipeline.test_codebuild import ARTIFACTS, LOGS, build, project

pytestmark = pytest.mark.rehearsal

Deploy = Callable[[Template], Pipeline]
AWS_CLI = Path(__file__).parents[1] / "aws_cli.py"
READ = allow("codepipeline:GetPipelineExecution")
CHECKS = {"test": rollback_check.skip_in_rollback, "migration": rollback_check.fail_unless_known}


def prod(folder: Path, kind: str, *statements: Template) -> Template:
    """A stage whose test or migration writes down that it ran, and which rolls back."""
    aws = folder / "aws"
    aws.write_text(f'#!/bin/sh\nexec {sys.executable} {AWS_CLI} "$@"\n')
    aws.chmod(0o755)
    # The pipeline has the name of its stack, which the template does not know.
    name = '"${CODEBUILD_INITIATOR#codepipeline/}"'
    check = CHECKS[kind]("NAME", kind).replace("--pipeline-name NAME", f"--pipeline-name {name}")
    ran = f'echo "$(cat index.html)" >>{folder}/ran'
    commands = [f'export PATH="{folder}:$PATH"', check, *rollback_check.unless_rollback([ran])]
    variable = {"name": EXECUTION, "value": EXECUTION_ID}
    configuration = {"EnvironmentVariables": json.dumps([variable])}
    return template(
        source(),
        stage(
            "Prod",
            build("Run", configuration=configuration),
            approval(order=2),
            OnFailure={"Result": "ROLLBACK"},
        ),
        resources={
            "BuildRole": role("codebuild", LOGS, ARTIFACTS, *statements),
            "Project": project({"phases": {"build": {"commands": commands}}}),
        },
    )


def roll_back(pipeline: Pipeline) -> str:
    """Let one execution succeed and the next fail; return the rollback's id."""
    first = pipeline.start()
    pipeline.answer("Prod", execution_id=first)
    assert pipeline.status(first) == "Succeeded"
    broken = pipeline.start()
    pipeline.answer("Prod", execution_id=broken, status="Rejected")
    assert pipeline.status(broken) == "Failed"
    rollback = pipeline.executions()[0]
    assert rollback["executionType"] == "ROLLBACK"
    return str(rollback["pipelineExecutionId"])


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_nothing_runs_in_the_rollback(deploy: Deploy, tmp_path: Path, kind: str) -> None:
    pipeline = deploy(prod(tmp_path, kind, READ))
    rollback = roll_back(pipeline)
    pipeline.answer("Prod", execution_id=rollback)
    assert pipeline.status(rollback) == "Succeeded"
    assert pipeline.run(rollback, "Run")["status"] == "Succeeded"
    assert len((tmp_path / "ran").read_text().splitlines()) == 2


def test_without_the_permission_a_test_runs(deploy: Deploy, tmp_path: Path) -> None:
    pipeline = deploy(prod(tmp_path, "test"))
    rollback = roll_back(pipeline)
    pipeline.answer("Prod", execution_id=rollback)
    assert pipeline.status(rollback) == "Succeeded"
    assert len((tmp_path / "ran").read_text().splitlines()) == 3


def test_without_the_permission_a_migration_fails(deploy: Deploy, tmp_path: Path) -> None:
    pipeline = deploy(prod(tmp_path, "migration"))
    assert "FAILED" in pipeline.failure(pipeline.start())
    assert not (tmp_path / "ran").exists()
