"""Fails when the lines that JaCoCo's reports cover are fewer than a share of all.

Runs in builds, so it needs the standard library of Python 3.9 alone:
`jacoco_coverage.py MINIMUM_PERCENT PATTERN`, of which all reports count together.
"""

from __future__ import annotations

import glob
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable


def lines(report: str) -> tuple[int, int]:
    """Return how many lines a report says to be covered, and how many there are."""
    for counter in ElementTree.fromstring(report).findall("counter"):
        if counter.get("type") == "LINE":
            covered, missed = int(counter.get("covered", 0)), int(counter.get("missed", 0))
            return covered, covered + missed
    return 0, 0


def percent(reports: Iterable[str]) -> float:
    """Return the share of all lines that is covered; nothing to cover counts as all."""
    counted = [lines(report) for report in reports]
    total = sum(all_lines for _, all_lines in counted)
    return 100 * sum(covered for covered, _ in counted) / total if total else 100.0


def main(arguments: list[str]) -> int:
    """Print the coverage; return 1 when it is less than wanted, or was not measured."""
    minimum, pattern = float(arguments[0]), arguments[1]
    paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not paths:
        print(f"no coverage report matches {pattern}: is JaCoCo's XML report on?")
        return 1
    reports = []
    for path in paths:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            reports.append(file.read())
    measured = percent(reports)
    print(f"{measured:.1f} % of lines are covered, and {minimum:g} % are needed")
    return 1 if measured < minimum else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
