"""The function that records how long a stage took."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.pipeline.runtime import stage_duration
from dpra_constructs.pipeline.runtime.stage_duration import metric, worked
from dpra_constructs.release.runtime import names

DETAIL = {
    "pipeline": "fruit",
    "execution-id": "12345678-1234-5678-abcd-12345678abcd",
    # Of the execution, not of the stage: it must not be used.
    "start-time": "2026-10-26T09:00:00.000Z",
    "stage": "Gamma",
    "state": "SUCCEEDED",
    "version": 1.0,
    "pipeline-execution-attempt": 1.0,
}
EVENT: dict[str, Any] = {
    "detail-type": "CodePipeline Stage Execution State Change",
    "source": "aws.codepipeline",
    "time": "2026-10-26T10:51:30Z",
    "detail": DETAIL,
}


def action(stage: str, minute: int, name: str = "Deploy", minutes: int = 1) -> dict[str, Any]:
    return {
        "stageName": stage,
        "actionName": name,
        "startTime": datetime(2026, 10, 26, 10, minute, tzinfo=UTC),
        "lastUpdateTime": datetime(2026, 10, 26, 10, minute + minutes, tzinfo=UTC),
    }


class Client:
    """Answers with pages of actions, as botocore's paginator does."""

    def __init__(self, *actions: dict[str, Any]) -> None:
        self.actions = actions

    def get_paginator(self, name: str) -> "Client":
        assert name == "list_action_executions"
        return self

    def paginate(self, **given: Any) -> list[dict[str, Any]]:
        return [{"actionExecutionDetails": [each]} for each in self.actions]


def test_a_stage_starts_with_its_first_action() -> None:
    client = boto3.client(
        "codepipeline",
        region_name="us-west-2",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    parameters = {
        "pipelineName": "fruit",
        "filter": {"pipelineExecutionId": DETAIL["execution-id"]},
    }
    with Stubber(client) as stubber:
        stubber.add_response(
            "list_action_executions",
            {
                "actionExecutionDetails": [action("Beta", 30), action("Gamma", 5)],
                "nextToken": "more",
            },
            parameters,
        )
        stubber.add_response(
            "list_action_executions",
            {"actionExecutionDetails": [action("Gamma", 1), action("Source", 0)]},
            {**parameters, "nextToken": "more"},
        )
        assert worked(client, EVENT) == (50 * 60 + 30, 0)
        stubber.assert_no_pending_responses()


def test_the_bake_does_not_count() -> None:
    client = Client(action("Gamma", 1), action("Gamma", 10, "Bake", 30), action("Beta", 0, "Bake"))
    assert worked(client, EVENT) == (20 * 60 + 30, 30 * 60)


def test_the_action_is_called_as_the_pipeline_calls_it() -> None:
    assert stage_duration._BAKE == names.BAKE_ACTION


def test_a_retried_stage_starts_with_its_last_retry_and_earlier_bakes_are_outside() -> None:
    detail = {**DETAIL, "stage-last-retry-attempt-time": "2026-10-26T10:40:00.500Z"}
    client = Client(action("Gamma", 1), action("Gamma", 2, "Bake", 30), action("Gamma", 41, "Bake"))
    assert worked(client, {**EVENT, "detail": detail}) == (629.5, 60)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1))
def test_it_is_never_negative_and_never_longer_than_the_stage(bakes: list[tuple[int, int]]) -> None:
    client = Client(*(action("Gamma", start, "Bake", length) for start, length in bakes))
    seconds, baked = worked(client, EVENT)
    assert 0 <= seconds <= 52 * 60
    assert baked >= 0


def test_the_line_is_a_metric_in_the_embedded_format() -> None:
    line = metric(EVENT, 630.04, 60)
    assert line["StageDuration"] == 630.0
    assert line["BakeDuration"] == 60
    assert line["_aws"]["Timestamp"] == 1_793_011_890_000
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DPRA"
    assert directive["Dimensions"] == [["Pipeline", "Stage"]]
    for name in ("Pipeline", "Stage", *(each["Name"] for each in directive["Metrics"])):
        assert name in line


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED"])
def test_the_handler_prints_one_line(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(boto3, "client", lambda name: Client(action("Gamma", 1)))
    stage_duration.handler({**EVENT, "detail": {**DETAIL, "state": state}}, None)
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["State"] == state


def test_it_fits_into_a_template() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-code.html
    assert stage_duration.__file__
    assert len(Path(stage_duration.__file__).read_text()) <= 4096
