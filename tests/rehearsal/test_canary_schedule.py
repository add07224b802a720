"""Which canaries a rehearsal runs, how often, and when a run counts as failed."""

import io
import json
import zipfile
from typing import Any

import pytest
from ministack.services import s3

from dpra_constructs.rehearsal.emulator import canaries
from tests.conftest import ROOT

HERE = "http://127.0.0.1:12345/"
CODE = (ROOT / "dpra_constructs/monitoring/runtime/api_canary.py").read_text()
STEP = {"name": "Look", "timeout_seconds": 10, "latency_limit_ms": 300}


def archive(code: str = CODE, **step: Any) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("python/api_canary.py", code)
        made.writestr("python/steps.json", json.dumps([{**STEP, **step}]))
    return data.getvalue()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    objects: dict[str, bytes] = {}
    monkeypatch.setenv("GATEWAY_PORT", "12345")
    monkeypatch.setattr(s3, "_get_object_data", lambda _, key: objects.get(key))
    canaries._steps.cache_clear()
    return objects


def deployed(**given: Any) -> dict[str, Any]:
    return {
        "Code": {
            "Handler": given.get("handler", "api_canary.handler"),
            "S3Bucket": "assets",
            "S3Key": "code.zip",
        },
        "Schedule": {"Expression": given.get("schedule", "rate(5 minutes)")},
        "RunConfig": {"EnvironmentVariables": {"BASE_URL": given.get("url", HERE)}},
    }


def test_a_canary_of_an_api_is_run_as_it_was_deployed(published: dict[str, bytes]) -> None:
    published["code.zip"] = archive()
    found = canaries.read_canary(deployed())
    assert found is not None
    assert (found.url, found.minutes, found.steps) == (HERE, 5, (STEP,))


def test_on_a_fast_clock_a_step_has_more_time(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canaries, "SCALE", 600.0)
    published["code.zip"] = archive()
    found = canaries.read_canary(deployed())
    assert found is not None
    assert found.steps == ({**STEP, "timeout_seconds": 30, "latency_limit_ms": None},)


@pytest.mark.parametrize(
    "given",
    [
        {"handler": "pageLoadBlueprint.handler"},
        {"schedule": "cron(0 * * * ? *)"},
        {"schedule": "rate(0 minute)x"},
        {"url": "https://acme.example"},
        {"url": "http://127.0.0.1:123456/"},
    ],
)
def test_a_canary_of_something_else_is_not_run(
    published: dict[str, bytes], given: dict[str, Any]
) -> None:
    published["code.zip"] = archive()
    assert canaries.read_canary(deployed(**given)) is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        archive(code=f"{CODE}\nprint('more')\n"),
        archive(secret_headers={"Authorization": {"name": "acme"}}),
    ],
    ids=["none", "other", "secret"],
)
def test_a_canary_of_other_code_or_with_secrets_is_not_run(
    published: dict[str, bytes], data: bytes | None
) -> None:
    if data is not None:
        published["code.zip"] = data
    assert canaries.read_canary(deployed()) is None


@pytest.mark.parametrize(
    ("scale", "seconds", "is_late"),
    [(1, 60, False), (30, 2, False), (120, 6, True), (600, 30, True)],
)
def test_it_keeps_to_its_schedule_where_the_machine_can(
    monkeypatch: pytest.MonkeyPatch, scale: float, seconds: float, is_late: bool
) -> None:
    monkeypatch.setattr(canaries, "SCALE", scale)
    canary = canaries.Canary(url=HERE, steps=[STEP], minutes=1)
    assert (canary.pause_seconds, canary.is_late) == (seconds, is_late)


@pytest.mark.parametrize(
    ("scale", "runs", "passes"),
    [(30, [False], False), (600, [False, True], True), (600, [False, False], False)],
)
def test_a_late_run_that_fails_is_made_again(
    monkeypatch: pytest.MonkeyPatch, scale: float, runs: list[bool], passes: bool
) -> None:
    left = list(runs)
    monkeypatch.setattr(canaries, "SCALE", scale)
    monkeypatch.setattr(canaries, "_passes", lambda _: left.pop(0))
    assert canaries.Canary(url=HERE, steps=[STEP], minutes=1).passes() is passes
    assert left == []
