"""A deployment by Octopus Deploy against a local server with the documented shapes."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from dpra_constructs.other_deployers.runtime import octopus
from dpra_constructs.other_deployers.runtime.deployer_api import Api, ApiError
from tests.runtime.loopback import Answer, Request, Server, serving

KEY = "API-NOTAREALKEY123456"
MARKER = "fruit-Gamma-Octopus-us-west-2 in execution e1"


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Octopus:
    """What a server does: releases by version, deployments with a task each."""

    states: list[str] = field(default_factory=lambda: ["Queued", "Executing", "Success"])
    releases: dict[str, str] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    asked_of_task: dict[str, int] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    refuses: dict[tuple[str, str], Answer] = field(default_factory=dict)
    away: int = 0
    task_fields: dict[str, Any] = field(default_factory=dict)
    final: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("x-octopus-apikey") != KEY:
            return 401, {"ErrorMessage": "You must be logged in to request this resource."}
        if self.away:
            self.away -= 1
            return 503, "away"
        if refused := self.refuses.get((request.method, request.path)):
            return refused
        match request.method, request.path.split("/")[2:]:
            case "GET", ["spaces", "all"]:
                return 200, [{"Id": "Spaces-1", "Name": "Default", "Slug": "default"}]
            case "GET", ["Spaces-1", "projects", "all"]:
                return 200, [{"Id": "Projects-7", "Name": "Fruit", "Slug": "fruit"}]
            case "GET", ["Spaces-1", "environments", "all"]:
                return 200, [
                    {"Id": "Environments-1", "Name": "Test"},
                    {"Id": "Environments-2", "Name": "Production"},
                ]
            case "POST", ["Spaces-1", "releases", "create", "v1"]:
                version = request.body["ReleaseVersion"]
                if version in self.releases and not request.body["IgnoreIfAlreadyExists"]:
                    return 400, {"ErrorMessage": "exists"}
                self.releases.setdefault(version, f"Releases-{len(self.releases) + 1}")
                return 201, {"ReleaseId": self.releases[version], "ReleaseVersion": version}
            case "GET", ["Spaces-1", "projects", "Projects-7", "releases", version]:
                return 200, {"Id": self.releases[version], "Version": version}
            case "GET", ["Spaces-1", "releases", release, "deployments"]:
                items = [each for each in self.deployments if each["ReleaseId"] == release]
                return 200, {"ItemType": "Deployment", "TotalResults": len(items), "Items": items}
            case "POST", ["Spaces-1", "deployments"]:
                number = len(self.deployments) + 1
                made = {
                    **request.body,
                    "Id": f"Deployments-{number}",
                    "TaskId": f"ServerTasks-{number}",
                    "Created": f"2026-11-25T02:00:{number:02}.000+00:00",
                }
                self.deployments.append(made)
                return 201, made
            case "GET", ["Spaces-1", "tasks", task]:
                number = self.asked_of_task.get(task, 0)
                self.asked_of_task[task] = number + 1
                state = self.final.get(task) or self.states[min(number, len(self.states) - 1)]
                over = state in ("Success", "Failed", "Canceled", "TimedOut")
                return 200, {
                    "Id": task,
                    "State": state,
                    "IsCompleted": over,
                    "FinishedSuccessfully": state == "Success",
                    "ErrorMessage": "step 2 failed" if state == "Failed" else None,
                    **self.task_fields,
                }
            case "POST", ["Spaces-1", "tasks", task, "cancel"]:
                self.cancelled.append(task)
                return 200, {"Id": task, "State": "Cancelling"}
        return 404, {"ErrorMessage": "The resource was not found."}


def deploy(octopus_server: Octopus, **more: Any) -> tuple[str | None, Server]:
    given = {
        "space": "Default",
        "project": "fruit",
        "environment": "Production",
        "version": "0.0.0-gabc",
        "marker": MARKER,
        "minutes": 30,
        **more,
    }
    clock = Clock()
    with serving(octopus_server) as server:
        api = Api(server.url, {"X-Octopus-ApiKey": KEY}, KEY, clock=clock)
        return octopus.deploy(api, clock=clock, **given), server


def test_it_creates_the_release_deploys_it_and_waits(capsys: pytest.CaptureFixture[str]) -> None:
    world = Octopus()
    problem, server = deploy(world, channel="Hotfix", package_version="1.2.3")
    assert problem is None
    [create] = [each for each in server.asked if each.path.endswith("/releases/create/v1")]
    assert create.body == {
        "SpaceId": "Spaces-1",
        "SpaceIdOrName": "Spaces-1",
        "ProjectName": "Fruit",
        "ReleaseVersion": "0.0.0-gabc",
        "IgnoreIfAlreadyExists": True,
        "ChannelName": "Hotfix",
        "PackageVersion": "1.2.3",
    }
    [made] = world.deployments
    assert (made["ReleaseId"], made["EnvironmentId"]) == ("Releases-1", "Environments-2")
    assert (made["Comments"], made["ForcePackageRedeployment"]) == (MARKER, False)
    assert capsys.readouterr().out.splitlines() == [
        "Release 0.0.0-gabc of Fruit: Releases-1",
        "Deployments-1 to Production",
        "ServerTasks-1 is Queued",
        "ServerTasks-1 is Executing",
        "ServerTasks-1 is Success",
    ]


@pytest.mark.parametrize("state", ["Failed", "Canceled", "TimedOut"])
def test_whatever_is_over_and_no_success_fails(state: str) -> None:
    world = Octopus(states=["Executing", state])
    problem, _ = deploy(world)
    assert problem is not None
    assert f"ServerTasks-1 is {state}" in problem
    assert ("step 2 failed" in problem) == (state == "Failed")


def test_a_state_that_nobody_knows_fails_once_it_is_over() -> None:
    problem, _ = deploy(Octopus(states=["Purple"], task_fields={"IsCompleted": True}))
    assert problem == "ServerTasks-1 is Purple"


def test_one_that_takes_too_long_is_cancelled_and_fails() -> None:
    world = Octopus(states=["Executing"])
    problem, _ = deploy(world, minutes=2)
    assert problem == "ServerTasks-1 is Executing after 2 minutes, and was cancelled"
    assert world.cancelled == ["ServerTasks-1"]


def test_one_that_cannot_be_cancelled_fails_too() -> None:
    path = "/api/Spaces-1/tasks/ServerTasks-1/cancel"
    world = Octopus(states=["Executing"], refuses={("POST", path): (403, "no")})
    problem, _ = deploy(world, minutes=1)
    assert problem is not None
    assert "could not be cancelled" in problem


def test_a_retry_follows_what_its_earlier_attempt_began() -> None:
    world = Octopus(states=["Executing", "Executing", "Success"])
    with serving(world) as server:
        api = Api(server.url, {"X-Octopus-ApiKey": KEY}, KEY)
        api.send("POST", "/api/Spaces-1/releases/create/v1", {"ReleaseVersion": "0.0.0-gabc"})
        body = {
            "ReleaseId": "Releases-1",
            "EnvironmentId": "Environments-2",
            "Comments": MARKER,
        }
        api.send("POST", "/api/Spaces-1/deployments", body)
    assert deploy(world)[0] is None
    assert len(world.deployments) == 1


def test_a_retry_of_what_succeeded_does_nothing() -> None:
    world = Octopus()
    assert deploy(world)[0] is None
    assert deploy(world)[0] is None
    assert len(world.deployments) == 1


def test_a_retry_of_what_failed_deploys_again() -> None:
    world = Octopus(states=["Failed"])
    assert deploy(world)[0] is not None
    # What is over stays so; the task of the second attempt succeeds.
    world.final["ServerTasks-1"] = "Failed"
    world.states = ["Success"]
    assert deploy(world)[0] is None
    assert len(world.deployments) == 2


def test_a_rollback_deploys_the_old_release_again() -> None:
    world = Octopus()
    for version, execution in (("0.0.0-gold", "e1"), ("0.0.0-gnew", "e2"), ("0.0.0-gold", "e3")):
        assert deploy(world, version=version, marker=f"x in execution {execution}")[0] is None
    assert [each["ReleaseId"] for each in world.deployments] == [
        "Releases-1",
        "Releases-2",
        "Releases-1",
    ]
    assert [each["ForcePackageRedeployment"] for each in world.deployments] == [False, False, True]


def test_another_environment_is_another_deployment() -> None:
    world = Octopus()
    deploy(world, environment="Test")
    deploy(world)
    assert len(world.deployments) == 2


def test_a_server_that_is_away_for_a_while_is_asked_again() -> None:
    assert deploy(Octopus(away=5))[0] is None


def test_a_server_that_stays_away_fails() -> None:
    with pytest.raises(ApiError, match="was answered 503: away"):
        deploy(Octopus(away=10_000))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"space": "Other"}, "there is no space 'Other' that the key may see; there is Default"),
        ({"project": "pear"}, "there is no project 'pear' that the key may see; there is Fruit"),
        (
            {"environment": "Prod"},
            "there is no environment 'Prod' that the key may see; there is Production, Test",
        ),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(names: dict[str, str], said: str) -> None:
    with pytest.raises(octopus.NotFoundError) as raised:
        deploy(Octopus(), **names)
    assert str(raised.value) == said


def run_main(
    server: Server, monkeypatch: pytest.MonkeyPatch, key: str = KEY, minutes: str = "1"
) -> int:
    for name, value in {
        "OCTOPUS_API_KEY": key,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
        "CODEBUILD_BUILD_ID": "fruit-Gamma-Octopus-us-west-2:1111",
        "DPRA_EXECUTION": "e1",
    }.items():
        monkeypatch.setenv(name, value)
    return octopus.main(
        [
            f"--url={server.url}",
            "--space=Default",
            "--project=fruit",
            "--environment=Production",
            "--version=0.0.0-g{commit}",
            "--package-version=1.{commit}",
            f"--minutes={minutes}",
        ]
    )


def test_the_program_deploys_the_builds_commit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = Octopus(states=["Success"])
    with serving(world) as server:
        assert run_main(server, monkeypatch) == 0
    assert list(world.releases) == ["0.0.0-g0123456789ab"]
    assert world.deployments[0]["Comments"] == MARKER
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "fruit in Production: deployed"
    assert KEY not in out


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, {"Errors": [f"version of {KEY}"]}), "was answered 400: "),
        ((302, "", {"Location": "https://elsewhere.example"}), "was answered 302"),
        ((200, "<html>"), "was not answered with JSON"),
    ],
)
def test_what_the_server_refuses_is_said_without_the_key(
    answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/api/Spaces-1/releases/create/v1"
    with serving(Octopus(refuses={("POST", path): answer})) as server:
        assert run_main(server, monkeypatch) == 1
    out = capsys.readouterr().out
    assert said in out
    assert KEY not in out


def test_a_wrong_key_fails_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Octopus()) as server:
        assert run_main(server, monkeypatch, key="API-WRONG") == 1
    assert "was answered 401: " in capsys.readouterr().out


def test_an_answer_of_another_shape_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda request: (200, [{"Name": "Default"}])) as server:
        assert run_main(server, monkeypatch) == 1
    assert "is not understood: KeyError" in capsys.readouterr().out
