"""Stopping the line, and rolling every wave back, checked against botocore's models."""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from dpra_constructs.release.runtime import message, roll_back_all, stop_the_line
from tests.runtime.service_models import Modelled, client_error

WAVES = ["Prod-one-box", "Prod-rest"]
RUN = "aaaaaaaa-2222-4333-8444-555555555555"
TOPIC = "arn:aws:sns:us-west-2:111111111111:line"


def moment(minute: float) -> datetime:
    return datetime.fromtimestamp(1_790_000_000 + 60 * minute, UTC)


@dataclass
class Pipeline:
    """A pipeline, as CodePipeline shows it; executions by id."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    passed: dict[str, list[str]] = field(default_factory=dict)
    arrivals: dict[tuple[str, str], float] = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)
    rollback_errors: dict[str, list[str]] = field(default_factory=dict)
    rolled_back: list[tuple[str, str]] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    page_size: int = 100
    author: dict[str, str] = field(default_factory=dict)
    #: The execution that has a source and a build; by default each.
    built: str = ""

    def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
        summary = self.executions[given["pipelineExecutionId"]]
        return {
            "pipelineExecution": {
                "executionType": summary.get("executionType", "STANDARD"),
                "rollbackMetadata": summary.get("rollbackMetadata", {}),
                "artifactRevisions": [
                    {
                        "revisionId": "0123abc",
                        "revisionSummary": '{"ProviderType":"X","CommitMessage":"Peel\\n\\n."}',
                        "revisionUrl": "https://github.com/acme/fruit-api/commit/0123abc",
                    }
                ],
            }
        }

    def get_pipeline_state(self, **given: Any) -> dict[str, Any]:
        return {
            "stageStates": [
                {
                    "stageName": stage,
                    "inboundTransitionState": {
                        "enabled": stage not in self.disabled,
                        **(
                            {"disabledReason": self.disabled[stage]}
                            if stage in self.disabled
                            else {}
                        ),
                    },
                }
                for stage in ("Approve-Prod", *WAVES)
            ]
        }

    def disable_stage_transition(self, **given: Any) -> dict[str, Any]:
        assert given["transitionType"] == "Inbound"
        self.disabled[given["stageName"]] = given["reason"]
        self.log.append(f"close {given['stageName']}")
        return {}

    def publish(self, **given: Any) -> dict[str, Any]:
        self.published.append(given)
        return {}

    def list_pipeline_executions(self, **given: Any) -> dict[str, Any]:
        wave = given["filter"]["succeededInStage"]["stageName"]
        ids = sorted(
            self.passed.get(wave, []),
            key=lambda each: self.executions[each]["startTime"],
            reverse=True,
        )
        first = int(given.get("nextToken", 0))
        page: dict[str, Any] = {
            "pipelineExecutionSummaries": [
                {"pipelineExecutionId": each, **self.executions[each]}
                for each in ids[first : first + self.page_size]
            ]
        }
        if first + self.page_size < len(ids):
            page["nextToken"] = str(first + self.page_size)
        return page

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        execution = given["filter"]["pipelineExecutionId"]
        if self.built not in ("", execution):
            return {"actionExecutionDetails": list(self.actions)}
        if self.author and "nextToken" not in given:
            return {"actionExecutionDetails": [], "nextToken": "1"}
        source = {"actionName": "Source", "output": {"outputVariables": self.author}}
        arrivals = [
            {"stageName": wave, "actionName": "x", "startTime": moment(minute)}
            for (wave, run), minute in self.arrivals.items()
            if run == execution
        ]
        return {"actionExecutionDetails": [*self.actions, *arrivals, source]}

    def start_execution(self, **given: Any) -> dict[str, Any]:
        if given["name"] in [each["name"] for each in self.started]:
            raise client_error("ExecutionAlreadyExists")
        self.started.append(given)
        return {"executionArn": "arn", "startDate": moment(0)}

    def rollback_stage(self, **given: Any) -> dict[str, Any]:
        wave, target = given["stageName"], given["targetPipelineExecutionId"]
        if errors := self.rollback_errors.get(wave):
            raise client_error(errors.pop(0), "RollbackStage")
        self.rolled_back.append((wave, target))
        self.log.append(f"roll back {wave}")
        return {"pipelineExecutionId": f"rollback-of-{wave}"}


def event(
    stage: str = "Prod-one-box", state: str = "FAILED", execution: str = RUN
) -> dict[str, Any]:
    return {
        "detail-type": "CodePipeline Stage Execution State Change",
        "source": "aws.codepipeline",
        "id": "12345678-2222-4333-8444-555555555555",
        "account": "111111111111",
        "region": "us-west-2",
        "detail": {
            "pipeline": "fruit-api",
            "execution-id": execution,
            "stage": stage,
            "state": state,
            "version": 3.0,
        },
    }


MACHINE = "arn:aws:states:us-west-2:111111111111:stateMachine:fruit-api-RollBackAll"


def stop(pipeline: Pipeline, given: dict[str, Any], machine: str = "") -> str:
    return stop_the_line.stop(
        given,
        codepipeline=Modelled("codepipeline", pipeline),
        sns=Modelled("sns", pipeline),
        entrance="Approve-Prod",
        waves=WAVES,
        topic_arn=TOPIC,
        stepfunctions=Modelled("stepfunctions", pipeline),
        roll_back_all_arn=machine,
    )


def failed_pipeline(kind: str = "STANDARD", stage: str = "Prod-one-box") -> Pipeline:
    return Pipeline(
        executions={RUN: {"startTime": moment(0), "executionType": kind}},
        actions=[
            action(stage, "Bake", "Failed", "it's red"),
            action(stage, "Bake", "Failed", "an earlier try"),
            action(stage, "Deploy", "Succeeded"),
            action("Gamma", "Deploy", "Failed", "another stage"),
        ],
    )


def action(stage: str, name: str, status: str, message: str = "") -> dict[str, Any]:
    result = {"errorDetails": {"message": message}} if message else {}
    return {
        "stageName": stage,
        "actionName": name,
        "startTime": moment(0),
        "status": status,
        "output": {"executionResult": result},
    }


def test_a_failed_wave_stops_the_line_and_tells() -> None:
    pipeline = failed_pipeline()
    assert stop(pipeline, event()) == "line stopped: Prod-one-box failed"
    assert pipeline.disabled == {
        "Approve-Prod": f"Line stopped - Prod-one-box failed in {RUN} - resume with dpra "
        "resume fruit-api - Bake - it-s red"
    }
    [told] = pipeline.published
    assert told["Subject"] == "fruit-api: Prod-one-box failed, line stopped"
    assert told["Message"] == (
        "Pipeline: fruit-api in 111111111111/us-west-2\n"
        "Stage: Prod-one-box failed\n"
        f"Execution: {RUN}\n"
        "Commit: 0123abc Peel https://github.com/acme/fruit-api/commit/0123abc\n"
        "Reason: Bake: it's red\n"
        "No release enters Approve-Prod until somebody runs: dpra resume fruit-api --region "
        "us-west-2\n"
        "https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/pipelines/fruit-api"
        f"/executions/{RUN}/timeline?region=us-west-2"
    )


def test_the_author_is_told_where_the_source_says_it() -> None:
    pipeline = failed_pipeline()
    pipeline.author = {"AuthorDisplayName": "Ada", "AuthorEmail": "ada@acme.example"}
    stop(pipeline, event())
    assert "Author: Ada ada@acme.example" in pipeline.published[0]["Message"].splitlines()


def test_the_author_is_told_as_the_build_has_read_it_and_with_coauthors() -> None:
    pipeline = failed_pipeline()
    lines = "Ada <ada@acme.example>\nGrace <grace@acme.example>\n"
    encoded = base64.b64encode(lines.encode()).decode()
    pipeline.author = {"AuthorDisplayName": "ada-at-host", "DPRA_COMMIT_AUTHORS": encoded}
    stop(pipeline, event())
    told = pipeline.published[0]["Message"].splitlines()
    assert "Author: Ada <ada@acme.example>, Grace <grace@acme.example>" in told


def test_without_a_history_the_author_is_told_as_the_source_says_it() -> None:
    pipeline = failed_pipeline()
    pipeline.author = {"AuthorDisplayName": "ada-at-host", "DPRA_COMMIT_AUTHORS": ""}
    stop(pipeline, event())
    assert "Author: ada-at-host" in pipeline.published[0]["Message"].splitlines()


def test_of_a_rollback_the_author_of_what_it_brings_back_is_told() -> None:
    pipeline = failed_pipeline("ROLLBACK")
    metadata = {"rollbackTargetPipelineExecutionId": "earlier"}
    pipeline.executions[RUN]["rollbackMetadata"] = metadata
    pipeline.author = {"AuthorEmail": "ada@acme.example"}
    pipeline.built = "earlier"
    stop(pipeline, event(state="STARTED"))
    assert "Author: ada@acme.example" in pipeline.published[0]["Message"].splitlines()


def test_a_wave_that_a_person_rolls_back_stops_the_line() -> None:
    pipeline = failed_pipeline("ROLLBACK")
    assert stop(pipeline, event(state="STARTED")) == "line stopped: Prod-one-box is rolled back"
    assert "Approve-Prod" in pipeline.disabled


def test_the_rollback_after_a_failure_is_not_told_twice() -> None:
    pipeline = failed_pipeline()
    stop(pipeline, event())
    again = {**pipeline.executions, "r": {"startTime": moment(1), "executionType": "ROLLBACK"}}
    pipeline.executions = again
    assert stop(pipeline, event(state="STARTED", execution="r")) == "the line is stopped already"
    assert len(pipeline.published) == 1


def test_a_rollback_that_fails_is_told_although_the_line_is_stopped() -> None:
    pipeline = failed_pipeline("ROLLBACK")
    pipeline.disabled["Approve-Prod"] = "Line stopped - earlier"
    assert stop(pipeline, event()) == "line stopped: Prod-one-box failed to be rolled back"
    assert pipeline.disabled["Approve-Prod"] == "Line stopped - earlier"
    assert len(pipeline.published) == 1


def test_an_event_that_comes_twice_stops_once() -> None:
    pipeline = failed_pipeline()
    stop(pipeline, event())
    stop(pipeline, event())
    assert pipeline.log == ["close Approve-Prod"]


def test_a_line_that_a_person_stopped_keeps_its_reason_and_the_failure_is_told() -> None:
    pipeline = failed_pipeline()
    pipeline.disabled["Approve-Prod"] = "Holidays"
    stop(pipeline, event())
    assert pipeline.disabled["Approve-Prod"] == "Holidays"
    assert len(pipeline.published) == 1


@pytest.mark.parametrize(
    "given",
    [
        event(stage="Gamma"),
        event(state="SUCCEEDED"),
        event(state="STARTED"),
        event(state="STOPPED"),
    ],
)
def test_other_events_change_nothing(given: dict[str, Any]) -> None:
    pipeline = failed_pipeline()
    stop(pipeline, given)
    assert (pipeline.disabled, pipeline.published) == ({}, [])


def test_a_failure_to_stop_is_an_error_that_lambda_retries() -> None:
    class Throttled(Pipeline):
        def disable_stage_transition(self, **given: Any) -> dict[str, Any]:
            raise client_error("ThrottlingException")

    pipeline = Throttled(executions=failed_pipeline().executions)
    with pytest.raises(ClientError):
        stop(pipeline, event())
    assert pipeline.published == []


@pytest.mark.parametrize("text", ["a_b: 'c'\nd/e", "x" * 999, "_:/", "Ünïcode (ok) 1.0?!*@"])
def test_a_reason_is_one_that_codepipeline_takes(text: str) -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    shape = model.shape_for("DisabledReason")
    reason = stop_the_line.disabled_reason(text)
    assert shape.metadata["min"] <= len(reason) <= shape.metadata["max"]
    assert re.fullmatch(shape.metadata["pattern"], reason)


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("eu-west-1", "console.aws.amazon.com"),
    ],
)
def test_links_are_those_of_the_partition(region: str, domain: str) -> None:
    assert message.link(region, "p", "e").startswith(f"https://{region}.{domain}/codesuite/")


# Every wave back


def test_a_failed_bake_starts_rolling_back_the_waves_before_it() -> None:
    pipeline = failed_pipeline(stage="Prod-rest")
    stop(pipeline, event("Prod-rest"), MACHINE)
    [started] = pipeline.started
    assert started["stateMachineArn"] == MACHINE
    assert json.loads(started["input"]) == {
        "pipeline": "fruit-api",
        "account": "111111111111",
        "region": "us-west-2",
        "execution": RUN,
        "failed_wave": "Prod-rest",
        "waves": ["Prod-one-box"],
        "closed": ["Approve-Prod", "Prod-one-box", "Prod-rest"],
    }
    [told] = pipeline.published
    assert "Prod-one-box will be rolled back too; a report follows." in told["Message"]


def test_an_event_that_comes_twice_rolls_back_once() -> None:
    pipeline = failed_pipeline(stage="Prod-rest")
    stop(pipeline, event("Prod-rest"), MACHINE)
    stop(pipeline, event("Prod-rest"), MACHINE)
    assert len(pipeline.started) == 1


def test_waves_are_not_rolled_back_because_of_the_first_wave_a_deployment_or_a_rollback() -> None:
    for pipeline, stage in (
        (failed_pipeline(), "Prod-one-box"),
        (failed_pipeline("ROLLBACK", "Prod-rest"), "Prod-rest"),
        (failed_pipeline(stage="Prod-rest"), "Prod-rest"),
    ):
        if pipeline.executions[RUN]["executionType"] == "STANDARD" and stage == "Prod-rest":
            pipeline.actions = [action(stage, "Deploy", "Failed", "no capacity")]
        stop(pipeline, event(stage), MACHINE)
        assert pipeline.started == []
        assert "Approve-Prod" in pipeline.disabled


def test_the_report_names_each_wave_and_what_became_of_it() -> None:
    pipeline = failed_pipeline(stage="Prod-rest")
    given = {
        **state(execution=RUN),
        "account": "111111111111",
        "region": "us-west-2",
        "failed_wave": "Prod-rest",
        "report": {"Prod-two": "busy for 30 minutes: x", "Prod-one-box": "rolled back to good"},
    }
    told = roll_back_all.report_of(given, codepipeline=Modelled("codepipeline", pipeline))
    assert told.title == "Prod-rest failed its bake; 1 of 2 waves before it are rolled back"
    assert told.reason == "Prod-two: busy for 30 minutes: x\nProd-one-box: rolled back to good"
    assert told.commits[0].startswith("0123abc Peel")


def test_a_machine_that_gave_up_is_reported_also_when_codepipeline_says_nothing() -> None:
    class Down(Pipeline):
        def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
            raise client_error("InternalFailure")

    given = {
        **state(),
        "account": "111111111111",
        "region": "us-west-2",
        "failed_wave": "Prod-rest",
        "error": {"Error": "Lambda.Unknown", "Cause": "timed out"},
    }
    told = roll_back_all.report_of(given, codepipeline=Modelled("codepipeline", Down()))
    assert told.reason == (
        "Prod-two: not rolled back\nProd-one-box: not rolled back\nLambda.Unknown: timed out"
    )


def released(*runs: tuple[str, float], waves: list[str] = WAVES) -> Pipeline:
    """Make a pipeline whose executions, each with the minute of its start, passed all waves."""
    return Pipeline(
        executions={run: {"startTime": moment(minute)} for run, minute in runs},
        passed={wave: [run for run, _ in runs] for wave in waves},
        arrivals={(wave, run): minute + 5 for run, minute in runs for wave in waves},
    )


def state(**more: Any) -> dict[str, Any]:
    return {
        "pipeline": "fruit-api",
        "execution": "bad",
        "waves": ["Prod-one-box", "Prod-two"],
        "closed": ["Approve-Prod", *WAVES],
        **more,
    }


def step(pipeline: Pipeline, given: dict[str, Any], minute: float = 0) -> dict[str, Any]:
    return roll_back_all.step(
        given, codepipeline=Modelled("codepipeline", pipeline), clock=lambda: minute * 60
    )


TWO = ["Prod-one-box", "Prod-two"]


def test_everything_is_closed_first_and_the_newest_wave_goes_back_first() -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    after = step(pipeline, state())
    assert after["done"]
    assert pipeline.log == [
        "close Approve-Prod",
        "close Prod-one-box",
        "close Prod-rest",
        "roll back Prod-two",
        "roll back Prod-one-box",
    ]
    assert after["report"] == {
        "Prod-two": "rolled back to good by rollback-of-Prod-two",
        "Prod-one-box": "rolled back to good by rollback-of-Prod-one-box",
    }


def test_a_busy_wave_is_tried_again_and_does_not_hold_up_the_others() -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    pipeline.rollback_errors["Prod-two"] = ["ConflictException", "UnableToRollbackStageException"]
    given = step(pipeline, state(), minute=0)
    assert not given["done"]
    assert pipeline.rolled_back == [("Prod-one-box", "good")]
    given = step(pipeline, given, minute=1)
    given = step(pipeline, given, minute=2)
    assert given["done"]
    assert pipeline.rolled_back == [("Prod-one-box", "good"), ("Prod-two", "good")]


def test_a_wave_that_is_busy_for_half_an_hour_is_reported() -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    pipeline.rollback_errors["Prod-two"] = ["ConflictException"] * 99
    given = state()
    for minute in range(32):
        given = step(pipeline, given, minute)
        if given["done"]:
            break
    assert minute == 30
    assert given["report"]["Prod-two"].startswith("busy for 30 minutes: ")


@pytest.mark.parametrize(
    "code", ["PipelineExecutionOutdatedException", "PipelineExecutionNotFoundException"]
)
def test_a_target_that_cannot_be_gone_back_to_is_reported_at_once(code: str) -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    pipeline.rollback_errors["Prod-two"] = [code]
    after = step(pipeline, state())
    assert after["done"]
    assert after["report"]["Prod-two"].startswith("no target: ")


def test_a_first_release_has_no_target() -> None:
    after = step(released(("bad", 10), waves=TWO), state())
    assert set(after["report"].values()) == {"no target: it had no release before"}


def test_a_wave_that_the_release_has_not_passed_is_left_alone() -> None:
    pipeline = released(("good", 0), waves=TWO)
    pipeline.executions["bad"] = {"startTime": moment(10)}
    assert set(step(pipeline, state())["report"].values()) == {
        "untouched: the release has not passed it"
    }
    assert pipeline.rolled_back == []


def test_the_next_release_in_the_wave_goes_back_too_to_the_one_before_the_bad_one() -> None:
    pipeline = released(("good", 0), ("bad", 10), ("next", 20), waves=TWO)
    step(pipeline, state())
    assert pipeline.rolled_back == [("Prod-two", "good"), ("Prod-one-box", "good")]


@pytest.mark.parametrize("rollback_began", [8, 12])
def test_a_rollback_before_stands_for_the_release_that_it_brought_back(
    rollback_began: float,
) -> None:
    pipeline = released(("old", 0), ("worse", 2), ("bad", 10), waves=TWO)
    pipeline.executions["back"] = {
        "startTime": moment(rollback_began),
        "executionType": "ROLLBACK",
        "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "old"},
    }
    for wave in TWO:
        pipeline.passed[wave].append("back")
    step(pipeline, state())
    assert pipeline.rolled_back == [("Prod-two", "old"), ("Prod-one-box", "old")]


def test_a_step_that_is_repeated_does_not_roll_back_again() -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    pipeline.executions["back"] = {
        "startTime": moment(30),
        "executionType": "ROLLBACK",
        "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "good"},
    }
    pipeline.passed["Prod-two"].append("back")
    after = step(pipeline, state())
    assert pipeline.rolled_back == [("Prod-one-box", "good")]
    assert after["report"]["Prod-two"] == "rolled back to good already"


def test_a_service_that_fails_is_asked_again() -> None:
    pipeline = released(("good", 0), ("bad", 10), waves=TWO)
    pipeline.rollback_errors["Prod-two"] = ["InternalFailure"]
    given = step(pipeline, state())
    assert not given["done"]
    assert step(pipeline, given)["done"]


def test_every_page_of_the_executions_is_read() -> None:
    pipeline = released(("good", 0), ("bad", 10), *((f"r{n}", 20 + n) for n in range(9)), waves=TWO)
    pipeline.page_size = 2
    step(pipeline, state())
    assert pipeline.rolled_back[0] == ("Prod-two", "good")
