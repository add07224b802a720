"""The guard, against the shapes of botocore's service models."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dpra_constructs.pipeline.runtime import self_mutation_guard as guard

WAVES = ["Prod-one-box", "Prod-rest"]
OLD = {"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Name": "a"}}}}
NEW = {"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Name": "b"}}}}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def client(service: Any) -> Any:
    return boto3.client(
        service, region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    )


def stage(name: str, execution: str, status: str, inbound: str = "") -> dict[str, Any]:
    latest = {"pipelineExecutionId": execution, "status": status}
    state: dict[str, Any] = {"stageName": name, "latestExecution": latest}
    if inbound:
        state["inboundExecutions"] = [{"pipelineExecutionId": inbound, "status": "InProgress"}]
    return state


def run(
    states: list[list[dict[str, Any]]],
    executions: list[dict[str, str]],
    template: dict[str, Any] = NEW,
    wait_seconds: float = 60,
) -> str | None:
    """Run the guard; each poll takes one of the states and one of the executions' statuses."""
    codepipeline, cloudformation = client("codepipeline"), client("cloudformation")
    with Stubber(codepipeline) as pipeline_stub, Stubber(cloudformation) as stack_stub:
        stack_stub.add_response(
            "get_template",
            {"TemplateBody": json.dumps(OLD)},
            {"StackName": "stack", "TemplateStage": "Original"},
        )
        for stages, statuses in zip(states, executions, strict=True):
            pipeline_stub.add_response("get_pipeline_state", {"stageStates": stages})
            for execution, status in statuses.items():
                pipeline_stub.add_response(
                    "get_pipeline_execution",
                    {
                        "pipelineExecution": {
                            "pipelineExecutionId": execution,
                            "status": status,
                        }
                    },
                    {"pipelineName": "fruit", "pipelineExecutionId": execution},
                )
        message = guard.guard(
            codepipeline=codepipeline,
            cloudformation=cloudformation,
            pipeline="fruit",
            stack="stack",
            template=template,
            approval="Approve-Prod",
            waves=WAVES,
            wait_seconds=wait_seconds,
            poll_seconds=30,
            clock=Clock(),
        )
        pipeline_stub.assert_no_pending_responses()
        stack_stub.assert_no_pending_responses()
    return message


def test_an_update_that_leaves_the_pipeline_does_not_wait() -> None:
    assert run([], [], template=OLD) is None


def test_an_empty_pipeline_does_not_wait() -> None:
    assert run([[{"stageName": "Prod-one-box"}]], [{}]) is None


def test_a_release_in_a_wave_is_waited_for() -> None:
    busy = [stage("Prod-one-box", "r1", "InProgress")]
    done = [stage("Prod-one-box", "r1", "Succeeded"), stage("Prod-rest", "r1", "Succeeded")]
    assert run([busy, done], [{"r1": "InProgress"}, {"r1": "Succeeded"}]) is None


def test_a_release_between_two_waves_is_waited_for() -> None:
    between = [
        stage("Prod-one-box", "r2", "Succeeded"),
        stage("Prod-rest", "r1", "Succeeded", inbound="r2"),
    ]
    message = run([between] * 3, [{"r2": "InProgress", "r1": "Succeeded"}] * 3)
    assert message is not None
    assert "Retry the stage after release r2." in message


def test_a_release_between_approval_and_first_wave_is_waited_for() -> None:
    approved = [stage("Approve-Prod", "r3", "Succeeded")]
    assert run([approved] * 3, [{"r3": "InProgress"}] * 3) is not None


def test_a_pending_approval_is_not_waited_for() -> None:
    assert run([[stage("Approve-Prod", "r3", "InProgress")]], [{}]) is None


def test_a_failed_release_is_not_waited_for() -> None:
    failed = [stage("Prod-one-box", "r1", "Failed")]
    assert run([failed], [{"r1": "Failed"}]) is None


def test_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        guard.main([])
    assert "--pipeline" in capsys.readouterr().err
