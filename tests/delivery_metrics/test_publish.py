"""What the function publishes, whatever happens to the events."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.delivery_metrics.runtime import publish as module
from dpra_constructs.delivery_metrics.runtime.publish import UNITS, publish
from tests.delivery_metrics.histories import BEGIN, at
from tests.delivery_metrics.long_history import action, summary
from tests.runtime.service_models import Modelled, client_error

WINDOW = timedelta(days=3)
PRODUCTION = ["Prod-all"]


class CodePipeline:
    """A pipeline's history, as it is at a moment: what ends later still goes on."""

    def __init__(self, summaries: list[dict[str, Any]]) -> None:
        self.summaries = sorted(summaries, key=lambda each: each["startTime"], reverse=True)
        self.now = at(10_000)

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        return {
            "pipelineExecutionSummaries": [
                each
                if each["lastUpdateTime"] <= self.now
                else {**each, "status": "InProgress", "lastUpdateTime": each["startTime"]}
                for each in self.summaries
                if each["startTime"] <= self.now
            ]
        }

    def list_action_executions(self, **request: Any) -> dict[str, Any]:
        number = int(request["filter"]["pipelineExecutionId"][1:])
        log = " ".join(
            f"{each:012x}-{int(at(each * 3).timestamp())}" for each in range(number, -1, -1)
        )
        stage = "Prod-all" if number % 4 else "Beta"
        return {
            "actionExecutionDetails": [
                action(stage, number, "Deploy"),
                action("Build", number, "Build", DPRA_COMMITS=log),
            ]
        }


def event(id: str, state: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {"pipeline": "fruit", "execution-id": id, "state": state},
    }


def emitted(
    service: CodePipeline, id: str, now: datetime, known: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    lines: list[str] = []
    service.now = now
    publish(
        event(id),
        codepipeline=Modelled("codepipeline", service),
        pipeline="fruit",
        production=PRODUCTION,
        window=WINDOW,
        emit=lines.append,
        clock=now.timestamp,
        sleep=lambda seconds: None,
        known=known,
    )
    return [json.loads(each) for each in lines]


def stored(lines: list[dict[str, Any]]) -> dict[tuple[str, int], tuple[float, float]]:
    """Return what CloudWatch then has: at each time the minimum and maximum of each metric."""
    found: dict[tuple[str, int], tuple[float, float]] = {}
    for line in lines:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]:
            key, value = (metric["Name"], line["_aws"]["Timestamp"]), line[metric["Name"]]
            low, high = found.get(key, (value, value))
            found[key] = (min(low, value), max(high, value))
    return found


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for number in range(draw(st.integers(1, 10))):
        started = draw(st.integers(0, 100))
        is_rollback = draw(st.integers(0, 5)) == 0
        status = draw(st.sampled_from(["Succeeded", "Succeeded", "Failed", "Superseded"]))
        made.append(
            summary(
                f"e{number}",
                started,
                status=status,
                lastUpdateTime=at(started + draw(st.integers(0, 30))),
                executionType="ROLLBACK" if is_rollback else "STANDARD",
                sourceRevisions=[{"actionName": "S", "revisionId": f"{number:012x}"}],
            )
        )
    return made


@given(histories(), st.data())
def test_events_that_are_missing_doubled_late_or_out_of_order_lead_to_the_same_values(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    service = CodePipeline(history)
    ended = sorted(history, key=lambda each: (each["lastUpdateTime"], each["pipelineExecutionId"]))
    # Each event as soon as it can come, by a function that remembers what it has read.
    known: dict[str, Any] = {}
    clean: list[dict[str, Any]] = []
    for each in ended:
        clean += emitted(service, each["pipelineExecutionId"], each["lastUpdateTime"], known)
    # Some of the events, some twice, each when it is its turn or later; at last the last one.
    last = ended[-1]
    disturbed: list[dict[str, Any]] = []
    for each in data.draw(st.lists(st.sampled_from(ended), max_size=6)):
        late = timedelta(hours=data.draw(st.integers(0, 20)))
        moment = each["lastUpdateTime"] + late
        disturbed += emitted(service, each["pipelineExecutionId"], moment)
    disturbed += emitted(service, last["pipelineExecutionId"], last["lastUpdateTime"])
    assert stored(disturbed) == stored(clean)
    # No value was ever another one.
    assert all(low == high for low, high in stored(disturbed).values())


def test_a_line_is_in_the_embedded_metric_format() -> None:
    service = CodePipeline(
        [summary("e1", 1), summary("e2", 25, status="Failed"), summary("e3", 49)]
    )
    first, second, third = emitted(service, "e3", at(51))
    for line in (first, second, third):
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DPRA"
        assert directive["Dimensions"] == [["Pipeline"]]
        assert line["Pipeline"] == "fruit"
        for metric in directive["Metrics"]:
            assert UNITS[metric["Name"]] == metric["Unit"]
            assert isinstance(line[metric["Name"]], int | float)
    assert third["_aws"]["Timestamp"] == (BEGIN.timestamp() + 50 * 3600) * 1000
    # No failure has been recovered from yet: there is no value, and not 0.
    assert "MeanTimeToRecovery" not in second
    assert third["MeanTimeToRecovery"] == 24 * 3600
    assert third["ChangeFailureRate"] == pytest.approx(100 / 3)
    assert third["ExecutionId"] == "e3"
    assert (second["Status"], second["ExecutionType"]) == ("Failed", "STANDARD")
    assert second["Started"] == "2026-03-03T01:00:00+00:00"


def test_a_pipeline_without_production_publishes_no_lead_time() -> None:
    lines: list[str] = []
    publish(
        event("e1"),
        codepipeline=Modelled("codepipeline", CodePipeline([summary("e1", 1)])),
        pipeline="fruit",
        production=[],
        window=WINDOW,
        emit=lines.append,
        clock=at(3).timestamp,
    )
    [line] = map(json.loads, lines)
    assert line["Deployments"] == 0
    assert not {"LeadTime", "DeployFrequency", "ChangeFailureRate"} & line.keys()


def test_what_ended_long_ago_is_not_published_again() -> None:
    service = CodePipeline([summary("e1", 0), summary("e2", 24 * 7.5), summary("e3", 24 * 8)])
    lines = emitted(service, "e3", at(24 * 8 + 1))
    assert [line["ExecutionId"] for line in lines] == ["e2", "e3"]


def test_the_latest_25_ends_are_published() -> None:
    service = CodePipeline([summary(f"e{number}", number) for number in range(30)])
    lines = emitted(service, "e29", at(40))
    assert [line["ExecutionId"] for line in lines] == [f"e{number}" for number in range(5, 30)]


def test_a_history_that_does_not_know_the_end_yet_is_read_again() -> None:
    service = CodePipeline([summary("e1", 1)])
    service.now = at(1.5)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            service.now = at(3)

    lines: list[str] = []
    publish(
        event("e1"),
        codepipeline=Modelled("codepipeline", service),
        pipeline="fruit",
        production=PRODUCTION,
        window=WINDOW,
        emit=lines.append,
        clock=at(3).timestamp,
        sleep=sleep,
    )
    assert slept == [2, 4]
    assert len(lines) == 1


def test_an_execution_that_is_retried_meanwhile_is_left_to_its_next_event() -> None:
    service = CodePipeline([summary("e1", 1, lastUpdateTime=at(9))])
    assert emitted(service, "e1", at(3)) == []
    assert len(emitted(service, "e1", at(9))) == 1


def test_an_error_of_the_service_fails_the_call_so_that_lambda_repeats_it() -> None:
    class Throttled:
        def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
            raise client_error("ThrottlingException")

    with pytest.raises(Exception, match="ThrottlingException"):
        publish(
            event("e1"),
            codepipeline=Modelled("codepipeline", Throttled()),
            pipeline="fruit",
            production=PRODUCTION,
            window=WINDOW,
        )


def test_the_handler_reads_its_variables_and_remembers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = (datetime.now(UTC) - BEGIN).total_seconds() / 3600 - 2
    service = CodePipeline([summary("e1", hours)])
    service.now = datetime.now(UTC)
    client = Modelled("codepipeline", service)
    monkeypatch.setattr(boto3, "client", lambda name, config: client)
    monkeypatch.setenv("PIPELINE", "fruit")
    monkeypatch.setenv("PRODUCTION", '["Prod-all"]')
    monkeypatch.setenv("WINDOW_DAYS", "30")
    known: dict[str, Any] = {}
    monkeypatch.setattr(module, "_known", known)
    assert module.handler(event("e1"), None) == 1
    assert list(known) == ["e1"]
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["DeployFrequency"] == pytest.approx(1 / 30)
