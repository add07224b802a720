"""The bake, against a small world of alarms that change, and against botocore's models."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from dpra_constructs.release.runtime import bake as runtime
from dpra_constructs.release.runtime import names
from dpra_constructs.release.runtime.override import marker, reason_to_go_on
from tests.runtime.service_models import Modelled, client_error, operations

START = 1_790_000_000
EXECUTION = "11111111-2222-4333-8444-555555555555"
REGIONS = ["us-west-2", "eu-central-1", "ap-southeast-2"]
BAKE, SETTLE = 15, 5


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


@dataclass
class World:
    """Alarms as lists of (second, state), and what goes wrong when; second 0 is the deployment."""

    alarms: dict[str, list[tuple[float, str]]]
    now: float = 0.0
    execution_type: str = "STANDARD"
    unreadable: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    pipeline_unreadable_until: float = 0.0
    actions: list[dict[str, Any]] = field(default_factory=list)
    error: Any = field(default_factory=lambda: client_error("ThrottlingException"))
    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    page_size: int = 100
    late_history: float = 0.0
    has_transition_time: bool = True

    def states(self, region: str) -> list[tuple[float, str]]:
        return [each for each in self.alarms[region] if each[0] <= self.now]

    # CodePipeline

    def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
        if self.now < self.pipeline_unreadable_until:
            raise self.error
        assert given == {"pipelineName": "fruit-api", "pipelineExecutionId": EXECUTION}
        return {"pipelineExecution": {"executionType": self.execution_type}}

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        deploys = [
            action(f"deploy-{region}", "Deploy", region, ended=0, status="Succeeded")
            for region in self.alarms
        ]
        every = [*deploys, *self.actions]
        first = int(given.get("nextToken", 0))
        page: dict[str, Any] = {"actionExecutionDetails": every[first : first + 2]}
        if first + 2 < len(every):
            page["nextToken"] = str(first + 2)
        return page

    def put_job_success_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("success", given))
        return {}

    def put_job_failure_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("failure", given))
        return {}

    def open_cloudwatch(self, bake: runtime.Bake, region: str) -> Any:
        return Modelled("cloudwatch", _Alarms(self, region))


@dataclass
class _Alarms:
    world: World
    region: str

    def _refuse(self) -> None:
        for begin, end in self.world.unreadable.get(self.region, []):
            if begin <= self.world.now < end:
                raise self.world.error

    def describe_alarms(self, **given: Any) -> dict[str, Any]:
        self._refuse()
        name = names.health_alarm_name("fruit-api", "prod", self.region)
        assert given == {"AlarmNames": [name], "AlarmTypes": ["CompositeAlarm"]}
        states = self.world.states(self.region)
        if not states:
            return {"CompositeAlarms": [], "MetricAlarms": []}
        at, state = states[-1]
        alarm: dict[str, Any] = {
            "AlarmName": name,
            "StateValue": state,
            "StateReason": f"{state} because of errors",
        }
        if self.world.has_transition_time:
            alarm["StateTransitionedTimestamp"] = moment(at)
        return {"CompositeAlarms": [alarm]}

    def describe_alarm_history(self, **given: Any) -> dict[str, Any]:
        self._refuse()
        states = self.world.states(self.region)
        items = [
            {
                "AlarmName": given["AlarmName"],
                "AlarmType": "CompositeAlarm",
                "Timestamp": moment(at),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {before} to {state}",
                "HistoryData": json.dumps(
                    {
                        "version": "1.0",
                        "oldState": {"stateValue": before},
                        "newState": {"stateValue": state, "stateReason": f"{state} in the past"},
                    }
                ),
            }
            for (_, before), (at, state) in pairwise(states)
            if moment(at) >= given["StartDate"] and at + self.world.late_history <= self.world.now
        ]
        first = int(given.get("NextToken", 0))
        size = self.world.page_size
        page: dict[str, Any] = {"AlarmHistoryItems": items[first : first + size]}
        if first + size < len(items):
            page["NextToken"] = str(first + size)
        return page


def action(
    name: str, category: str, region: str, *, ended: float, status: str, stage: str = "Prod-rest"
) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": "X", "version": "1"}
    return {
        "stageName": stage,
        "actionName": name,
        "status": status,
        "startTime": moment(ended - 60),
        "lastUpdateTime": moment(ended),
        "input": {"actionTypeId": kind, "region": region},
    }


def event(token: str | None, regions: list[str], **more: Any) -> dict[str, Any]:
    given = {
        "pipeline": "fruit-api",
        "stage": "Prod-rest",
        "environment": "prod",
        "account": "444444444444",
        "regions": regions,
        "bake_minutes": BAKE,
        "settle_minutes": SETTLE,
        "execution": EXECUTION,
        **more,
    }
    data: dict[str, Any] = {
        "actionConfiguration": {
            "configuration": {"FunctionName": "bake", "UserParameters": json.dumps(given)}
        }
    }
    if token:
        data["continuationToken"] = token
    job_id = "f4f4ff82-2d11-4333-8444-555555555555"
    return {"CodePipeline.job": {"id": job_id, "accountId": "111111111111", "data": data}}


def call(world: World, token: str | None) -> tuple[str, dict[str, Any], list[str]]:
    """Call the function once; return its result and the lines that it wrote."""
    lines: list[str] = []
    runtime.handle(
        event(token, list(world.alarms)),
        codepipeline=Modelled("codepipeline", world),
        open_cloudwatch=world.open_cloudwatch,
        clock=lambda: START + world.now,
        emit=lines.append,
    )
    kind, result = world.results.pop()
    assert not world.results
    return kind, result, lines


def marked(world: World, value: Any) -> tuple[str, dict[str, Any], list[str]]:
    """Call the function once, with a marker that overrides or an error in its place."""

    def read_marker(bake: runtime.Bake) -> str:
        if isinstance(value, Exception):
            raise value
        return str(value)

    lines: list[str] = []
    runtime.handle(
        event(None, list(world.alarms)),
        codepipeline=Modelled("codepipeline", world),
        open_cloudwatch=world.open_cloudwatch,
        clock=lambda: START + world.now,
        emit=lines.append,
        read_marker=read_marker,
    )
    [(kind, result)] = world.results
    return kind, result, lines


def run(world: World, every: float = 30, until: float = 3600) -> tuple[str, str, float]:
    """Call it again and again, as CodePipeline does; return how, why and when it ended."""
    token = None
    while world.now <= until:
        kind, result, _ = call(world, token)
        if kind == "failure":
            assert result["failureDetails"]["type"] == "JobFailed"
            return kind, result["failureDetails"]["message"], world.now
        token = result.get("continuationToken")
        if token is None:
            return kind, result["executionDetails"]["summary"], world.now
        assert len(token) <= 2048
        world.now += every
    return "watching", "", world.now


GREEN: list[tuple[float, str]] = [(-3600, "OK")]


def test_healthy_regions_succeed_when_the_bake_is_over() -> None:
    how, why, when = run(World(dict.fromkeys(REGIONS, GREEN)))
    assert (how, why, when) == ("success", "Healthy for 15 minutes in 3 regions", 15 * 60)


def test_an_alarm_after_the_deployment_fails_at_once_even_before_it_has_settled() -> None:
    world = World({"us-west-2": GREEN, "eu-central-1": [*GREEN, (45, "ALARM")]})
    how, why, when = run(world)
    assert (how, when) == ("failure", 60)
    assert why == (
        "Bake of Prod-rest failed in 1 of 2 regions: eu-central-1\n"
        "444444444444 eu-central-1: fruit-api-prod-eu-central-1-health went into ALARM after the "
        "deployment, at 2026-09-21 14:14:05 UTC: ALARM in the past. "
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#alarmsV2:alarm/fruit-api-prod-eu-central-1-health"
    )


def test_an_alarm_while_the_tests_ran_before_the_bake_fails_it() -> None:
    world = World({"us-west-2": [*GREEN, (20, "ALARM"), (80, "OK")]}, now=100)
    assert run(world)[0] == "failure"


def test_a_flap_between_two_calls_is_seen_in_the_history() -> None:
    world = World({"us-west-2": [*GREEN, (400, "ALARM"), (401, "OK")]})
    how, why, when = run(world, every=120)
    assert (how, when) == ("failure", 480)
    assert "went into ALARM after the deployment" in why


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_a_fix_for_a_red_production_passes(state: str) -> None:
    world = World({"us-west-2": [(-3600, "OK"), (-1800, state), (250, "OK")]})
    assert run(world) == ("success", "Healthy for 15 minutes in 1 regions", 15 * 60)


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_a_region_that_stays_red_fails_when_it_should_have_settled(state: str) -> None:
    world = World({"us-west-2": GREEN, "eu-central-1": [(-1800, state)]})
    how, why, when = run(world)
    assert (how, when) == ("failure", SETTLE * 60)
    assert f"is in {state}" in why
    assert "5 minutes to settle are over" in why


def test_missing_data_after_it_has_settled_fails() -> None:
    world = World({"us-west-2": [*GREEN, (700, "INSUFFICIENT_DATA")]})
    assert run(world)[::2] == ("failure", 720)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (client_error("AccessDenied", "AssumeRole"), "AccessDenied happened"),
        (client_error("ThrottlingException"), "ThrottlingException happened"),
        (EndpointConnectionError(endpoint_url="https://monitoring"), "Could not connect"),
    ],
)
def test_a_region_that_stays_unreadable_fails_after_five_minutes(error: Any, said: str) -> None:
    world = World(dict.fromkeys(REGIONS, GREEN), error=error)
    world.unreadable["eu-central-1"] = [(200, 9999)]
    how, why, when = run(world)
    # It was last read at 180.
    assert (how, when) == ("failure", 480)
    assert why.startswith("Bake of Prod-rest failed in 1 of 3 regions: eu-central-1\n")
    assert "could not be read for 5 minutes" in why
    assert said in why


def test_an_alarm_that_does_not_exist_counts_as_unreadable() -> None:
    how, why, when = run(World({"us-west-2": GREEN, "eu-central-1": []}))
    assert (how, when) == ("failure", 300)
    assert "could not be read for 5 minutes: the alarm does not exist" in why


def test_a_short_outage_is_survived() -> None:
    world = World({"us-west-2": GREEN}, unreadable={"us-west-2": [(100, 390)]})
    assert run(world)[::2] == ("success", 900)


def test_a_region_that_cannot_be_read_when_the_bake_ends_holds_it_up() -> None:
    world = World(dict.fromkeys(REGIONS, GREEN), unreadable={"us-west-2": [(880, 1000)]})
    assert run(world)[::2] == ("success", 1020)


def test_an_alarm_during_an_outage_fails_once_it_can_be_read_again() -> None:
    world = World(
        {"us-west-2": [*GREEN, (700, "ALARM"), (710, "OK")]}, unreadable={"us-west-2": [(690, 930)]}
    )
    assert run(world)[::2] == ("failure", 930)


def test_a_pipeline_that_cannot_be_asked_is_never_a_success() -> None:
    how, why, when = run(World({"us-west-2": GREEN}, pipeline_unreadable_until=9999))
    assert (how, when) == ("failure", 300)
    assert "CodePipeline does not say what was deployed" in why


def test_a_pipeline_that_can_be_asked_later_is_asked_again() -> None:
    world = World({"us-west-2": [*GREEN, (10, "ALARM"), (20, "OK")]}, pipeline_unreadable_until=90)
    assert run(world)[::2] == ("failure", 90)


@pytest.mark.parametrize(
    "states", [[(-9.0, "ALARM")], [(-9.0, "OK"), (30, "ALARM")], [(-9.0, "INSUFFICIENT_DATA")], []]
)
def test_a_rollback_settles_reports_and_never_fails(states: list[tuple[float, str]]) -> None:
    how, why, when = run(World({"us-west-2": states}, execution_type="ROLLBACK"))
    assert (how, when) == ("success", SETTLE * 60)
    shown = states[-1][1] if states else "the alarm does not exist"
    assert why == f"Rolled back, and settled: us-west-2 {shown}"


def test_a_retry_does_not_fail_for_what_its_earlier_attempt_saw() -> None:
    earlier = action(names.BAKE_ACTION, "Invoke", "us-west-2", ended=60, status="Failed")
    world = World({"us-west-2": [*GREEN, (50, "ALARM"), (100, "OK")]}, now=200, actions=[earlier])
    assert run(world)[::2] == ("success", 1100)


def test_an_alarm_after_the_earlier_attempt_fails_its_retry() -> None:
    earlier = action(names.BAKE_ACTION, "Invoke", "us-west-2", ended=60, status="Failed")
    world = World({"us-west-2": [*GREEN, (70, "ALARM"), (100, "OK")]}, now=200, actions=[earlier])
    assert run(world)[::2] == ("failure", 200)


def test_other_stages_of_the_execution_do_not_count() -> None:
    other = action("x", "Deploy", "us-west-2", ended=500, status="Succeeded", stage="Gamma")
    world = World({"us-west-2": [*GREEN, (450, "ALARM")]}, now=600, actions=[other])
    assert run(world)[::2] == ("failure", 600)


def test_each_region_counts_from_its_own_deployment() -> None:
    later = action("d", "Deploy", "eu-central-1", ended=300, status="Succeeded")
    red: list[tuple[float, str]] = [*GREEN, (200, "ALARM"), (350, "OK")]
    assert run(World({"eu-central-1": red}, now=400, actions=[later]))[0] == "success"
    assert run(World({"us-west-2": red}, now=400, actions=[later]))[0] == "failure"


def test_the_state_counts_while_the_history_is_still_empty() -> None:
    world = World({"us-west-2": [*GREEN, (40, "ALARM")]}, late_history=600)
    assert run(world)[::2] == ("failure", 60)


def test_the_history_counts_where_the_state_has_no_time() -> None:
    world = World({"us-west-2": [*GREEN, (40, "ALARM")]}, has_transition_time=False)
    assert run(world)[::2] == ("failure", 60)


def test_every_page_of_the_history_is_read() -> None:
    calm: list[tuple[float, str]] = [
        (second, "INSUFFICIENT_DATA" if second % 2 else "OK") for second in range(1, 40)
    ]
    world = World({"us-west-2": [*GREEN, *calm, (41, "ALARM"), (42, "OK")]}, now=60, page_size=3)
    assert run(world)[::2] == ("failure", 60)


def test_the_same_token_gives_the_same_result() -> None:
    world = World({"us-west-2": GREEN}, now=60)
    first = call(world, None)[1]["continuationToken"]
    world.now = 90
    assert call(world, first)[1] == call(world, first)[1]


@pytest.mark.parametrize("token", ["", "{", "[]", '"x"', "[1,2,3,4]", '[1,null,[],["a"]]', "[1]"])
def test_a_token_that_is_not_understood_begins_the_bake_anew(token: str) -> None:
    world = World({"us-west-2": GREEN}, now=1000)
    kind, result, _ = call(world, token)
    assert kind == "success"
    assert json.loads(result["continuationToken"])[0] == (START + 1000) * 1000


def test_a_clock_that_goes_back_makes_the_bake_longer() -> None:
    world = World({"us-west-2": GREEN}, now=600)
    token = call(world, None)[1]["continuationToken"]
    world.now = 0
    assert "continuationToken" in call(world, token)[1]


def test_a_result_that_was_given_already_is_no_error() -> None:
    class Done(World):
        def put_job_success_result(self, **given: Any) -> dict[str, Any]:
            raise client_error("InvalidJobStateException")

    world = Done({"us-west-2": GREEN})
    runtime.handle(
        event(None, ["us-west-2"]),
        codepipeline=Modelled("codepipeline", world),
        open_cloudwatch=world.open_cloudwatch,
        clock=lambda: START,
        emit=lambda line: None,
    )
    assert world.results == []


def test_a_result_that_cannot_be_given_is_an_error() -> None:
    class Throttled(World):
        def put_job_success_result(self, **given: Any) -> dict[str, Any]:
            raise self.error

    world = Throttled({"us-west-2": GREEN})
    with pytest.raises(type(world.error)):
        call(world, None)


@pytest.mark.parametrize(
    "change",
    [
        {"regions": []},
        {"regions": None},
        {"bake_minutes": 0},
        {"bake_minutes": "soon"},
        {"settle_minutes": -1},
    ],
)
def test_wrong_parameters_fail_with_the_reason(change: dict[str, Any]) -> None:
    world = World({})
    given = {"regions": ["us-west-2"], **change}
    runtime.handle(
        event(None, **given),
        codepipeline=Modelled("codepipeline", world),
        open_cloudwatch=world.open_cloudwatch,
        emit=lambda line: None,
    )
    [(kind, result)] = world.results
    assert kind == "failure"
    assert result["failureDetails"]["type"] == "ConfigurationError"
    assert result["failureDetails"]["message"].startswith("UserParameters ")


def test_a_defect_of_the_bake_itself_ends_the_action() -> None:
    def broken(bake: runtime.Bake, region: str) -> Any:
        raise LookupError(region)

    world = World({"us-west-2": GREEN})
    with pytest.raises(LookupError):
        runtime.handle(
            event(None, ["us-west-2"]),
            codepipeline=Modelled("codepipeline", world),
            open_cloudwatch=broken,
            emit=lambda line: None,
        )
    [(kind, result)] = world.results
    assert kind == "failure"
    assert result["failureDetails"]["message"] == (
        "The bake itself broke: LookupError('us-west-2')"
    )


def test_the_health_of_every_region_is_a_metric() -> None:
    world = World(
        {"us-west-2": GREEN, "eu-central-1": GREEN, "us-east-1": [(-9, "INSUFFICIENT_DATA")]},
        unreadable={"eu-central-1": [(0, 99)]},
    )
    written = [json.loads(line) for line in call(world, None)[2]]
    assert {line["Region"]: (line["Healthy"], line["Unreadable"]) for line in written} == {
        "us-west-2": (1, 0),
        "eu-central-1": (0, 1),
        "us-east-1": (0, 0),
    }
    for line in written:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DPRA"
        assert all(line[name] for names in directive["Dimensions"] for name in names)
        assert all(isinstance(line[each["Name"]], int) for each in directive["Metrics"])
        assert line["_aws"]["Timestamp"] == START * 1000


def test_no_region_is_missing_in_the_message_of_a_large_wave() -> None:
    regions = [f"xx-region{number}-1" for number in range(40)]
    how, why, _ = run(World({region: [(-9, "OK"), (5, "ALARM")] for region in regions}))
    assert how == "failure"
    assert len(why) <= 5000
    header = why.splitlines()[0]
    assert all(region in header for region in regions)


def test_names_fit_the_service() -> None:
    assert runtime.session_name("p" * 100) == f"bake-{'p' * 59}"
    for pipeline, environment in (("p" * 100, "e" * 40), ("p" * 100, "e"), ("p", "e" * 40)):
        name = names.gate_role_name(pipeline, environment, "ap-southeast-2")
        assert len(name) <= 64
        assert name.endswith("ap-southeast-2-gate") or len(name) == 64
    assert names.gate_role_name("p" * 100, "e" * 40, "ap-southeast-2") != names.gate_role_name(
        "p" * 100, "e" * 40, "ap-southeast-1"
    )


STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])


def history(changes: list[tuple[int, str]]) -> list[tuple[float, str]]:
    """Make a history as CloudWatch has it: new alarms have no data, and states change."""
    ordered = [(float(at), state) for at, state in sorted(dict(changes).items())]
    if not ordered:
        return []
    states = [(ordered[0][0] - 1, "INSUFFICIENT_DATA"), *ordered]
    return [states[0], *(new for old, new in pairwise(states) if old[1] != new[1])]


HISTORY = st.lists(st.tuples(st.integers(-600, 1200), STATES), max_size=5).map(history)
OUTAGES = st.lists(
    st.tuples(st.integers(-10, 1200), st.integers(1, 500)).map(lambda o: (o[0], o[0] + o[1])),
    max_size=2,
)
WORLDS = st.builds(
    World,
    alarms=st.dictionaries(st.sampled_from(REGIONS), HISTORY, min_size=1),
    unreadable=st.dictionaries(st.sampled_from(REGIONS), OUTAGES),
    page_size=st.integers(1, 3),
)


def state_at(world: World, region: str, now: float) -> str | None:
    states = [state for at, state in world.alarms[region] if at <= now]
    return states[-1] if states else None


def alarmed(world: World, region: str, now: float) -> bool:
    """Whether it went into ALARM after the deployment."""
    return any(0 <= at <= now and state == "ALARM" for at, state in world.alarms[region])


@settings(max_examples=150)
@given(world=WORLDS, every=st.integers(20, 200))
def test_success_means_that_every_region_was_read_and_is_healthy(world: World, every: int) -> None:
    how, _, when = run(world, every)
    if how != "success":
        return
    assert when >= BAKE * 60
    for region in world.alarms:
        assert state_at(world, region, when) == "OK"
        assert not alarmed(world, region, when)
        assert not any(begin <= when < end for begin, end in world.unreadable.get(region, []))


@settings(max_examples=150)
@given(world=WORLDS, every=st.integers(20, 200))
def test_a_failure_names_every_region_that_is_bad_and_no_other(world: World, every: int) -> None:
    how, why, when = run(world, every)
    if how != "failure":
        return
    named = set(why.splitlines()[0].partition("regions: ")[2].split(", "))
    for region in world.alarms:
        hidden = any(begin <= when < end for begin, end in world.unreadable.get(region, []))
        red = state_at(world, region, when)
        if red is not None and not hidden:
            bad = alarmed(world, region, when) or (red != "OK" and when >= SETTLE * 60)
            assert (region in named) == bad


@settings(max_examples=100)
@given(world=WORLDS, other=HISTORY, every=st.integers(20, 200))
def test_one_bad_region_fails_the_bake_whatever_the_others_do(
    world: World, other: list[tuple[float, str]], every: int
) -> None:
    alone = World({"sa-east-1": other})
    how, _, when = run(alone, every)
    world.alarms = {**world.alarms, "sa-east-1": other}
    if how == "failure":
        together = run(world, every)
        assert together[0] == "failure"
        assert together[2] <= when


@settings(max_examples=50)
@given(
    red=st.sampled_from(["ALARM", "INSUFFICIENT_DATA"]),
    fixed_at=st.integers(0, 299),
    every=st.integers(10, 60),
)
def test_every_fix_that_settles_in_time_passes(red: str, fixed_at: int, every: int) -> None:
    world = World({"us-west-2": [(-600, red), (float(fixed_at), "OK")]})
    assert run(world, every)[0] == "success"


@settings(max_examples=100)
@given(world=WORLDS, every=st.integers(20, 200))
def test_a_rollback_execution_never_fails(world: World, every: int) -> None:
    world.execution_type = "ROLLBACK"
    assert run(world, every)[0] == "success"


@given(
    st.integers(1, 40).flatmap(lambda n: st.lists(st.integers(0, 2**42), min_size=n, max_size=n))
)
def test_a_token_fits_codepipeline_and_reads_back(times: list[int]) -> None:
    kept = runtime.Progress(
        started=times[0], rolls_back=False, deployed=tuple(times), read=tuple(times)
    )
    shape = operations("codepipeline")["put_job_success_result"].input_shape
    token = kept.token()
    report = ParamValidator().validate({"jobId": "x", "continuationToken": token}, shape)
    assert not report.has_errors()
    assert len(token) <= shape.members["continuationToken"].metadata["max"]
    bake = runtime.parameters(
        event(None, [f"r{n}" for n in range(len(times))])["CodePipeline.job"]["data"][
            "actionConfiguration"
        ]["configuration"]["UserParameters"]
    )
    assert runtime.progress(bake, token, 0) == kept


def override_of(**change: Any) -> str:
    given = {
        "stage": "Prod-rest",
        "what": "the bake",
        "execution": EXECUTION,
        "reason": "the alarm is wrong",
        "now": START,
        **change,
    }
    return marker(**given)


RED = [(0.0, "OK"), (10.0, "ALARM")]


def test_a_person_lets_a_red_bake_pass_with_a_reason() -> None:
    kind, result, lines = marked(World({"us-west-2": RED}, now=60), override_of())
    assert kind == "success"
    assert "continuationToken" not in result
    assert result["executionDetails"]["summary"] == "Overridden by a person: the alarm is wrong"
    assert lines == [f"Bake of Prod-rest is overridden in {EXECUTION}: the alarm is wrong"]


@pytest.mark.parametrize(
    "value",
    [
        "none",
        "",
        "[]",
        override_of(stage="Prod-other"),
        override_of(execution="11111111-0000-4000-8000-000000000000"),
        override_of(reason=" "),
        override_of(now=START - 3600),
        override_of(now=START + 86_400),
        override_of().replace('"until": ', '"until": true, "x": '),
        client_error("ThrottlingException"),
        client_error("ParameterNotFound"),
    ],
)
def test_no_other_marker_lets_a_red_bake_pass(value: Any) -> None:
    kind, _, _ = marked(World({"us-west-2": RED}, now=60), value)
    assert kind == "failure"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_that_somebody_writes_by_accident_is_an_override(value: Any) -> None:
    assert reason_to_go_on(json.dumps(value), stage="Gamma", execution="e", now=0) is None
