"""The small programs that builds run: on what the tools write."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dpra_constructs.build_actions.findings_report import program, with_report
from dpra_constructs.build_actions.go_test import GoTest
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.build_actions.runtime import jacoco_coverage
from dpra_constructs.build_actions.runtime.findings import checkstyle, sarif, trivy
from dpra_constructs.build_actions.runtime.findings.report import Finding, junit
from tests.build_actions.findings_readers import READERS

# The form of https://trivy.dev/docs/latest/configuration/reporting/#json
TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": ".",
    "ArtifactType": "filesystem",
    "Results": [
        {
            "Target": "requirements.txt",
            "Class": "lang-pkgs",
            "Type": "pip",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2024-0001",
                    "PkgName": "fruit",
                    "InstalledVersion": "1.0",
                    "FixedVersion": "1.1",
                    "Severity": "HIGH",
                    "Title": "fruit: rots <quickly>",
                    "PrimaryURL": "https://avd.example/CVE-2024-0001",
                },
                {
                    "VulnerabilityID": "CVE-2024-0002",
                    "PkgName": "peel",
                    "InstalledVersion": "2.0",
                    "Severity": "CRITICAL",
                },
            ],
        },
        {
            "Target": "Loose File License(s)",
            "Class": "license-file",
            "Licenses": [
                {
                    "Severity": "CRITICAL",
                    "Category": "forbidden",
                    "PkgName": "",
                    "FilePath": "vendor/LICENSE",
                    "Name": "AGPL-3.0",
                    "Confidence": 1,
                    "Link": "",
                }
            ],
        },
        {
            "Target": "Dockerfile",
            "Class": "config",
            "Misconfigurations": [
                {"ID": "DS002", "Severity": "HIGH", "Status": "FAIL", "Message": "root user"},
                {"ID": "DS001", "Severity": "LOW", "Status": "PASS", "Message": "fine"},
            ],
        },
        {"Target": "empty", "Class": "lang-pkgs"},
    ],
}
# https://docs.oasis-open.org/sarif/sarif/v2.1.0/
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "Checkmarx One",
                    "rules": [
                        {"id": "77 (sast)", "defaultConfiguration": {"level": "error"}},
                        {"id": "78 (sast)"},
                    ],
                }
            },
            "results": [
                {
                    "ruleId": "77 (sast)",
                    "message": {"text": "SQL injection"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "src/fruit.py"},
                                "region": {"startLine": 12},
                            }
                        }
                    ],
                },
                {"ruleId": "78 (sast)", "level": "note", "message": {"text": "long function"}},
                {"ruleId": "78 (sast)", "message": {"text": "no place"}, "locations": []},
            ],
        }
    ],
}
# `java -jar checkstyle-all.jar -f xml`
CHECKSTYLE = """<?xml version="1.0" encoding="UTF-8"?>
<checkstyle version="14.3.0">
<file name="/src/Fruit.java">
<error line="3" column="5" severity="error" message="Missing a Javadoc comment."
 source="com.puppycrawl.tools.checkstyle.checks.javadoc.MissingJavadocMethodCheck"/>
<error line="9" severity="warning" message="Line is longer than 100."
 source="com.puppycrawl.tools.checkstyle.checks.sizes.LineLengthCheck"/>
</file>
<file name="/src/Peel.java">
</file>
</checkstyle>
"""


def test_findings_of_trivy() -> None:
    assert list(trivy.read(json.dumps(TRIVY))) == [
        Finding(
            "requirements.txt: fruit 1.0",
            "CVE-2024-0001",
            "severity high, fixed in 1.1: fruit: rots <quickly>",
        ),
        Finding(
            "requirements.txt: peel 2.0",
            "CVE-2024-0002",
            "severity critical, fixed in no version: ",
        ),
        Finding(
            "Loose File License(s): vendor/LICENSE",
            "AGPL-3.0",
            "severity critical: licence of category forbidden",
        ),
        Finding("Dockerfile", "DS002", "severity high: root user"),
    ]


@pytest.mark.parametrize("results", [None, []])
def test_trivy_without_results(results: object) -> None:
    assert list(trivy.read(json.dumps({"Results": results}))) == []
    assert list(trivy.read("{}")) == []


def test_findings_of_sarif() -> None:
    assert list(sarif.read(json.dumps(SARIF))) == [
        Finding("src/fruit.py:12", "77 (sast)", "SQL injection (level error)"),
        Finding("", "78 (sast)", "long function (level note)"),
        Finding("", "78 (sast)", "no place (level warning)"),
    ]


@pytest.mark.parametrize(("failing", "warnings_fail"), [("error", False), ("error,warning", True)])
def test_findings_of_checkstyle(failing: str, warnings_fail: bool) -> None:
    assert list(checkstyle.read(CHECKSTYLE, failing)) == [
        Finding(
            "/src/Fruit.java:3",
            "MissingJavadocMethodCheck",
            "Missing a Javadoc comment. (severity error)",
        ),
        Finding(
            "/src/Fruit.java:9",
            "LineLengthCheck",
            "Line is longer than 100. (severity warning)",
            warnings_fail,
        ),
    ]


def test_a_report_without_findings_has_one_test_that_passed() -> None:
    [suite] = junit("trivy", [])
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    [case] = suite
    assert (case.get("name"), len(case)) == ("no findings", 0)


def test_only_failing_levels_are_failures() -> None:
    [suite] = junit("checkstyle", list(checkstyle.read(CHECKSTYLE, "error")))
    assert [suite.get(each) for each in ("tests", "failures", "skipped")] == ["2", "1", "1"]
    first, second = suite
    [failure], [skipped] = first, second
    assert failure.tag == "failure"
    assert failure.get("message") == (
        "/src/Fruit.java:3: MissingJavadocMethodCheck: Missing a Javadoc comment. (severity error)"
    )
    assert (skipped.tag, skipped.text) == (
        "skipped",
        "/src/Fruit.java:9: LineLengthCheck: Line is longer than 100. (severity warning)",
    )


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as builds do, by the shell."""
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)


def report(tool: str, folder: Path, results: str | None, **more: Any) -> tuple[int, list[str], str]:
    """Run a tool that writes results; return its exit code, its lines, and what it complains of."""
    (folder / "written").write_text(results or "")
    write = "cp written found" if results is not None else "true"
    status = more.pop("status", 0)
    command = with_report(
        f"( {write}; exit {status} )", tool=tool, reader=tool, source="found", **more
    )
    done = run(command, folder)
    assert ElementTree.parse(folder / "reports" / f"{tool}.xml").getroot().tag == "testsuites"
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("tool", "results", "more", "status", "last"),
    [
        ("trivy", json.dumps(TRIVY), {}, 1, "4 findings, of which 4 are failures"),
        ("trivy", "{}", {}, 0, "0 findings, of which 0 are failures"),
        (
            "sarif",
            json.dumps(SARIF),
            {"decides": "status"},
            0,
            "3 findings, of which 3 are failures",
        ),
        (
            "sarif",
            json.dumps(SARIF),
            {"decides": "status", "status": 3},
            3,
            "3 findings, of which 3 are failures",
        ),
        ("sarif", json.dumps(SARIF), {"status": 3}, 1, "3 findings, of which 3 are failures"),
        (
            "checkstyle",
            CHECKSTYLE,
            {"options": ["error"]},
            1,
            "2 findings, of which 1 are failures",
        ),
        (
            "checkstyle",
            "<checkstyle/>",
            {"options": ["error,warning"]},
            0,
            "0 findings, of which 0 are failures",
        ),
        # With the mark that some tools on Windows write first.
        ("checkstyle", "\ufeff<checkstyle/>", {"options": ["error"]}, 0, "0 findings, of which 0 "),
    ],
)
def test_the_inlined_report_decides(
    tool: str, results: str, more: dict[str, Any], status: int, last: str, tmp_path: Path
) -> None:
    code, lines, errors = report(tool, tmp_path, results, **more)
    assert (code, errors) == (status, "")
    assert lines[-1].startswith(f"{tool}: {last}")


@pytest.mark.parametrize("decides", ["findings", "status"])
@pytest.mark.parametrize("results", [None, "<checkstyle><file name='a'>", ""])
def test_a_run_that_broke_off_fails(results: str | None, decides: str, tmp_path: Path) -> None:
    code, lines, _ = report("checkstyle", tmp_path, results, options=["error"], decides=decides)
    assert code == 1
    assert lines[0].startswith("found: error: what it found cannot be read: ")


def test_what_an_earlier_run_found_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "found").write_text("<checkstyle/>")
    code, _, _ = report("checkstyle", tmp_path, None, options=["error"])
    assert code == 1


JACOCO = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">'
    '<report name="fruit"><package name="p"><counter type="LINE" missed="100" covered="0"/>'
    '</package><counter type="INSTRUCTION" missed="1" covered="1"/>'
    '<counter type="LINE" missed="{missed}" covered="{covered}"/></report>'
)


def coverage(minimum: str, pattern: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run(inlined_python("jacoco_coverage", [minimum, pattern]), folder)


def test_coverage_counts_all_reports_together() -> None:
    reports = [JACOCO.format(missed=10, covered=90), JACOCO.format(missed=90, covered=10)]
    assert jacoco_coverage.percent(reports) == 50
    assert jacoco_coverage.percent(["<report name='empty'/>"]) == 100


@pytest.mark.parametrize(
    ("minimum", "status", "said"),
    [
        ("80", 0, "80.0 % of lines are covered, and 80 % are needed\n"),
        ("81", 1, "80.0 % of lines are covered, and 81 % are needed\n"),
    ],
)
def test_the_inlined_coverage_decides(minimum: str, status: int, said: str, tmp_path: Path) -> None:
    report = tmp_path / "a" / "target" / "site" / "jacoco" / "jacoco.xml"
    report.parent.mkdir(parents=True)
    report.write_text(JACOCO.format(missed=20, covered=80))
    done = coverage(minimum, "**/target/site/jacoco/jacoco.xml", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (status, said, "")


def test_coverage_that_was_not_measured_fails(tmp_path: Path) -> None:
    done = coverage("1", "**/jacoco.xml", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("no coverage report matches **/jacoco.xml")


@pytest.mark.parametrize(("total", "status"), [("80.0%", 0), ("79.9%", 1), (None, 1)])
def test_the_coverage_of_go_decides(total: str | None, status: int, tmp_path: Path) -> None:
    command = GoTest(minimum_coverage_percent=80).to_build_action().commands[-1]
    # What `go tool cover -func` prints.
    lines = "acme/fruit/main.go:3:\tmain\t\t0.0%\n"
    if total is not None:
        lines += f"total:\t\t\t\t(statements)\t{total}\n"
    decide = command.partition(" | ")[2]
    done = subprocess.run(["sh", "-c", decide], input=lines, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (status, "")


PROGRAMS = {reader: program(reader) for reader in READERS} | {
    name: inlined_python(name, []).partition("\n")[2].removesuffix("PYTHON")
    for name in ("jacoco_coverage", "osv_severities")
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_the_programs_need_the_standard_library_alone(source: str) -> None:
    assert not re.search("PYTHON|import dpra|from dpra", source)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source], input="", capture_output=True, text=True
    )
    # Without arguments they end at those, and not at an import.
    assert re.search("IndexError|missing . required positional", done.stderr), done.stderr


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_the_programs_are_small(source: str) -> None:
    # Each stands in the template as often as an action has it, and a template has 1 MB at most.
    assert len(source) < 6_000


def test_a_file_of_the_repository_is_no_standard_module(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(0)")
    code, _, _ = report("trivy", tmp_path, json.dumps(TRIVY))
    assert code == 1
