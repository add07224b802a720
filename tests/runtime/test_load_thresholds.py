"""The thresholds of load tests, on results as the load generators write them."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.test_actions.runtime import load_thresholds

# What Locust 2 wrote in a run against a server of two pages, one of which is missing.
LOCUST = """\
Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,\
99.99%,100%
GET,/,165,0,5,9.58,1.55,84.39,298.0,41.43,0.0,5,7,10,12,18,35,57,75,84,84,84
GET,/missing,157,157,5,9.64,1.33,85.18,335.0,39.42,39.42,5,6,10,12,28,40,54,76,85,85,85
,Aggregated,322,157,5,9.61,1.33,85.18,316.04,80.86,39.42,5,7,10,12,25,36,57,75,85,85,85
"""
JTL = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,bytes\n" + "".join(
    f"{1_790_000_000_000 + 100 * n},{n + 1},home,{200 if n % 10 else 500},OK,t,{n % 10 > 0},9\n"
    for n in range(100)
)
GATLING = json.dumps(
    {
        "name": "All Requests",
        "numberOfRequests": {"total": 400, "ok": 396, "ko": 4},
        "percentiles1": {"total": 50, "ok": 50, "ko": 60},
        "percentiles3": {"total": 250, "ok": 240, "ko": 300},
        "meanNumberOfRequestsPerSecond": {"total": 12.5, "ok": 12.3, "ko": 0.2},
    }
)


def run(folder: Path, format: str, content: str | None, *limits: str) -> tuple[int, str, list[str]]:
    """Run the program as a build does; return its exit code, output and failed cases."""
    if content is not None:
        (folder / "results").write_text(content)
    program = Path(load_thresholds.__file__).read_text()
    report = folder / "new" / "report.xml"
    done = subprocess.run(
        [sys.executable, "-I", "-", format, str(folder / "res*"), str(report), *limits],
        input=program,
        capture_output=True,
        text=True,
        timeout=60,
    )
    cases = ElementTree.parse(report).getroot().iter("testcase")
    failed = [case.attrib["name"] for case in cases if case.find("failure") is not None]
    return done.returncode, done.stdout + done.stderr, failed


@pytest.mark.parametrize(
    ("format", "content", "said"),
    [
        ("locust", LOCUST, "322 requests, 95 % within 36 ms, 48.76 % failed, 80.9 a second"),
        ("jmeter", JTL, "100 requests, 95 % within 95 ms, 10.00 % failed, 10.0 a second"),
        ("gatling", GATLING, "400 requests, 95 % within 250 ms, 1.00 % failed, 12.5 a second"),
    ],
)
def test_results_within_the_limits_pass(
    tmp_path: Path, format: str, content: str, said: str
) -> None:
    limits = ("--p95-ms=250", "--error-percent=50", "--per-second=9")
    code, output, failed = run(tmp_path, format, content, *limits)
    assert (code, failed) == (0, [])
    assert said in output


@pytest.mark.parametrize(
    ("limit", "name", "said"),
    [
        ("--p95-ms=249", "p95_ms", "p95_ms: 250, and at most 249 is wanted"),
        ("--error-percent=0.9", "error_percent", "error_percent: 1, and at most 0.9 is wanted"),
        ("--per-second=12.6", "per_second", "per_second: 12.5, and at least 12.6 is wanted"),
    ],
)
def test_each_limit_fails_by_itself(tmp_path: Path, limit: str, name: str, said: str) -> None:
    code, output, failed = run(tmp_path, "gatling", GATLING, limit)
    assert (code, failed) == (1, [name])
    assert said in output


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("locust", LOCUST.splitlines()[0]),
        ("locust", LOCUST.splitlines()[0] + "\n,Aggregated,0,0" + ",0" * 18),
        ("jmeter", JTL.splitlines()[0]),
        ("gatling", GATLING.replace("400", "0")),
        ("gatling", None),
    ],
)
def test_a_test_that_measured_nothing_fails(
    tmp_path: Path, format: str, content: str | None
) -> None:
    code, output, failed = run(tmp_path, format, content, "--error-percent=100")
    assert (code, failed) == (1, ["requests"])
    assert "requests: no request was measured" in output


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = load_thresholds.nearest_rank(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
