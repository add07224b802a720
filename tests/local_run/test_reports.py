"""What is read from the reports of a build."""

from pathlib import Path

import pytest

from dpra_constructs.local_run import FailedTest, ReportFiles, ReportSummary, summarize

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests">
  <testsuite name="pytest" errors="9" failures="9" skipped="9" tests="9">
    <testcase classname="tests.unit.test_a" name="test_ok" time="0.001"/>
    <testcase classname="tests.unit.test_a" name="test_bad" time="0.001">
      <failure message="assert 1 == 2">def test_bad(): ...</failure>
    </testcase>
    <testcase classname="tests.unit.test_b" name="test_broken">
      <error>
        no fixture
      </error>
    </testcase>
    <testcase classname="tests.unit.test_b" name="test_later"><skipped message="later"/></testcase>
  </testsuite>
</testsuites>
"""
SINGLE = """<testsuite xmlns="urn:junit"><testcase name="alone"><failure/></testcase></testsuite>"""


def report(folder: Path, *contents: str, file_format: str = "JUNITXML") -> ReportFiles:
    files = []
    for index, content in enumerate(contents):
        files.append(folder / f"{index}.xml")
        files[-1].write_text(content)
    return ReportFiles(group="unit", file_format=file_format, files=tuple(files))


def test_tests_are_counted_over_all_files(tmp_path: Path) -> None:
    assert summarize(report(tmp_path, JUNIT, SINGLE)) == ReportSummary(
        group="unit",
        file_format="JUNITXML",
        file_count=2,
        is_read=True,
        tests=5,
        failures=2,
        errors=1,
        skipped=1,
        failed=(
            FailedTest(name="tests.unit.test_a.test_bad", message="assert 1 == 2"),
            FailedTest(name="tests.unit.test_b.test_broken", message="no fixture"),
            FailedTest(name="alone", message=""),
        ),
    )


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    summary = summarize(report(tmp_path, JUNIT, "<testsuite>", "<html/>", ""))
    assert summary.tests == 4
    assert summary.unreadable == (
        "1.xml: no element found: line 1, column 11",
        "2.xml: its root is html, and not testsuites",
        "3.xml: no element found: line 1, column 0",
    )


def test_a_missing_report_has_no_files(tmp_path: Path) -> None:
    summary = summarize(report(tmp_path))
    assert (summary.file_count, summary.tests, summary.is_read) == (0, 0, True)


def test_of_other_formats_the_files_are_counted(tmp_path: Path) -> None:
    summary = summarize(report(tmp_path, "<coverage/>", file_format="COBERTURAXML"))
    assert (summary.file_count, summary.is_read) == (1, False)


@pytest.mark.parametrize(
    ("attributes", "text", "place"),
    [
        ("", "def test():\n\ntests/test_a.py:3: in f\nsrc/a.py:9: Error", "src/a.py:9"),
        ("", "/usr/lib/python3/site.py:9: Error", ""),
        ('file="tests/test_a.py" line="3"', "no trace", "tests/test_a.py:3"),
        ('file="tests/test_a.py"', "", "tests/test_a.py"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_place_of_a_failed_test(tmp_path: Path, attributes: str, text: str, place: str) -> None:
    file = tmp_path / "junit.xml"
    case = f'<testcase name="a" {attributes}><failure>{text}</failure></testcase>'
    file.write_text(f"<testsuite>{case}</testsuite>")
    report = ReportFiles(group="unit", file_format="JUNITXML", files=(file,))
    [failed] = summarize(report).failed
    assert failed.place == place
