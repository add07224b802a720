"""The bake with a monitor outside CloudWatch: the same semantics as for a region's alarm."""

import json
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpra_constructs.release.runtime import bake as runtime
from tests.runtime.loopback import Answer, Request, serving
from tests.runtime.service_models import Modelled
from tests.runtime.test_bake import BAKE, EXECUTION, GREEN, SETTLE, START, World, action, event

PAGE = "https://app.datadoghq.com/monitors/42"
STATES = {"OK": "OK", "ALARM": "Alert", "INSUFFICIENT_DATA": "No Data"}


@dataclass
class Monitor:
    """A monitor of Datadog as a list of (second, state), which may be unreadable."""

    states: list[tuple[float, str]]
    unreadable: list[tuple[float, float]] = field(default_factory=list)
    world: World | None = None

    def state_at(self, now: float) -> str:
        return [state for at, state in self.states if at <= now][-1]

    def answer(self, request: Request) -> Answer:
        assert self.world is not None
        now = self.world.now
        if any(begin <= now < end for begin, end in self.unreadable):
            return 503, {"errors": ["Service Unavailable"]}
        alerts = [at for at, state in self.states if at <= now and state == "ALARM"]
        status = STATES[self.state_at(now)]
        group: dict[str, Any] = {"name": "*", "status": status}
        if alerts:
            group["last_triggered_ts"] = int(START + alerts[-1])
        return 200, {"name": "Errors", "overall_state": status, "state": {"groups": {"*": group}}}


def run(
    world: World, monitor: Monitor, *, every: float = 30, until: float = 3600
) -> tuple[str, str, float]:
    """Call the function again and again; return how, why and when it ended."""
    monitor.world = world
    token = None
    with serving(monitor.answer) as server:
        source = {
            "kind": "datadog",
            "name": "Errors",
            "url": server.url,
            "monitor": 42,
            "page": PAGE,
            "secrets": {"api_key": ["acme", "api"], "application_key": ["acme", "app"]},
        }
        while world.now <= until:
            runtime.handle(
                event(token, list(world.alarms)),
                codepipeline=Modelled("codepipeline", world),
                open_cloudwatch=world.open_cloudwatch,
                clock=lambda: START + world.now,
                emit=lambda line: None,
                sources=json.dumps({"Prod-rest": [source], "Gamma": [{"name": "another"}]}),
                read_secret=lambda name: '{"api": "0a1b2c3d", "app": "4e5f6a7b"}',
            )
            kind, result = world.results.pop()
            if kind == "failure":
                return kind, result["failureDetails"]["message"], world.now
            token = result.get("continuationToken")
            if token is None:
                return kind, result["executionDetails"]["summary"], world.now
            world.now += every
    return "watching", "", world.now


def test_healthy_regions_and_sources_succeed_when_the_bake_is_over() -> None:
    assert run(World({"us-west-2": GREEN}), Monitor([(-9, "OK")])) == (
        "success",
        "Healthy for 15 minutes in 2 regions and health sources",
        BAKE * 60,
    )


def test_an_alert_after_the_deployment_fails_at_once_with_the_monitors_page() -> None:
    how, why, when = run(World({"us-west-2": GREEN}), Monitor([(-9, "OK"), (45, "ALARM")]))
    assert (how, when) == ("failure", 60)
    assert why == (
        "Bake of Prod-rest failed in 1 of 2 regions and health sources: Errors\n"
        "Errors went into ALARM after the deployment, at 2026-09-21 14:14:05 UTC: "
        f"Errors of *. {PAGE}"
    )


def test_an_alert_that_is_over_again_fails_too() -> None:
    flap = Monitor([(-9, "OK"), (400, "ALARM"), (401, "OK")])
    assert run(World({"us-west-2": GREEN}), flap)[0] == "failure"


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_a_monitor_that_was_red_before_may_settle(state: str) -> None:
    settles = Monitor([(-900, state), (250, "OK")])
    assert run(World({"us-west-2": GREEN}), settles)[0] == "success"
    how, why, when = run(World({"us-west-2": GREEN}), Monitor([(-900, state)]))
    assert (how, when) == ("failure", SETTLE * 60)
    assert f"Errors is in {state}" in why


def test_a_monitor_that_stays_unreadable_fails_after_five_minutes() -> None:
    broken = Monitor([(-9, "OK")], unreadable=[(200, 9999)])
    how, why, when = run(World({"us-west-2": GREEN}), broken)
    assert (how, when) == ("failure", 480)
    assert "Errors could not be read for 5 minutes: http://127.0.0.1" in why
    assert "answered 503" in why


def test_a_short_outage_of_a_monitor_is_survived() -> None:
    broken = Monitor([(-9, "OK")], unreadable=[(100, 390)])
    assert run(World({"us-west-2": GREEN}), broken)[::2] == ("success", BAKE * 60)


def test_a_monitor_that_cannot_be_read_when_the_bake_ends_holds_it_up() -> None:
    broken = Monitor([(-9, "OK")], unreadable=[(880, 1000)])
    assert run(World({"us-west-2": GREEN}), broken)[::2] == ("success", 1020)


def test_a_source_counts_from_the_first_region_that_was_deployed_to() -> None:
    later = action("d", "Deploy", "eu-central-1", ended=300, status="Succeeded")
    world = World({"us-west-2": GREEN, "eu-central-1": GREEN}, actions=[later], now=400)
    assert run(world, Monitor([(-9, "OK"), (200, "ALARM"), (350, "OK")]))[0] == "failure"


def test_a_rollback_never_fails_for_a_source() -> None:
    world = World({"us-west-2": GREEN}, execution_type="ROLLBACK")
    how, why, _ = run(world, Monitor([(-9, "OK"), (30, "ALARM")]))
    assert (how, why) == ("success", "Rolled back, and settled: us-west-2 OK; Errors ALARM")


def test_a_token_from_before_a_source_was_added_begins_the_bake_anew() -> None:
    bake = runtime.parameters(
        event(None, ["us-west-2"])["CodePipeline.job"]["data"]["actionConfiguration"][
            "configuration"
        ]["UserParameters"]
    )
    kept = runtime.Progress(started=1, rolls_back=False, deployed=(1,), read=(1, 1))
    assert runtime.progress(bake, kept.token(), 9).started == 9


def test_a_source_that_does_not_answer_does_not_hold_up_the_others() -> None:
    world, answers = World({"us-west-2": GREEN}), Event()

    def never(request: Request) -> Answer:
        answers.wait(20)
        return 200, {}

    with serving(never) as server:
        source = {"kind": "http", "name": "Slow", "url": server.url, "page": "", "secrets": {}}
        bake = runtime.Bake(
            pipeline="fruit-api",
            stage="Prod-rest",
            environment="prod",
            account="444444444444",
            regions=("us-west-2",),
            bake_minutes=BAKE,
            settle_minutes=SETTLE,
            execution=EXECUTION,
            sources=({**source, "secrets": {"token": ["acme", None]}},),
        )
        lines: list[str] = []
        outcome = runtime.step(
            bake,
            None,
            codepipeline=Modelled("codepipeline", world),
            open_cloudwatch=lambda region: world.open_cloudwatch(bake, region),
            read_secret=lambda name: "t",
            clock=lambda: START,
            emit=lines.append,
            longest_seconds=0.3,
        )
        answers.set()
    assert outcome.token is not None
    region, slow = map(json.loads, lines)
    assert (region["Region"], region["Healthy"]) == ("us-west-2", 1)
    assert (slow["HealthSource"], slow["Unreadable"]) == ("Slow", 1)
    assert slow["Problem"] == "it was not read within 0.3 seconds"
    [directive] = slow["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Pipeline", "Environment", "HealthSource"]]


MONITORS = st.builds(
    Monitor,
    states=st.lists(
        st.tuples(st.integers(-600, 1200), st.sampled_from(sorted(STATES))), max_size=4
    ).map(lambda changes: [(-601, "OK"), *sorted(dict(changes).items())]),
    unreadable=st.lists(
        st.tuples(st.integers(-10, 1200), st.integers(1, 500)).map(lambda o: (o[0], o[0] + o[1])),
        max_size=2,
    ),
)


@settings(max_examples=25)
@given(monitor=MONITORS, every=st.integers(45, 200))
def test_success_means_that_the_source_was_read_and_is_healthy(
    monitor: Monitor, every: int
) -> None:
    how, why, when = run(World({"us-west-2": GREEN}), monitor, every=every)
    if how == "success":
        assert when >= BAKE * 60
        assert monitor.state_at(when) == "OK"
        assert not any(begin <= when < end for begin, end in monitor.unreadable)
        assert not any(0 <= at <= when and state == "ALARM" for at, state in monitor.states)
    else:
        assert how == "failure"
        assert why.splitlines()[0].endswith(": Errors")
