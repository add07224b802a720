"""The function that records how long a stage took."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dpra_constructs.pipeline.runtime import stage_duration
from dpra_constructs.pipeline.runtime.stage_duration import metric, started

DETAIL = {
    "pipeline": "fruit",
    "execution-id": "12345678-1234-5678-abcd-12345678abcd",
    # Of the execution, not of the stage: it must not be used.
    "start-time": "2026-10-26T09:00:00.000Z",
    "stage": "Build",
    "state": "SUCCEEDED",
    "version": 1.0,
    "pipeline-execution-attempt": 1.0,
}
EVENT = {
    "detail-type": "CodePipeline Stage Execution State Change",
    "source": "aws.codepipeline",
    "time": "2026-10-26T10:11:30Z",
    "detail": DETAIL,
}


def action(stage: str, minute: int) -> dict[str, Any]:
    return {
        "stageName": stage,
        "actionName": f"a{minute}",
        "startTime": datetime(2026, 10, 26, 10, minute, tzinfo=UTC),
    }


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
                "actionExecutionDetails": [action("Beta", 30), action("Build", 5)],
                "nextToken": "more",
            },
            parameters,
        )
        stubber.add_response(
            "list_action_executions",
            {"actionExecutionDetails": [action("Build", 1), action("Source", 0)]},
            {**parameters, "nextToken": "more"},
        )
        assert started(client, DETAIL) == datetime(2026, 10, 26, 10, 1, tzinfo=UTC)
        stubber.assert_no_pending_responses()


def test_a_retried_stage_starts_with_its_last_retry() -> None:
    detail = {**DETAIL, "stage-last-retry-attempt-time": "2026-10-26T10:10:00.500Z"}
    expected = datetime(2026, 10, 26, 10, 10, 0, 500_000, tzinfo=UTC)
    assert started(None, detail) == expected


def test_the_line_is_a_metric_in_the_embedded_format() -> None:
    line = metric(EVENT, datetime(2026, 10, 26, 10, 1, tzinfo=UTC))
    assert line["StageDuration"] == 630.0
    assert line["_aws"]["Timestamp"] == 1_793_009_490_000
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DPRA"
    assert directive["Dimensions"] == [["Pipeline", "Stage"]]
    for name in ("Pipeline", "Stage", *(each["Name"] for each in directive["Metrics"])):
        assert name in line


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED"])
def test_the_handler_prints_one_line(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    detail = {**DETAIL, "state": state, "stage-last-retry-attempt-time": "2026-10-26T10:10:00Z"}
    stage_duration.handler({**EVENT, "detail": detail}, None)
    [line] = capsys.readouterr().out.splitlines()
    assert f'"State": "{state}"' in line


def test_it_fits_into_a_template() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-code.html
    assert stage_duration.__file__
    assert len(Path(stage_duration.__file__).read_text()) <= 4096
