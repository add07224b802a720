"""Rolling a stage back: by itself on failure, and by RollbackStage."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    approval,
    commit,
    publish,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]
ROLLBACK = {"OnFailure": {"Result": "ROLLBACK"}}


def with_rollback() -> Template:
    """The artifact is deployed before the approval, so that a failure leaves the new version."""
    return template(source(), stage("Prod", publish(), approval(order=2), **ROLLBACK))


def succeeded(pipeline: Pipeline) -> str:
    execution_id = pipeline.start()
    pipeline.answer("Prod", execution_id=execution_id)
    assert pipeline.status(execution_id) == "Succeeded"
    return execution_id


def failed(pipeline: Pipeline) -> str:
    execution_id = pipeline.start()
    pipeline.answer("Prod", execution_id=execution_id, status="Rejected")
    assert pipeline.status(execution_id) == "Failed"
    return execution_id


def error_of(pipeline: Pipeline, target: str, stage_name: str = "Prod") -> str:
    with pytest.raises(ClientError) as caught:
        pipeline.api.rollback_stage(
            pipelineName=pipeline.name, stageName=stage_name, targetPipelineExecutionId=target
        )
    return str(caught.value.response["Error"]["Code"])


def latest(pipeline: Pipeline) -> dict[str, Any]:
    return pipeline.executions()[0]


def test_a_failed_stage_is_rolled_back_to_the_last_success(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    succeeded(pipeline)
    commit(pipeline.repository, {"index.html": "two"}, "second")
    target = succeeded(pipeline)
    commit(pipeline.repository, {"index.html": "three"}, "third")
    broken = pipeline.start()
    pipeline.token("Prod", execution_id=broken)
    assert pipeline.published() == {"index.html": "three"}
    pipeline.answer("Prod", execution_id=broken, status="Rejected")
    assert pipeline.status(broken) == "Failed"
    rollback = latest(pipeline)
    assert rollback["executionType"] == "ROLLBACK"
    assert rollback["trigger"] == {
        "triggerType": "AutomatedRollback",
        "triggerDetail": broken,
    }
    assert rollback["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": target}
    assert rollback["pipelineExecutionId"] in pipeline.execution(broken)["statusSummary"]
    pipeline.answer("Prod", execution_id=rollback["pipelineExecutionId"])
    assert pipeline.status(rollback["pipelineExecutionId"]) == "Succeeded"
    # Every action of the stage ran again, from the old artifact; the source did not.
    names = [run["actionName"] for run in pipeline.runs(rollback["pipelineExecutionId"])]
    assert names == ["Publish", "Approve"]
    assert pipeline.published() == {"index.html": "two"}
    assert latest(pipeline)["sourceRevisions"][0]["revisionSummary"].count("second") == 1


def test_a_first_failure_has_nothing_to_go_back_to(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    broken = failed(pipeline)
    summary = pipeline.execution(broken)["statusSummary"]
    assert "was not rolled back: no earlier execution has succeeded in it" in summary
    assert len(pipeline.executions()) == 1


def test_a_failed_rollback_ends_there(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    succeeded(pipeline)
    failed(pipeline)
    rollback = latest(pipeline)["pipelineExecutionId"]
    pipeline.answer("Prod", execution_id=rollback, status="Rejected")
    assert pipeline.status(rollback) == "Failed"
    assert latest(pipeline)["pipelineExecutionId"] == rollback


def test_a_rollback_comes_before_an_execution_that_waits(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    succeeded(pipeline)
    broken = pipeline.start()
    pipeline.token("Prod", execution_id=broken)
    waiting = pipeline.start()
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
    pipeline.answer("Prod", execution_id=broken, status="Rejected")
    assert pipeline.status(broken) == "Failed"
    rollback = latest(pipeline)
    assert rollback["executionType"] == "ROLLBACK"
    pipeline.answer("Prod", execution_id=rollback["pipelineExecutionId"])
    pipeline.answer("Prod", execution_id=waiting)
    assert pipeline.status(waiting) == "Succeeded"


def test_an_expired_artifact_fails_the_rollback_and_says_so(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    target = succeeded(pipeline)
    [artifact] = pipeline.run(target, "Take")["output"]["outputArtifacts"]
    location = artifact["s3location"]
    commit(pipeline.repository, {"index.html": "two"}, "second")
    broken = pipeline.start()
    pipeline.token("Prod", execution_id=broken)
    pipeline.client("s3").delete_object(Bucket=location["bucket"], Key=location["key"])
    pipeline.answer("Prod", execution_id=broken, status="Rejected")
    assert pipeline.status(broken) == "Failed"
    message = pipeline.failure(latest(pipeline)["pipelineExecutionId"])
    assert (
        f"the artifact Code (s3://{location['bucket']}/{location['key']}) is not there" in message
    )


def test_a_person_rolls_a_stage_back(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish(), approval(order=2))))
    target = succeeded(pipeline)
    commit(pipeline.repository, {"index.html": "two"}, "second")
    succeeded(pipeline)
    found = pipeline.executions(filter={"succeededInStage": {"stageName": "Prod"}})
    assert [each["pipelineExecutionId"] for each in found][-1] == target
    rollback = pipeline.api.rollback_stage(
        pipelineName=pipeline.name, stageName="Prod", targetPipelineExecutionId=target
    )["pipelineExecutionId"]
    pipeline.answer("Prod", execution_id=rollback)
    assert pipeline.status(rollback) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}
    assert pipeline.execution(rollback)["trigger"]["triggerType"] == "ManualRollback"
    assert error_of(pipeline, rollback) == "UnableToRollbackStageException"


def test_what_cannot_be_rolled_back(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish(), approval(order=2))))
    target = succeeded(pipeline)
    unsuccessful = failed(pipeline)
    assert error_of(pipeline, target, "Source") == "UnableToRollbackStageException"
    assert error_of(pipeline, target, "Gone") == "StageNotFoundException"
    assert error_of(pipeline, unsuccessful) == "UnableToRollbackStageException"
    nobody = "00000000-0000-4000-8000-000000000000"
    assert error_of(pipeline, nobody) == "PipelineExecutionNotFoundException"
    running = pipeline.start()
    pipeline.token("Prod", execution_id=running)
    assert error_of(pipeline, target) == "UnableToRollbackStageException"
    pipeline.answer("Prod", execution_id=running)
    pipeline.status(running)


def test_a_new_structure_takes_the_targets_away(deploy: Deploy) -> None:
    pipeline = deploy(with_rollback())
    target = succeeded(pipeline)
    changed = with_rollback()
    changed["Resources"]["Pipeline"]["Properties"]["Stages"].append(stage("Last", approval()))
    pipeline.update(changed)
    assert error_of(pipeline, target) == "PipelineExecutionOutdatedException"
    broken = failed(pipeline)
    summary = pipeline.execution(broken)["statusSummary"]
    assert "no earlier execution has succeeded in it in version 2" in summary
