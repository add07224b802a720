"""Reads what a load generator measured, and fails when it is over a threshold.

Runs in builds, so it needs the standard library of Python 3.9 alone:
`load_thresholds.py FORMAT RESULTS REPORT [--p95-ms N] [--error-percent N] [--per-second N]`.
Measuring nothing fails too. Each threshold becomes a test case of a JUnit report.
"""

from __future__ import annotations

import argparse
import csv
import glob
import json
import math
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """What all load generators measure."""

    requests: int
    p95_ms: float
    error_percent: float
    per_second: float


def jmeter(path: Path) -> Measured:
    """Read a JTL file in JMeter's CSV format, with its header."""
    elapsed, failed, first, last = [], 0, math.inf, 0.0
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            start, took = float(row["timeStamp"]), float(row["elapsed"])
            elapsed.append(took)
            failed += row["success"].strip().lower() != "true"
            first, last = min(first, start), max(last, start + took)
    if not elapsed:
        return Measured(0, 0, 0, 0)
    seconds = max((last - first) / 1000, 0.001)
    return Measured(
        len(elapsed), nearest_rank(elapsed, 95), 100 * failed / len(elapsed), len(elapsed) / seconds
    )


def locust(path: Path) -> Measured:
    """Read the row `Aggregated` of Locust's PREFIX_stats.csv."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    requests = int(rows[0]["Request Count"]) if rows else 0
    if not requests:
        return Measured(0, 0, 0, 0)
    [row] = rows
    return Measured(
        requests,
        float(row["95%"]),
        100 * int(row["Failure Count"]) / requests,
        float(row["Requests/s"]),
    )


def gatling(path: Path) -> Measured:
    """Read js/global_stats.json of Gatling's report, whose third percentile is the 95th."""
    stats = json.loads(path.read_text())
    requests = int(stats["numberOfRequests"]["total"])
    if not requests:
        return Measured(0, 0, 0, 0)
    return Measured(
        requests,
        float(stats["percentiles3"]["total"]),
        100 * int(stats["numberOfRequests"]["ko"]) / requests,
        float(stats["meanNumberOfRequestsPerSecond"]["total"]),
    )


FORMATS = {"gatling": gatling, "jmeter": jmeter, "locust": locust}


def nearest_rank(values: list[float], percent: int) -> float:
    """Return the smallest value that at least so many percent do not exceed."""
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def problems(measured: Measured, thresholds: dict[str, float]) -> dict[str, str | None]:
    """Return for each threshold what is wrong, or None."""
    results: dict[str, str | None] = {
        "requests": None if measured.requests else "no request was measured"
    }
    for name, limit in thresholds.items():
        value = getattr(measured, name)
        wrong = value < limit if name == "per_second" else value > limit
        bound = "at least" if name == "per_second" else "at most"
        results[name] = f"{value:g}, and {bound} {limit:g} is wanted" if wrong else None
    return results


def report(results: dict[str, str | None]) -> ElementTree.Element:
    """Return the results as JUnit's XML."""
    failures = sum(problem is not None for problem in results.values())
    suite = ElementTree.Element(
        "testsuite", name="thresholds", tests=str(len(results)), failures=str(failures)
    )
    for name, problem in results.items():
        case = ElementTree.SubElement(suite, "testcase", classname="thresholds", name=name)
        if problem is not None:
            ElementTree.SubElement(case, "failure", message=problem)
    return suite


def main(argv: list[str]) -> int:
    """Check the newest file of results; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=sorted(FORMATS))
    parser.add_argument("results", help="a path or a pattern")
    parser.add_argument("report", type=Path)
    parser.add_argument("--p95-ms", type=float)
    parser.add_argument("--error-percent", type=float)
    parser.add_argument("--per-second", type=float)
    options = parser.parse_args(argv)
    # A pattern that may begin at the root, which Path.glob refuses.
    found = sorted(
        map(Path, glob.glob(options.results)),  # noqa: PTH207
        key=lambda path: path.stat().st_mtime,
    )
    measured = FORMATS[options.format](found[-1]) if found else Measured(0, 0, 0, 0)
    given = {name: getattr(options, name) for name in ("p95_ms", "error_percent", "per_second")}
    results = problems(measured, {k: v for k, v in given.items() if v is not None})
    options.report.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(report(results)).write(options.report, encoding="unicode")
    print(
        f"{measured.requests} requests, 95 % within {measured.p95_ms:g} ms, "
        f"{measured.error_percent:.2f} % failed, {measured.per_second:.1f} a second"
    )
    for name, problem in results.items():
        if problem is not None:
            print(f"{name}: {problem}", file=sys.stderr)
    return int(any(results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
