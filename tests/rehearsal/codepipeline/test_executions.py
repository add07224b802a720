"""How executions go from stage to stage."""

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


def error_of(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_a_commit_is_deployed(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}
    [revision] = pipeline.execution(execution_id)["artifactRevisions"]
    assert revision["name"] == "Code"
    variables = pipeline.run(execution_id, "Take")["output"]["outputVariables"]
    assert variables["CommitId"] == revision["revisionId"]
    assert variables["CommitMessage"] == "first"


def test_a_commit_can_be_chosen(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    first = pipeline.start()
    assert pipeline.status(first) == "Succeeded"
    old = pipeline.execution(first)["artifactRevisions"][0]["revisionId"]
    commit(pipeline.repository, {"index.html": "two"}, "second")
    assert pipeline.status(pipeline.start()) == "Succeeded"
    assert pipeline.published() == {"index.html": "two"}
    wanted = {"actionName": "Take", "revisionType": "COMMIT_ID", "revisionValue": old}
    assert pipeline.status(pipeline.start(sourceRevisions=[wanted])) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}


def test_run_orders_follow_each_other_and_actions_of_one_run_together(deploy: Deploy) -> None:
    pipeline = deploy(
        template(
            source(),
            stage("Prod", approval("A"), approval("B"), publish("Then", order=2)),
        )
    )
    execution_id = pipeline.start()
    pipeline.token("Prod", "A")
    pipeline.answer("Prod", "B")
    wait_for(lambda: pipeline.action("Prod", "B")["status"] == "Succeeded")
    assert pipeline.action("Prod", "A")["status"] == "InProgress"
    assert not pipeline.action("Prod", "Then")
    pipeline.answer("Prod", "A")
    assert pipeline.status(execution_id) == "Succeeded"


def test_what_runs_beside_a_failed_action_is_completed(deploy: Deploy) -> None:
    pipeline = deploy(
        template(source(), stage("Prod", approval("A"), approval("B"), publish(order=2)))
    )
    execution_id = pipeline.start()
    pipeline.answer("Prod", "A", status="Rejected")
    pipeline.answer("Prod", "B")
    assert pipeline.status(execution_id) == "Failed"
    assert pipeline.action("Prod", "B")["status"] == "Succeeded"
    assert not pipeline.action("Prod", "Publish")


def test_variables_reach_configurations(deploy: Deploy) -> None:
    text = "#{codepipeline.PipelineExecutionId} #{Source.BranchName} #{variables.WHO}"
    pipeline = deploy(
        template(
            source(),
            stage("Prod", approval(configuration={"CustomData": text})),
            Variables=[{"Name": "WHO", "DefaultValue": "us"}],
        )
    )
    execution_id = pipeline.start(variables=[{"name": "WHO", "value": "them"}])
    pipeline.answer("Prod")
    assert pipeline.status(execution_id) == "Succeeded"
    run = pipeline.run(execution_id, "Approve")["input"]
    assert run["resolvedConfiguration"]["CustomData"] == f"{execution_id} main them"
    assert run["configuration"]["CustomData"] == text
    [variable] = pipeline.execution(execution_id)["variables"]
    assert variable == {"name": "WHO", "resolvedValue": "them"}


def test_a_variable_that_is_not_set_fails_the_action(deploy: Deploy) -> None:
    text = "#{Source.Nothing}"
    pipeline = deploy(
        template(source(), stage("Prod", approval(configuration={"CustomData": text})))
    )
    message = pipeline.failure(pipeline.start())
    assert message.startswith("the variable #{Source.Nothing} is not set; the namespace 'Source'")
    assert "CommitId" in message


def test_a_variable_of_the_pipeline_needs_a_value(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish()), Variables=[{"Name": "WHO"}]))
    with pytest.raises(ClientError, match="the variable WHO has no value"):
        pipeline.start()
    with pytest.raises(ClientError, match="the pipeline has no variable WHAT"):
        pipeline.start(variables=[{"name": "WHAT", "value": "1"}])


def test_a_newer_execution_supersedes_one_that_waits(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval(), publish(order=2))))
    first = pipeline.start()
    pipeline.token("Prod")
    second = pipeline.start()
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
    third = pipeline.start()
    assert pipeline.status(second) == "Superseded"
    assert third in pipeline.execution(second)["statusSummary"]
    pipeline.answer("Prod", execution_id=first)
    assert pipeline.status(first) == "Succeeded"
    pipeline.answer("Prod", execution_id=third)
    assert pipeline.status(third) == "Succeeded"


def test_queued_executions_wait_for_their_turn(deploy: Deploy) -> None:
    pipeline = deploy(
        template(source(), stage("Prod", approval(), publish(order=2)), ExecutionMode="QUEUED")
    )
    started = [pipeline.start() for _ in range(3)]
    wait_for(lambda: len(pipeline.stage("Prod").get("inboundExecutions", [])) == 2)
    inbound = pipeline.stage("Prod")["inboundExecutions"]
    assert [each["pipelineExecutionId"] for each in inbound] == started[1:]
    for execution_id in started:
        pipeline.answer("Prod", execution_id=execution_id)
        assert pipeline.status(execution_id) == "Succeeded"


def test_a_failed_execution_lets_the_next_one_in(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval()), ExecutionMode="QUEUED"))
    first, second = pipeline.start(), pipeline.start()
    pipeline.answer("Prod", status="Rejected", execution_id=first)
    assert pipeline.status(first) == "Failed"
    pipeline.answer("Prod", execution_id=second)
    assert pipeline.status(second) == "Succeeded"


def test_a_disabled_transition_holds_executions_back(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", publish())))
    transition = {"pipelineName": pipeline.name, "stageName": "Prod", "transitionType": "Inbound"}
    pipeline.api.disable_stage_transition(**transition, reason="the line is stopped")
    execution_id = pipeline.start()
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
    state = pipeline.stage("Prod")["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "the line is stopped")
    assert pipeline.execution(execution_id)["status"] == "InProgress"
    pipeline.api.enable_stage_transition(**transition)
    assert pipeline.status(execution_id) == "Succeeded"


def test_a_transition_may_be_disabled_in_the_template(deploy: Deploy) -> None:
    disabled = [{"StageName": "Prod", "Reason": "not yet"}]
    pipeline = deploy(
        template(source(), stage("Prod", publish()), DisableInboundStageTransitions=disabled)
    )
    pipeline.start()
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecution"))
    assert pipeline.stage("Prod")["inboundTransitionState"]["disabledReason"] == "not yet"


@pytest.mark.parametrize(
    ("mode", "approvals"), [("FAILED_ACTIONS", ["A"]), ("ALL_ACTIONS", ["A", "B"])]
)
def test_a_failed_stage_is_retried(deploy: Deploy, mode: str, approvals: list[str]) -> None:
    pipeline = deploy(
        template(source(), stage("Prod", approval("A"), approval("B"), publish(order=2)))
    )
    execution_id = pipeline.start()
    pipeline.answer("Prod", "A", status="Rejected")
    pipeline.answer("Prod", "B")
    assert pipeline.status(execution_id) == "Failed"
    request = {"pipelineName": pipeline.name, "stageName": "Prod", "retryMode": mode}
    pipeline.api.retry_stage_execution(**request, pipelineExecutionId=execution_id)
    for name in approvals:
        pipeline.answer("Prod", name)
    assert pipeline.status(execution_id) == "Succeeded"
    runs = [run["actionName"] for run in pipeline.runs(execution_id)]
    assert runs.count("B") == len(approvals)
    assert pipeline.stage("Prod")["retryStageMetadata"]["manualStageRetryAttempt"] == 1


def test_a_stage_can_retry_by_itself_once(deploy: Deploy) -> None:
    retry = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "ALL_ACTIONS"}}
    pipeline = deploy(template(source(), stage("Prod", approval(), OnFailure=retry)))
    execution_id = pipeline.start()
    first = pipeline.token("Prod")
    pipeline.answer("Prod", status="Rejected")
    wait_for(lambda: pipeline.action("Prod", "Approve").get("token", first) != first)
    assert pipeline.stage("Prod")["retryStageMetadata"] == {
        "autoStageRetryAttempt": 1,
        "latestRetryTrigger": "AutomatedStageRetry",
    }
    pipeline.answer("Prod", status="Rejected")
    assert pipeline.status(execution_id) == "Failed"


def test_what_cannot_be_retried(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    retry = pipeline.api.retry_stage_execution
    request = {"pipelineName": pipeline.name, "retryMode": "FAILED_ACTIONS"}
    first = pipeline.start()
    pipeline.token("Prod")
    running = {**request, "stageName": "Prod", "pipelineExecutionId": first}
    assert error_of(retry, **running) == "ConflictException"
    pipeline.answer("Prod")
    assert pipeline.status(first) == "Succeeded"
    assert error_of(retry, **running) == "StageNotRetryableException"
    assert error_of(retry, **{**running, "stageName": "Gone"}) == "StageNotFoundException"
    second = pipeline.start()
    pipeline.answer("Prod", status="Rejected", execution_id=second)
    assert pipeline.status(second) == "Failed"
    assert error_of(retry, **running) == "NotLatestPipelineExecutionException"


def test_stopping_waits_for_running_actions(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval(), publish(order=2))))
    execution_id = pipeline.start()
    pipeline.token("Prod")
    stop = {"pipelineName": pipeline.name, "pipelineExecutionId": execution_id}
    pipeline.api.stop_pipeline_execution(**stop, reason="a mistake")
    assert pipeline.execution(execution_id)["status"] == "Stopping"
    code = error_of(pipeline.api.stop_pipeline_execution, **stop)
    assert code == "DuplicatedStopRequestException"
    pipeline.answer("Prod")
    assert pipeline.status(execution_id) == "Stopped"
    assert pipeline.published() == {}
    [summary] = pipeline.executions()
    assert summary["stopTrigger"] == {"reason": "a mistake"}
    code = error_of(pipeline.api.stop_pipeline_execution, **stop)
    assert code == "PipelineExecutionNotStoppableException"


def test_stopping_at_once_abandons_actions_and_frees_the_stage(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    first = pipeline.start()
    token = pipeline.token("Prod")
    pipeline.api.stop_pipeline_execution(
        pipelineName=pipeline.name, pipelineExecutionId=first, abandon=True
    )
    assert pipeline.execution(first)["status"] == "Stopped"
    assert pipeline.action("Prod", "Approve")["status"] == "Abandoned"
    answer = {
        "pipelineName": pipeline.name,
        "stageName": "Prod",
        "actionName": "Approve",
        "result": {"summary": "late", "status": "Approved"},
        "token": token,
    }
    code = error_of(pipeline.api.put_approval_result, **answer)
    assert code == "ApprovalAlreadyCompletedException"
    second = pipeline.start()
    pipeline.answer("Prod", execution_id=second)
    assert pipeline.status(second) == "Succeeded"


def test_a_waiting_execution_is_stopped_at_once(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval()), ExecutionMode="QUEUED"))
    first, second = pipeline.start(), pipeline.start()
    wait_for(lambda: pipeline.stage("Prod").get("inboundExecutions"))
    pipeline.api.stop_pipeline_execution(pipelineName=pipeline.name, pipelineExecutionId=second)
    assert pipeline.execution(second)["status"] == "Stopped"
    assert "inboundExecutions" not in pipeline.stage("Prod")
    pipeline.answer("Prod", execution_id=first)
    assert pipeline.status(first) == "Succeeded"


def test_what_is_not_there_has_the_service_s_errors(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    api, name = pipeline.api, pipeline.name
    nobody = "00000000-0000-4000-8000-000000000000"
    assert error_of(api.get_pipeline_state, name="gone") == "PipelineNotFoundException"
    assert (
        error_of(api.get_pipeline_execution, pipelineName=name, pipelineExecutionId=nobody)
        == "PipelineExecutionNotFoundException"
    )
    execution_id = pipeline.start()
    pipeline.token("Prod")
    answer = {
        "pipelineName": name,
        "stageName": "Prod",
        "actionName": "Approve",
        "result": {"summary": "", "status": "Approved"},
        "token": nobody,
    }
    put = api.put_approval_result
    assert error_of(put, **answer) == "InvalidApprovalTokenException"
    assert error_of(put, **{**answer, "actionName": "Gone"}) == "ActionNotFoundException"
    assert error_of(put, **{**answer, "stageName": "Gone"}) == "StageNotFoundException"
    with pytest.raises(ClientError, match="does not support the transition type Outbound"):
        api.disable_stage_transition(
            pipelineName=name, stageName="Prod", transitionType="Outbound", reason="why"
        )
    pipeline.answer("Prod")
    assert pipeline.status(execution_id) == "Succeeded"


def test_a_deleted_pipeline_stops(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    pipeline.start()
    pipeline.token("Prod")
    pipeline.client("cloudformation").delete_stack(StackName=pipeline.name)
    wait_for(
        lambda: (
            pipeline.name
            not in [each["name"] for each in pipeline.api.list_pipelines()["pipelines"]]
        )
    )
