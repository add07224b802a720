"""Runs the canaries of API synthetic tests on their schedule, on the scaled clock.

What runs is the deployed code with its deployed steps, against the emulator's own addresses. Its
results are metrics, of which alarms are made. Not run are canaries with other code, those whose
headers have secrets, which are kept outside of the stacks, and those of addresses elsewhere.

A minute of a fast clock is over before a run is. So a canary runs every `scale / 20` seconds at
most, which leaves the machine to the release; and what two of three runs would show, one shows
that failed and is made again at once. Limits of latency are not checked then, as a process takes
as long to start as in AWS.
Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_metrics.html
"""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import os
import re
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudformation, cloudwatch, s3

from dpra_constructs.rehearsal.emulator.alarms.minutes import SCALE
from dpra_constructs.rehearsal.emulator.resource_types import RECORDED
from dpra_constructs.rehearsal.emulator.state import STILL

_NAMESPACE = "CloudWatchSynthetics"
_HANDLER = "api_canary.handler"
_CODE = Path(__file__).parents[2] / "monitoring" / "runtime" / "api_canary.py"
_FOLDER = "python"
_RATE = re.compile(r"rate\((\d+) minutes?\)")
_TICK_SECONDS = 0.1
_AT_ONCE = 4
# As seldom at N minutes in one as every N / 20 seconds: 6 s at 120, half a minute at 600.
_SCALE_PER_SECOND = 20
_LEAST_TIMEOUT_SECONDS = 30

_Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """A canary that can be run here.

    Args:
        url: what the paths of its steps are put behind.
        steps: what it asks.
        minutes: its schedule.
    """

    url: str
    steps: Sequence[Mapping[str, Any]]
    minutes: int

    @property
    def pause_seconds(self) -> float:
        """How long after the begin of a run the next one begins."""
        return max(self._scheduled_seconds, SCALE / _SCALE_PER_SECOND)

    @property
    def is_late(self) -> bool:
        """Whether it runs less often than scheduled."""
        return self.pause_seconds > self._scheduled_seconds

    @property
    def _scheduled_seconds(self) -> float:
        return self.minutes * 60 / SCALE

    def passes(self) -> bool:
        """Run it, and once more where a second run would be due and it failed."""
        return _passes(self) or (self.is_late and _passes(self))


def run_on_the_clock() -> None:
    """Run canaries from now on."""
    threading.Thread(target=_run_always, daemon=True, name="canaries").start()


def _run_always() -> None:
    due: dict[_Key, float] = {}
    running: dict[_Key, threading.Thread] = {}
    # A saved state has canaries before anything answers.
    while not _serves():
        time.sleep(_TICK_SECONDS)
    while True:
        time.sleep(_TICK_SECONDS)
        try:
            _begin_due(due, running)
        except Exception:
            logging.getLogger("synthetics").exception("canaries were not run")


def _begin_due(due: dict[_Key, float], running: dict[_Key, threading.Thread]) -> None:
    now = time.monotonic()
    for key, record in list(RECORDED["AWS::Synthetics::Canary"].records._data.items()):
        busy = {each for each, thread in running.items() if thread.is_alive()}
        if now < due.get(key, 0) or key in busy or len(busy) >= _AT_ONCE:
            continue
        with request_scope(key[0], key[1]):
            canary = None if _is_being_made(key) else read_canary(record["properties"])
        if canary:
            due[key] = now + canary.pause_seconds
            arguments = (key, record["name"], canary)
            running[key] = threading.Thread(target=_run, args=arguments, daemon=True)
            running[key].start()


def read_canary(properties: Mapping[str, Any]) -> Canary | None:
    """Read a canary in the account and region of its stack; None of one that is not run."""
    code = properties.get("Code", {})
    schedule = _RATE.fullmatch(str(properties.get("Schedule", {}).get("Expression", "")))
    variables = properties.get("RunConfig", {}).get("EnvironmentVariables", {})
    url = str(variables.get("BASE_URL", ""))
    if code.get("Handler") != _HANDLER or not schedule or not url.startswith(_here()):
        return None
    steps = _steps(str(code.get("S3Bucket")), str(code.get("S3Key")))
    if not steps or any(step.get("secret_headers") for step in steps):
        return None
    return Canary(url=url, steps=steps, minutes=int(schedule[1]))


@cache
def _steps(bucket: str, key: str) -> Sequence[Mapping[str, Any]]:
    """Return the steps in a canary's code; none where it is not that of this library's version."""
    data = s3._get_object_data(bucket, key)
    if data is None:
        return ()
    code, requests = f"{_FOLDER}/{_CODE.name}", f"{_FOLDER}/steps.json"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if not {code, requests} <= set(archive.namelist()):
            return ()
        if archive.read(code) != _CODE.read_bytes():
            return ()
        steps = json.loads(archive.read(requests))
    return tuple(_on_a_fast_clock(steps) if SCALE != 1 else steps)


def _on_a_fast_clock(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        timeout = max(step["timeout_seconds"], _LEAST_TIMEOUT_SECONDS)
        yield {**step, "timeout_seconds": timeout, "latency_limit_ms": None}


def _is_being_made(key: _Key) -> bool:
    """Whether a stack of the place is made just now, so that not all may answer yet."""
    return any(
        stack["StackStatus"] == "CREATE_IN_PROGRESS"
        for (account, region, _), stack in cloudformation._stacks.all_items()
        if (account, region) == key[:2]
    )


def _run(key: _Key, name: str, canary: Canary) -> None:
    began = time.time()
    passed = canary.passes()
    took = (time.time() - began) * 1000
    # Not while the emulator's state is saved.
    with STILL, request_scope(key[0], key[1]):
        for metric, value, unit in (
            ("SuccessPercent", 100 if passed else 0, "Percent"),
            ("Duration", took, "Milliseconds"),
        ):
            cloudwatch.record_metric(_NAMESPACE, metric, value, unit, {"CanaryName": name})


def _passes(canary: Canary) -> bool:
    code = _code()
    try:
        code.run(canary.steps, canary.url, log=lambda line: None)
    except code.SyntheticTestFailedError:
        return False
    return True


@cache
def _code() -> Any:
    """Load the code of canaries alone: its package needs the CDK."""
    spec = importlib.util.spec_from_file_location("api_canary", _CODE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _serves() -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", int(os.environ["GATEWAY_PORT"]))) == 0


def _here() -> str:
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/"
