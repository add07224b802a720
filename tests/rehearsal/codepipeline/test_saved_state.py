"""A saved emulator goes on with the executions that waited."""

import json
from pathlib import Path

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator, save_state
from dpra_constructs.rehearsal.settings import VARIABLE
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    approval,
    commit,
    named,
    publish,
    settings,
    source,
    stage,
    template,
    wait_for,
)

pytestmark = pytest.mark.rehearsal


def test_an_execution_goes_on_from_a_saved_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, saved = tmp_path / "repository", tmp_path / "saved"
    commit(repository, {"index.html": "one"}, "first")
    settings(tmp_path, repository)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "settings.json"))
    given = template(
        source(),
        stage("Beta", approval()),
        stage("Prod", publish(), approval(order=2), OnFailure={"Result": "ROLLBACK"}),
    )
    transition = {"pipelineName": "fruit", "stageName": "Prod", "transitionType": "Inbound"}
    with emulator() as endpoint:
        create_stack(
            client("cloudformation", endpoint, TOOLS), "fruit", json.dumps(named(given, "fruit"))
        )
        pipeline = Pipeline(name="fruit", endpoint=endpoint, repository=repository)
        target = pipeline.start()
        pipeline.answer("Beta")
        pipeline.answer("Prod")
        assert pipeline.status(target) == "Succeeded"
        pipeline.api.disable_stage_transition(**transition, reason="to be saved here")
        commit(repository, {"index.html": "two"}, "second")
        waiting = pipeline.start()
        pipeline.token("Beta", execution_id=waiting)
        with pytest.raises(RehearsalError, match="pipeline fruit runs in Beta; disable"):
            save_state(endpoint, saved)
        pipeline.answer("Beta", execution_id=waiting)
        wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
        save_state(endpoint, saved)
    for _ in range(2):  # each case starts from the same state
        with emulator(state=saved) as endpoint:
            pipeline = Pipeline(name="fruit", endpoint=endpoint, repository=repository)
            assert pipeline.status(waiting, "InProgress")
            pipeline.api.enable_stage_transition(**transition)
            pipeline.token("Prod", execution_id=waiting)
            assert pipeline.published() == {"index.html": "two"}
            pipeline.answer("Prod", execution_id=waiting, status="Rejected")
            assert pipeline.status(waiting) == "Failed"
            rollback = pipeline.executions()[0]
            assert rollback["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == target
            execution_id = rollback["pipelineExecutionId"]
            pipeline.answer("Prod", execution_id=execution_id)
            assert pipeline.status(execution_id) == "Succeeded"
            assert pipeline.published() == {"index.html": "one"}
