"""`dpra resume` and `dpra override`, against botocore's models."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from dpra_constructs.cli.commands import dpra
from dpra_constructs.release.runtime.override import reason_to_go_on
from tests.runtime.service_models import Modelled, client_error

RUN = "aaaaaaaa-2222-4333-8444-555555555555"
NEXT = "bbbbbbbb-2222-4333-8444-555555555555"
STOPPED = (
    "Line stopped - Prod-rest failed in aaaa - resume with dpra resume fruit - Bake - it is red"
)


@dataclass
class World:
    """A pipeline as CodePipeline shows it, and all that was changed in it."""

    stages: list[dict[str, Any]]
    changes: list[tuple[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    session: dict[str, Any] = field(default_factory=dict)

    def get_pipeline_state(self, **given: Any) -> dict[str, Any]:
        assert given == {"name": "fruit"}
        if self.error:
            raise self.error
        return {"pipelineName": "fruit", "stageStates": self.stages}

    def enable_stage_transition(self, **given: Any) -> dict[str, Any]:
        assert given["transitionType"] == "Inbound"
        self.changes.append(("open", given["stageName"]))
        return {}

    def put_parameter(self, **given: Any) -> dict[str, Any]:
        assert (given["Name"], given["Overwrite"]) == ("/dpra/fruit/override", True)
        self.changes.append(("marker", given["Value"]))
        return {}

    def override_stage_condition(self, **given: Any) -> dict[str, Any]:
        self.changes.append(("condition", given))
        return {}


def closed(stage: str, reason: str) -> dict[str, Any]:
    transition = {
        "enabled": False,
        "disabledReason": reason,
        "lastChangedBy": "arn:aws:sts::111111111111:assumed-role/line/StopTheLine",
        "lastChangedAt": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    }
    return {"stageName": stage, "inboundTransitionState": transition}


def baking(stage: str, kind: str = "STANDARD") -> dict[str, Any]:
    return {
        "stageName": stage,
        "latestExecution": {"pipelineExecutionId": RUN, "status": "InProgress", "type": kind},
        "actionStates": [
            {"actionName": "Deploy", "latestExecution": {"status": "Succeeded"}},
            {"actionName": "Bake", "latestExecution": {"status": "InProgress"}},
        ],
    }


def waiting(stage: str, condition: str = "InProgress", **latest: Any) -> dict[str, Any]:
    return {
        "stageName": stage,
        "latestExecution": {"pipelineExecutionId": RUN, "status": "InProgress", **latest},
        "inboundExecution": {"pipelineExecutionId": NEXT, "status": "InProgress"},
        "beforeEntryConditionState": {"latestExecution": {"status": condition}},
    }


OPEN: dict[str, Any] = {"stageName": "Beta", "inboundTransitionState": {"enabled": True}}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(world: World, *arguments: str, answer: str = "") -> Result:
        class Session:
            def __init__(self, **given: Any) -> None:
                world.session.update(given)

            def client(self, name: str) -> Modelled:
                return Modelled(name, world)

        monkeypatch.setattr(boto3, "Session", Session)
        return CliRunner().invoke(dpra, arguments, input=answer)

    return call


def test_resume_shows_the_reason_asks_and_opens(run: Any) -> None:
    world = World([OPEN, closed("Approve-Prod", STOPPED)])
    result = run(world, "resume", "fruit", "--region", "us-west-2", answer="y\n")
    assert result.exit_code == 0
    assert result.output == (
        "Approve-Prod is closed, since 2026-11-24 09:30 UTC, by "
        "arn:aws:sts::111111111111:assumed-role/line/StopTheLine\n"
        f"  {STOPPED}\n"
        "Let releases in? [y/N]: y\n"
        "Approve-Prod open\n"
    )
    assert world.changes == [("open", "Approve-Prod")]
    assert world.session == {"region_name": "us-west-2", "profile_name": None}


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_resume_opens_nothing_without_a_yes(run: Any, answer: str) -> None:
    world = World([closed("Approve-Prod", STOPPED)])
    assert run(world, "resume", "fruit", answer=answer).exit_code == 1
    assert world.changes == []


def test_resume_opens_all_that_a_failed_wave_has_closed_and_the_way_in_last(run: Any) -> None:
    stages = [closed(each, STOPPED) for each in ("Approve-Prod", "Prod-one-box", "Prod-rest")]
    world = World([*stages, closed("Gamma", "Holidays")])
    assert run(world, "resume", "fruit", "--yes").exit_code == 0
    assert [stage for _, stage in world.changes] == ["Prod-rest", "Prod-one-box", "Approve-Prod"]


def test_resume_refuses_a_line_that_is_open(run: Any) -> None:
    result = run(World([OPEN]), "resume", "fruit", "--yes")
    assert result.exit_code == 1
    assert result.output == (
        "Error: the line of fruit is not stopped; there is nothing to resume\n"
    )


def test_what_a_person_has_closed_is_opened_only_by_its_name(run: Any) -> None:
    world = World([OPEN, closed("Gamma", "Holidays")])
    result = run(world, "resume", "fruit", "--yes")
    assert result.output == (
        "Error: the line of fruit is not stopped; there is nothing to resume; closed by people: "
        "Gamma (Holidays); to open one, say --stage STAGE\n"
    )
    assert run(world, "resume", "fruit", "--yes", "--stage", "Gamma").exit_code == 0
    assert world.changes == [("open", "Gamma")]


def test_resume_refuses_a_stage_that_is_open(run: Any) -> None:
    result = run(World([OPEN]), "resume", "fruit", "--yes", "--stage", "Beta")
    assert result.output == "Error: Beta of fruit is open; there is nothing to resume\n"


def test_an_error_of_aws_is_shown(run: Any) -> None:
    world = World([], error=client_error("PipelineNotFoundException", "GetPipelineState"))
    for command in (["resume"], ["override", "--reason", "x"]):
        result = run(world, command[0], "fruit", *command[1:])
        assert result.exit_code == 1
        assert "PipelineNotFoundException" in result.output


@pytest.mark.parametrize("meant", [[], ["--wave", "rest"], ["--stage", "Prod-rest"]])
def test_override_writes_a_marker_that_the_bake_believes(run: Any, meant: list[str]) -> None:
    world = World([OPEN, baking("Prod-rest")])
    result = run(world, "override", "fruit", "--reason", "known  noise", "--yes", *meant)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == (
        f"the bake of Prod-rest, in {RUN} is overridden: known  noise"
    )
    [(kind, value)] = world.changes
    assert kind == "marker"
    until = json.loads(value)["until"]
    why = reason_to_go_on(value, stage="Prod-rest", execution=RUN, now=until - 60)
    assert why == "known noise"


def test_override_asks_first(run: Any) -> None:
    world = World([baking("Prod-rest")])
    result = run(world, "override", "fruit", "--reason", "x", answer="n\n")
    assert result.exit_code == 1
    assert world.changes == []


@pytest.mark.parametrize(
    ("stage", "execution"),
    [
        (waiting("Open-rest"), RUN),
        (waiting("Open-rest", "Failed", status="Failed"), RUN),
        (waiting("Open-rest", status="Succeeded"), NEXT),
    ],
)
def test_override_of_a_window_is_told_before_it_is_done(
    run: Any, stage: dict[str, Any], execution: str
) -> None:
    world = World([stage])
    result = run(world, "override", "fruit", "--wave", "rest", "--reason", "hot fix", "--yes")
    assert result.exit_code == 0, result.output
    (first, value), (second, given) = world.changes
    assert (first, second) == ("marker", "condition")
    assert json.loads(value)["what"] == "the entry condition"
    assert given == {
        "pipelineName": "fruit",
        "stageName": "Open-rest",
        "pipelineExecutionId": execution,
        "conditionType": "BEFORE_ENTRY",
    }


@pytest.mark.parametrize(
    ("stages", "arguments", "message"),
    [
        (
            [OPEN],
            [],
            "fruit has no bake that runs and no window, calendar or other entry "
            "condition that holds a release; there is "
            "nothing to override",
        ),
        (
            [baking("Gamma")],
            ["--wave", "rest"],
            "fruit has no bake that runs and no window, calendar or other entry "
            "condition that holds a release in "
            f"Open-rest or Prod-rest; it has the bake of Gamma, in {RUN}",
        ),
        (
            [baking("Gamma"), baking("Prod-rest")],
            [],
            f"fruit has 2 things to override: the bake of Gamma, in {RUN}; the bake of Prod-rest, "
            f"in {RUN}; say which one: --stage STAGE",
        ),
        (
            [baking("Gamma", "ROLLBACK")],
            [],
            "fruit has no bake that runs and no window, calendar or other entry "
            "condition that holds a release; there is "
            "nothing to override",
        ),
        (
            [baking("Gamma")],
            ["--reason", " "],
            "the reason has 0 characters; say in 1 to 1000 why the release has to pass the bake",
        ),
    ],
)
def test_what_override_refuses(
    run: Any, stages: list[dict[str, Any]], arguments: list[str], message: str
) -> None:
    world = World(stages)
    result = run(world, "override", "fruit", "--reason", "x", "--yes", *arguments)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == f"Error: {message}"
    assert world.changes == []


def test_override_needs_a_reason_and_one_place(run: Any) -> None:
    assert "Missing option '--reason'" in run(World([]), "override", "fruit").output
    both = ["--stage", "Gamma", "--wave", "rest", "--reason", "x"]
    result = run(World([]), "override", "fruit", *both)
    assert result.exit_code == 2
    assert "give --stage or --wave, not both" in result.output
