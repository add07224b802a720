"""A run of a pipeline of Spinnaker against a local Gate with the documented shapes."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from dpra_constructs.other_deployers.runtime import spinnaker
from dpra_constructs.other_deployers.runtime.deployer_api import Api, ApiError
from tests.runtime.loopback import Answer, Request, Server, serving
from tests.runtime.test_octopus import Clock

TOKEN = "spinnaker-token-that-is-not-real"
MARKER = "fruit-Gamma-Spinnaker-us-west-2 in execution e1"


@dataclass
class Gate:
    """What Gate does: runs of pipelines, each with its states one after the other."""

    states: list[str] = field(default_factory=lambda: ["NOT_STARTED", "RUNNING", "SUCCEEDED"])
    runs: list[dict[str, Any]] = field(default_factory=list)
    asked_of_run: dict[str, int] = field(default_factory=dict)
    cancelled: list[tuple[str, str]] = field(default_factory=list)
    unseen: int = 0
    stages: list[dict[str, Any]] = field(default_factory=list)

    def shown(self, run: dict[str, Any]) -> dict[str, Any]:
        number = self.asked_of_run.get(run["id"], 0)
        return {
            **run,
            "status": self.states[min(number, len(self.states) - 1)],
            "stages": self.stages,
        }

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "Unauthorized", "status": 401}
        match request.method, request.path.split("/")[1:]:
            case "GET", ["applications", "fruit", "pipelines"]:
                return 200, [self.shown(run) for run in reversed(self.runs)]
            case "POST", ["pipelines", "fruit", "deploy%20it"]:
                number = len(self.runs) + 1
                self.runs.append(
                    {
                        "id": f"01HRUN{number}",
                        "type": "PIPELINE",
                        "application": "fruit",
                        "name": "deploy it",
                        "buildTime": 1_790_000_000_000 + number,
                        "trigger": {**request.body, "user": "pipeline"},
                    }
                )
                return 202, {"ref": f"/pipelines/01HRUN{number}"}
            case "GET", ["pipelines", run_id]:
                if self.unseen:
                    self.unseen -= 1
                    return 404, {"error": "Not Found", "message": "Pipeline execution not found"}
                [run] = [each for each in self.runs if each["id"] == run_id]
                shown = self.shown(run)
                self.asked_of_run[run_id] = self.asked_of_run.get(run_id, 0) + 1
                return 200, shown
            case "PUT", ["pipelines", run_id, "cancel"]:
                self.cancelled.append((run_id, request.query["reason"]))
                return 200, ""
        return 404, {"error": "Not Found", "message": f"no {request.path}"}


def run(gate: Gate, **more: Any) -> tuple[str | None, Server]:
    given = {
        "application": "fruit",
        "pipeline": "deploy it",
        "parameters": {"tag": "abc"},
        "marker": MARKER,
        "minutes": 30,
        **more,
    }
    clock = Clock()
    with serving(gate) as server:
        api = Api(server.url, {"Authorization": f"Bearer {TOKEN}"}, TOKEN, clock=clock)
        return spinnaker.run_pipeline(api, clock=clock, **given), server


def test_it_starts_the_pipeline_and_waits(capsys: pytest.CaptureFixture[str]) -> None:
    gate = Gate()
    problem, server = run(gate)
    assert problem is None
    [start] = [each for each in server.asked if each.method == "POST"]
    assert start.body == {
        "type": "manual",
        "parameters": {"tag": "abc", "dpra_execution": MARKER},
    }
    assert capsys.readouterr().out.splitlines() == [
        "01HRUN1 of deploy it of fruit is started",
        "01HRUN1 is NOT_STARTED",
        "01HRUN1 is RUNNING",
        "01HRUN1 is SUCCEEDED",
    ]


@pytest.mark.parametrize("state", ["TERMINAL", "CANCELED", "STOPPED", "SKIPPED", "FAILED_CONTINUE"])
def test_whatever_is_over_and_no_success_fails_with_the_stage(state: str) -> None:
    stages = [{"name": "Deploy", "type": "deploy", "status": "TERMINAL"}]
    problem, _ = run(Gate(states=["RUNNING", state], stages=stages))
    assert problem == f"01HRUN1 is {state} in Deploy"


def test_one_that_takes_too_long_is_cancelled_and_fails() -> None:
    gate = Gate(
        states=["RUNNING"],
        stages=[{"name": "Approve", "type": "manualJudgment", "status": "RUNNING"}],
    )
    problem, _ = run(gate, minutes=2)
    assert problem == (
        "01HRUN1 is RUNNING, and waits for a person in Approve after 2 minutes, and was cancelled"
    )
    assert gate.cancelled == [("01HRUN1", "took too long")]


def test_a_state_that_nobody_knows_is_waited_for() -> None:
    assert run(Gate(states=["PURPLE", "SUCCEEDED"]))[0] is None


def test_a_retry_of_what_succeeded_or_runs_starts_nothing() -> None:
    gate = Gate()
    assert run(gate)[0] is None
    assert run(gate)[0] is None
    assert len(gate.runs) == 1
    running = Gate(states=["RUNNING", "SUCCEEDED"])
    with serving(running) as server:
        api = Api(server.url, {"Authorization": f"Bearer {TOKEN}"}, TOKEN)
        body = {"type": "manual", "parameters": {"dpra_execution": MARKER}}
        api.send("POST", "/pipelines/fruit/deploy%20it", body)
    assert run(running)[0] is None
    assert len(running.runs) == 1


def test_a_retry_of_what_failed_starts_it_again() -> None:
    gate = Gate(states=["TERMINAL"])
    assert run(gate)[0] is not None
    assert run(gate)[0] is not None
    assert len(gate.runs) == 2


def test_a_rollback_runs_the_pipeline_with_the_old_commit_again() -> None:
    gate = Gate()
    for tag, execution in (("old", "e1"), ("new", "e2"), ("old", "e3")):
        assert run(gate, parameters={"tag": tag}, marker=f"x in execution {execution}")[0] is None
    assert [each["trigger"]["parameters"]["tag"] for each in gate.runs] == ["old", "new", "old"]


def test_a_run_that_is_not_to_be_seen_yet_is_waited_for() -> None:
    assert run(Gate(unseen=3))[0] is None


def test_a_run_that_is_never_to_be_seen_fails() -> None:
    with pytest.raises(ApiError, match="was answered 404"):
        run(Gate(unseen=1000))


def test_a_pipeline_that_does_not_exist_fails() -> None:
    with pytest.raises(ApiError, match="was answered 404"):
        run(Gate(), pipeline="other")


def main(server: Server, monkeypatch: pytest.MonkeyPatch, token: str = TOKEN) -> int:
    for name, value in {
        "SPINNAKER_TOKEN": token,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
        "CODEBUILD_BUILD_ID": "fruit-Gamma-Spinnaker-us-west-2:1111",
        "DPRA_EXECUTION": "e1",
    }.items():
        monkeypatch.setenv(name, value)
    return spinnaker.main(
        [
            f"--url={server.url}/",
            "--application=fruit",
            "--pipeline=deploy it",
            '--parameters={"tag": "v-{commit}"}',
            "--minutes=1",
        ]
    )


def test_the_program_runs_it_for_the_builds_commit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = Gate(states=["SUCCEEDED"])
    with serving(gate) as server:
        assert main(server, monkeypatch) == 0
    assert gate.runs[0]["trigger"]["parameters"] == {
        "tag": "v-0123456789ab",
        "dpra_execution": MARKER,
    }
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "deploy it of fruit: succeeded"
    assert TOKEN not in out


def test_a_wrong_token_fails_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Gate()) as server:
        assert main(server, monkeypatch, token="wrong-token") == 1
    out = capsys.readouterr().out
    assert "was answered 401: " in out
    assert "wrong-token" not in out


def test_an_answer_of_another_shape_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda request: (200, {"a": 1})) as server:
        assert main(server, monkeypatch) == 1
    assert "is not understood: AttributeError" in capsys.readouterr().out
