"""Monitors outside CloudWatch, read from a local server with the documented shapes."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dpra_constructs.release.runtime.bake_readings import Reading
from dpra_constructs.release.runtime.health_sources import read_source, sources_of
from tests.runtime.loopback import Answer, Request, Server, serving

DEPLOYED = 1_790_000_000_500
SECONDS = DEPLOYED // 1000
TOKEN = "dt0c01.ABCDEF.not-a-real-token"
SECRETS = {"acme/monitor": json.dumps({"api": TOKEN, "app": f"{TOKEN}-app"})}
DATADOG = {
    "kind": "datadog",
    "name": "DatadogMonitor",
    "monitor": 42,
    "secrets": {
        "api_key": ["acme/monitor", "api"],
        "application_key": ["acme/monitor", "app"],
    },
}
DYNATRACE = {
    "kind": "dynatrace",
    "name": "DynatraceProblems",
    "entity_selector": 'type(SERVICE),tag("app:fruit")',
    "secrets": {"api_token": ["acme/monitor", "api"]},
}
HTTP = {"kind": "http", "name": "HttpHealth", "secrets": {"token": ["acme/monitor", "api"]}}


def read(server: Server, source: dict[str, Any], deployed: int = DEPLOYED) -> Reading:
    return read_source({**source, "url": server.url}, deployed, SECRETS.__getitem__)


@contextmanager
def answering(status: int, content: Any, headers: dict[str, str] | None = None) -> Iterator[Server]:
    with serving(lambda request: (status, content, headers or {})) as server:
        yield server


def monitor(state: str, **groups: dict[str, Any]) -> dict[str, Any]:
    """What Datadog answers for a monitor with `group_states=all`, in short."""
    return {
        "id": 42,
        "name": "Errors of fruit",
        "type": "query alert",
        "query": "sum(last_5m):sum:fruit.errors{*} by {region}.as_count() > 5",
        "overall_state": state,
        "options": {"thresholds": {"critical": 5}},
        "state": {"groups": {name: {"name": name, **each} for name, each in groups.items()}},
    }


def test_a_monitor_of_datadog_is_asked_as_documented() -> None:
    with answering(200, monitor("OK")) as server:
        assert read(server, DATADOG) == Reading(state="OK", reason="Errors of fruit: OK")
    [request] = server.asked
    assert (request.method, request.path) == ("GET", "/api/v1/monitor/42")
    assert request.query == {"group_states": "all"}
    assert request.headers["dd-api-key"] == TOKEN
    assert request.headers["dd-application-key"] == f"{TOKEN}-app"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("OK", "OK"),
        ("Warn", "OK"),
        ("Alert", "ALARM"),
        ("No Data", "INSUFFICIENT_DATA"),
        ("Ignored", "INSUFFICIENT_DATA"),
        ("Skipped", "INSUFFICIENT_DATA"),
        ("Unknown", "INSUFFICIENT_DATA"),
    ],
)
def test_every_state_of_datadog_is_one_of_an_alarm(said: str, state: str) -> None:
    with answering(200, monitor(said)) as server:
        reading = read(server, DATADOG)
    assert (reading.state, reading.problem, reading.alarmed_at) == (state, None, None)


@pytest.mark.parametrize(
    ("triggered", "is_new"),
    [(SECONDS - 1, False), (SECONDS, True), (SECONDS + 30, True), (None, False)],
)
def test_a_trigger_since_the_second_of_the_deployment_counts(
    triggered: int | None, is_new: bool
) -> None:
    group = {"status": "OK", "last_triggered_ts": triggered, "last_resolved_ts": SECONDS + 31}
    with answering(200, monitor("OK", **{"region:us-west-2": group})) as server:
        reading = read(server, DATADOG)
    assert (reading.alarmed_at is not None) == is_new
    if is_new:
        assert reading.alarm_reason == "Errors of fruit of region:us-west-2"


def test_one_group_of_a_multi_alert_counts_alone() -> None:
    groups = {
        "region:us-west-2": {"status": "OK", "last_triggered_ts": SECONDS - 500},
        "region:eu-central-1": {"status": "Alert", "last_triggered_ts": SECONDS + 5},
    }
    with answering(200, monitor("Alert", **groups)) as server:
        assert read(server, {**DATADOG, "group": "region:us-west-2"}).state == "OK"
        assert read(server, DATADOG).alarmed_at == (SECONDS + 5) * 1000
        missing = read(server, {**DATADOG, "group": "region:moon-1"})
    assert missing.problem == "the monitor has no group 'region:moon-1'"


def problem(number: int, started: int, ended: int = -1) -> dict[str, Any]:
    """What Dynatrace lists of a problem, in short."""
    return {
        "problemId": f"-{number}_{started}V2",
        "displayId": f"P-{number}",
        "title": "Failure rate increase",
        "impactLevel": "SERVICES",
        "severityLevel": "ERROR",
        "status": "OPEN" if ended == -1 else "CLOSED",
        "startTime": started,
        "endTime": ended,
    }


def dynatrace(problems: list[dict[str, Any]], page_size: int = 500) -> Any:
    """Answer as Dynatrace: a timeframe has the problems that begin or end in it."""

    def answer(request: Request) -> Answer:
        if key := request.query.get("nextPageKey"):
            # Every other parameter has to be left out then.
            if set(request.query) != {"nextPageKey"}:
                return 400, {"error": {"code": 400, "message": "Constraints violated."}}
            first, query = int(key.partition(":")[0]), json.loads(key.partition(":")[2])
        else:
            first, query = 0, request.query
        since = query["from"]
        begin = 0 if since == "now-30d" else int(since)
        found = [
            each for each in problems if each["startTime"] >= begin or each["endTime"] >= begin
        ]
        if 'status("open")' in query.get("problemSelector", ""):
            found = [each for each in found if each["status"] == "OPEN"]
        page: dict[str, Any] = {
            "totalCount": len(found),
            "pageSize": page_size,
            "problems": found[first : first + page_size],
            "warnings": [],
        }
        if first + page_size < len(found):
            page["nextPageKey"] = f"{first + page_size}:{json.dumps(query)}"
        return 200, page

    return answer


def test_problems_of_dynatrace_are_asked_for_as_documented() -> None:
    source = {**DYNATRACE, "problem_selector": 'severityLevel("ERROR")'}
    with serving(dynatrace([])) as server:
        assert read(server, source) == Reading(state="OK", reason="no open problem")
    is_open, since = server.asked
    assert is_open.path == since.path == "/api/v2/problems"
    assert is_open.headers["authorization"] == f"Api-Token {TOKEN}"
    assert is_open.query == {
        "pageSize": "500",
        "entitySelector": 'type(SERVICE),tag("app:fruit")',
        "from": "now-30d",
        "problemSelector": 'status("open"),severityLevel("ERROR")',
    }
    assert since.query["from"] == str(DEPLOYED)
    assert since.query["problemSelector"] == 'severityLevel("ERROR")'


@pytest.mark.parametrize(
    ("problems", "state", "alarmed_at"),
    [
        ([], "OK", None),
        ([problem(1, DEPLOYED - 9_000, DEPLOYED - 5_000)], "OK", None),
        ([problem(1, DEPLOYED - 9_000, DEPLOYED + 5_000)], "OK", None),
        ([problem(1, DEPLOYED - 9_000)], "ALARM", None),
        ([problem(1, DEPLOYED + 9_000)], "ALARM", DEPLOYED + 9_000),
        ([problem(1, DEPLOYED + 9_000, DEPLOYED + 9_500)], "OK", DEPLOYED + 9_000),
        ([problem(1, DEPLOYED)], "ALARM", DEPLOYED),
    ],
)
def test_problems_since_the_deployment_and_open_ones_count(
    problems: list[dict[str, Any]], state: str, alarmed_at: int | None
) -> None:
    with serving(dynatrace(problems)) as server:
        reading = read(server, DYNATRACE)
    assert (reading.state, reading.alarmed_at, reading.problem) == (state, alarmed_at, None)


@settings(max_examples=40)
@given(
    times=st.lists(st.tuples(st.integers(-99, 99), st.none() | st.integers(0, 50)), max_size=7),
    page_size=st.integers(1, 3),
)
def test_whatever_problems_there_are_the_first_new_one_is_found(
    times: list[tuple[int, int | None]], page_size: int
) -> None:
    problems = [
        problem(number, DEPLOYED + at, -1 if lasts is None else DEPLOYED + at + lasts)
        for number, (at, lasts) in enumerate(times)
    ]
    with serving(dynatrace(problems, page_size)) as server:
        reading = read(server, DYNATRACE)
    new = [at for at, _ in times if at >= 0]
    assert reading.alarmed_at == (DEPLOYED + min(new) if new else None)
    assert reading.state == ("ALARM" if any(lasts is None for _, lasts in times) else "OK")


def test_any_other_monitor_is_asked_with_the_moment_of_the_deployment() -> None:
    answer = {"state": "ALARM", "reason": "too slow", "alarmed_at": DEPLOYED + 1}
    with answering(200, answer) as server:
        reading = read(server, HTTP)
    assert reading == Reading(
        state="ALARM", reason="too slow", alarmed_at=DEPLOYED + 1, alarm_reason="too slow"
    )
    [request] = server.asked
    assert request.query == {"since": str(DEPLOYED)}
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


def test_an_alarm_of_any_other_monitor_from_before_the_deployment_is_no_new_one() -> None:
    with answering(200, {"state": "ALARM", "alarmed_at": DEPLOYED - 1}) as server:
        assert read(server, HTTP).alarmed_at is None


@pytest.mark.parametrize("source", [DATADOG, DYNATRACE, HTTP], ids=lambda each: each["kind"])
@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (403, {"errors": ["Forbidden"]}, 'answered 403: {"errors": ["Forbidden"]}'),
        (429, "slow down", "answered 429: slow down"),
        (500, "", "answered 500"),
        (200, "<html>maintenance</html>", "did not answer with JSON"),
        (200, "", "did not answer with JSON"),
        (200, [], "its answer is not understood"),
        (200, {}, "its answer is not understood"),
        (200, None, "its answer is not understood"),
        (200, {"state": 7, "overall_state": 7, "problems": 7}, ""),
        (401, f"the token {TOKEN} is wrong", "the token *** is wrong"),
    ],
)
def test_what_is_no_answer_is_a_problem_and_never_a_state(
    source: dict[str, Any], status: int, content: Any, said: str
) -> None:
    with answering(status, content) as server:
        reading = read(server, source)
    assert reading.problem is not None
    assert said in reading.problem
    assert TOKEN not in reading.problem
    assert (reading.state, reading.alarmed_at) == ("", None)


def test_an_unknown_state_of_datadog_is_a_problem() -> None:
    with answering(200, monitor("Purple")) as server:
        assert read(server, DATADOG).problem == "Datadog gives its state as 'Purple'"


@pytest.mark.parametrize("source", [DATADOG, DYNATRACE, HTTP], ids=lambda each: each["kind"])
def test_a_redirect_is_not_followed_as_it_would_get_the_token(source: dict[str, Any]) -> None:
    with answering(200, {"state": "OK"}) as other:
        where = {"Location": f"{other.url}/elsewhere"}
        with answering(302, "", where) as server:
            problem = read(server, source).problem
    assert problem is not None
    assert "answered 302" in problem
    assert other.asked == []


def test_a_closed_port_is_a_problem() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    problem = read(Server(url), DATADOG).problem
    assert problem is not None
    assert "could not be asked" in problem


def test_a_secret_without_the_value_is_a_problem_that_does_not_show_it() -> None:
    for secret, said in (
        ('{"other": "x"}', "the secret has no value 'api'"),
        (TOKEN, "the secret has no value 'api'"),
        ('{"api": "a\\nX-Other: b", "app": "x"}', "the secret is not a text that can be a token"),
        ('{"api": "", "app": "x"}', "the secret is not a text that can be a token"),
    ):
        reading = read_source(
            {**DATADOG, "url": "http://127.0.0.1:1"}, 0, {"acme/monitor": secret}.__getitem__
        )
        assert reading.problem == said


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["state", "groups", "overall_state", "problems", "status", "startTime"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(content=SHAPES, source=st.sampled_from([DATADOG, DYNATRACE, HTTP]))
@example(content={"problems": ""}, source=DYNATRACE)
@example(content={"problems": {}}, source=DYNATRACE)
def test_no_answer_of_another_shape_is_taken_for_healthy(
    content: Any, source: dict[str, Any]
) -> None:
    with answering(200, content) as server:
        reading = read(server, source)
    # Of these shapes only an empty list of problems means health.
    if isinstance(content, dict) and content.get("problems") == []:
        return
    assert reading.problem is not None
    assert reading.state == ""


def test_each_stage_has_its_own_sources() -> None:
    told = json.dumps({"Gamma": [DATADOG], "Prod-rest": [DYNATRACE, HTTP]})
    assert sources_of(told, "Gamma") == (DATADOG,)
    assert sources_of(told, "Prod-rest") == (DYNATRACE, HTTP)
    assert sources_of(told, "Prod-one-box") == ()
    assert sources_of("", "Gamma") == ()
