"""A deployment to servers, followed over several calls of the function."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from dpra_constructs.progressive_deployment.runtime import server_deployment
from tests.runtime.service_models import Modelled, client_error

EVENT = {
    "RequestType": "Update",
    "ResponseURL": "https://answers.example/",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Deployment",
    "PhysicalResourceId": "shop/servers",
    "ResourceProperties": {
        "Application": "shop",
        "DeploymentGroup": "servers",
        "Bucket": "assets-of-the-environment",
        "Key": "revision.zip",
    },
}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class CodeDeploy:
    """A deployment that has each of the states in turn, and keeps the last."""

    def __init__(self, *states: Any, busy: int = 0) -> None:
        self.states = list(states)
        self.busy = busy
        self.calls: list[tuple[str, Any]] = []

    def create_deployment(self, **given: Any) -> dict[str, Any]:
        self.calls.append(("create", given))
        if self.busy:
            self.busy -= 1
            raise client_error("DeploymentLimitExceededException")
        return {"deploymentId": "d-1"}

    def get_deployment(self, deploymentId: str) -> dict[str, Any]:  # noqa: N803
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        info = state if isinstance(state, dict) else {"status": state}
        return {"deploymentInfo": info}

    def stop_deployment(self, **given: Any) -> dict[str, Any]:
        self.calls.append(("stop", given))
        return {"status": "Pending"}


def run(
    service: CodeDeploy,
    event: dict[str, Any] | None = None,
    *,
    remaining: Callable[[Clock], int] = lambda clock: 900_000,
) -> tuple[list[str | None], list[dict[str, Any]]]:
    """Return the answers, and with what the function called itself."""
    answers: list[str | None] = []
    again: list[dict[str, Any]] = []
    clock = Clock()
    server_deployment.follow(
        dict(event or EVENT),
        codedeploy=Modelled("codedeploy", service),
        call_again=again.append,
        remaining_ms=lambda: remaining(clock),
        respond=lambda _, problem: answers.append(problem),
        clock=clock,
    )
    return answers, again


def test_it_needs_the_standard_library_alone_until_it_is_called() -> None:
    folder = str(Path(server_deployment.__file__).parent)
    program = f"import sys; sys.path.insert(0, {folder!r}); import server_deployment"
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", program], check=True)


def test_it_deploys_the_revision_and_says_that_it_succeeded() -> None:
    service = CodeDeploy("Created", "InProgress", "Succeeded")
    assert run(service) == ([None], [])
    [(_, given)] = service.calls
    assert given["revision"]["s3Location"] == {
        "bucket": "assets-of-the-environment",
        "key": "revision.zip",
        "bundleType": "zip",
    }


def test_it_says_why_a_deployment_failed_and_what_rolled_it_back() -> None:
    failed = {
        "status": "Failed",
        "errorInformation": {"code": "ALARM_ACTIVE", "message": "alarm Errors is in ALARM"},
        "rollbackInfo": {"rollbackDeploymentId": "d-2"},
    }
    [answer], _ = run(CodeDeploy("InProgress", failed))
    assert answer == (
        "deployment d-1 is Failed: ALARM_ACTIVE, alarm Errors is in ALARM; rolled back by d-2"
    )
    [answer], _ = run(CodeDeploy("Stopped"))
    assert answer == "deployment d-1 is Stopped: no code, no reason is given"


def test_it_waits_until_the_deployment_before_has_ended() -> None:
    service = CodeDeploy("Succeeded", busy=3)
    assert run(service) == ([None], [])
    assert len(service.calls) == 4


def test_it_calls_itself_when_its_time_is_up_and_goes_on_with_the_same_deployment() -> None:
    service = CodeDeploy("InProgress")
    answers, [more] = run(
        service, remaining=lambda clock: int(120_000 - (clock.now - 1_000) * 1_000)
    )
    assert answers == []
    assert (more["DeploymentId"], more["Deadline"]) == ("d-1", 1_000 + 55 * 60)
    service.states = ["Succeeded"]
    assert run(service, json.loads(json.dumps(more))) == ([None], [])
    assert len(service.calls) == 1


def test_one_that_takes_too_long_is_stopped_and_rolled_back() -> None:
    service = CodeDeploy("InProgress")
    [answer], _ = run(service)
    assert answer == "deployment d-1 took longer than 55 minutes and was stopped"
    assert service.calls[-1] == ("stop", {"deploymentId": "d-1", "autoRollbackEnabled": True})


def test_one_that_cannot_start_for_55_minutes_is_said() -> None:
    [answer], _ = run(CodeDeploy("InProgress", busy=10_000))
    assert answer == "another deployment of the group has not ended for 55 minutes"


def test_an_error_is_an_answer_too() -> None:
    [answer], _ = run(CodeDeploy(client_error("InvalidDeploymentIdException")))
    assert answer is not None
    assert "InvalidDeploymentIdException" in answer


def test_a_deletion_deploys_nothing() -> None:
    service = CodeDeploy("Succeeded")
    assert run(service, {**EVENT, "RequestType": "Delete"}) == ([None], [])
    assert service.calls == []


def test_the_answer_reaches_the_address_of_cloudformation() -> None:
    got: list[tuple[dict[str, Any], str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((json.loads(body), self.headers["content-type"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        created = {k: v for k, v in EVENT.items() if k != "PhysicalResourceId"}
        server_deployment.respond({**created, "ResponseURL": address}, None)
        server_deployment.respond({**EVENT, "ResponseURL": address}, "x" * 5_000)
        server.shutdown()
        thread.join()
    assert [each["Status"] for each, _ in got] == ["SUCCESS", "FAILED"]
    assert {each["PhysicalResourceId"] for each, _ in got} == {"shop/servers"}
    assert len(got[1][0]["Reason"]) == 1_000
    # The address is signed for no content type.
    assert {kind for _, kind in got} == {""}
