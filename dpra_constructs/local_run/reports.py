"""Reads the reports that a build wrote.

The files are read with the standard library's parser: they are written on this machine by the
tools of the build, which could do worse than write a bad file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# As pytest ends a trace: `tests/unit/test_a.py:12: AssertionError`.
_TRACED = re.compile(r"^((?!/)[\w./-]+\.\w+:\d+): ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFiles:
    """The files of one report group; none where the build wrote no report.

    Args:
        group: the report group's name or ARN, as it stands in the buildspec.
        file_format: `JUNITXML` and the others of CodeBuild.
        files: copies in the build's own folder.
    """

    group: str
    file_format: str
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTest:
    """A test that failed or could not run, and what it said.

    Args:
        name: class and name.
        message: what it said.
        place: the file, and the line where it is known, like `tests/test_a.py:12`; or empty.
    """

    name: str
    message: str
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSummary:
    """What the files of a report say.

    Args:
        group: the report group's name or ARN.
        file_format: the format of the files.
        file_count: how many files there are; 0 is a report that is missing.
        is_read: whether the counts below are known: only JUNITXML is read here.
        tests: how many tests there are, with those that failed or were skipped.
        failures: tests whose assertion failed.
        errors: tests that could not run to the end.
        skipped: tests that did not run.
        failed: the tests of `failures` and `errors`, in the order of the files.
        unreadable: names of files that are not JUnit XML, with the reason.
    """

    group: str
    file_format: str
    file_count: int
    is_read: bool = False
    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0
    failed: tuple[FailedTest, ...] = ()
    unreadable: tuple[str, ...] = ()


def summarize(report: ReportFiles) -> ReportSummary:
    """Count the tests of a report; of formats other than JUNITXML, only the files.

    >>> summarize(ReportFiles(group="unit", file_format="COBERTURAXML", files=())).file_count
    0
    """
    if report.file_format != "JUNITXML":
        return ReportSummary(
            group=report.group, file_format=report.file_format, file_count=len(report.files)
        )
    cases: list[ElementTree.Element] = []
    unreadable: list[str] = []
    for file in report.files:
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError as error:
            unreadable.append(f"{file.name}: {error}")
            continue
        if _tag(root) not in {"testsuites", "testsuite"}:
            unreadable.append(f"{file.name}: its root is {_tag(root)}, and not testsuites")
            continue
        cases += [each for each in root.iter() if _tag(each) == "testcase"]
    return ReportSummary(
        group=report.group,
        file_format=report.file_format,
        file_count=len(report.files),
        is_read=True,
        tests=len(cases),
        failures=sum(_has(case, "failure") for case in cases),
        errors=sum(_has(case, "error") and not _has(case, "failure") for case in cases),
        skipped=sum(_has(case, "skipped") for case in cases),
        failed=tuple(_failed(cases)),
        unreadable=tuple(unreadable),
    )


def _failed(cases: list[ElementTree.Element]) -> Iterator[FailedTest]:
    for case in cases:
        found = next((each for each in case if _tag(each) in {"failure", "error"}), None)
        if found is not None:
            name = [part for part in (case.get("classname"), case.get("name")) if part]
            message = found.get("message") or (found.text or "").strip()
            yield FailedTest(name=".".join(name), message=message, place=_place(case, found))


def _place(case: ElementTree.Element, found: ElementTree.Element) -> str:
    """Return where a test failed: the last line of a trace that names it, or what it says."""
    if traced := _TRACED.findall(found.text or ""):
        return str(traced[-1])
    file, line = case.get("file", ""), case.get("line", "")
    return f"{file}:{line}" if file and line else file


def _has(case: ElementTree.Element, tag: str) -> bool:
    return any(_tag(each) == tag for each in case)


def _tag(element: ElementTree.Element) -> str:
    """Return a tag without its namespace."""
    return str(element.tag).rpartition("}")[2]
