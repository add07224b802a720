"""What an update of the pipeline's structure does to executions."""

from collections.abc import Callable

from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    approval,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]


def structure(*more: Template, restart: bool = False) -> Template:
    return template(
        source(),
        stage("Prod", approval(), approval("Second", order=2)),
        *more,
        ExecutionMode="QUEUED",
        RestartExecutionOnUpdate=restart,
    )


def test_running_actions_are_completed_and_then_the_execution_fails(deploy: Deploy) -> None:
    pipeline = deploy(structure())
    running, waiting = pipeline.start(), pipeline.start()
    pipeline.token("Prod")
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
    pipeline.update(structure(stage("Last", approval())))
    assert pipeline.api.get_pipeline(name=pipeline.name)["pipeline"]["version"] == 2
    assert pipeline.status(waiting) == "Cancelled"
    assert pipeline.execution(running)["status"] == "InProgress"
    pipeline.answer("Prod")
    assert pipeline.status(running) == "Failed"
    assert pipeline.action("Prod", "Approve")["status"] == "Succeeded"
    assert not pipeline.action("Prod", "Second")
    assert "the pipeline was updated" in pipeline.execution(running)["statusSummary"]
    assert pipeline.execution(running)["pipelineVersion"] == 1
    assert len(pipeline.executions()) == 2


def test_an_update_starts_a_new_execution_where_it_is_to(deploy: Deploy) -> None:
    pipeline = deploy(structure(restart=True))
    old = pipeline.start()
    pipeline.token("Prod")
    pipeline.update(structure(stage("Last", approval()), restart=True))
    pipeline.answer("Prod", execution_id=old)
    assert pipeline.status(old) == "Failed"
    new = pipeline.executions()[0]
    assert new["pipelineExecutionId"] != old
    assert new["trigger"]["triggerDetail"] == "RestartExecutionOnUpdate"
    execution_id = new["pipelineExecutionId"]
    for stage_name, name in (("Prod", "Approve"), ("Prod", "Second"), ("Last", "Approve")):
        pipeline.answer(stage_name, name, execution_id=execution_id)
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.execution(execution_id)["pipelineVersion"] == 2


def test_a_restart_that_cannot_be_rehearsed_is_seen_as_failed(deploy: Deploy) -> None:
    pipeline = deploy(structure(restart=True))
    changed = structure(restart=True)
    changed["Resources"]["Pipeline"]["Properties"]["ExecutionMode"] = "PARALLEL"
    pipeline.update(changed)
    [execution] = pipeline.executions()
    assert execution["status"] == "Failed"
    assert "does not support the execution mode PARALLEL" in execution["statusSummary"]


def test_a_removed_stage_completes_what_runs_in_it(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Old", approval())))
    execution_id = pipeline.start()
    token = pipeline.token("Old")
    pipeline.update(template(source(), stage("New", approval())))
    assert token
    pipeline.api.stop_pipeline_execution(
        pipelineName=pipeline.name, pipelineExecutionId=execution_id, abandon=True
    )
    assert pipeline.status(execution_id) == "Stopped"
    following = pipeline.start()
    pipeline.answer("New", execution_id=following)
    assert pipeline.status(following) == "Succeeded"
