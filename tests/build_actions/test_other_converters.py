"""The small programs that builds run: on what the tools write."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.build_actions.go_test import GoTest
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.build_actions.runtime import findings_report, jacoco_coverage
from dpra_constructs.build_actions.runtime.findings_report import Finding

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
    assert list(findings_report.trivy(json.dumps(TRIVY))) == [
        Finding(
            "requirements.txt: fruit 1.0",
            "CVE-2024-0001",
            "high",
            "fruit: rots <quickly> (fixed in 1.1)",
        ),
        Finding("requirements.txt: peel 2.0", "CVE-2024-0002", "critical", ""),
        Finding(
            "Loose File License(s): vendor/LICENSE",
            "AGPL-3.0",
            "critical",
            "licence of category forbidden",
        ),
        Finding("Dockerfile", "DS002", "high", "root user"),
    ]


@pytest.mark.parametrize("results", [None, []])
def test_trivy_without_results(results: object) -> None:
    assert list(findings_report.trivy(json.dumps({"Results": results}))) == []
    assert list(findings_report.trivy("{}")) == []


def test_findings_of_sarif() -> None:
    assert list(findings_report.sarif(json.dumps(SARIF))) == [
        Finding("src/fruit.py:12", "77 (sast)", "error", "SQL injection"),
        Finding("", "78 (sast)", "note", "long function"),
        Finding("", "78 (sast)", "warning", "no place"),
    ]


def test_findings_of_checkstyle() -> None:
    assert list(findings_report.checkstyle(CHECKSTYLE)) == [
        Finding(
            "/src/Fruit.java:3", "MissingJavadocMethodCheck", "error", "Missing a Javadoc comment."
        ),
        Finding("/src/Fruit.java:9", "LineLengthCheck", "warning", "Line is longer than 100."),
    ]


def test_a_report_without_findings_has_one_test_that_passed() -> None:
    suite = ElementTree.fromstring(findings_report.junit("trivy", [], frozenset()))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert [case.get("name") for case in suite] == ["no findings"]


def test_only_failing_levels_are_failures() -> None:
    findings = list(findings_report.checkstyle(CHECKSTYLE))
    suite = ElementTree.fromstring(findings_report.junit("c", findings, frozenset(["error"])))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite
    [failure], [output] = first, second
    assert failure.tag == "failure"
    assert failure.get("message") == "error: Missing a Javadoc comment."
    assert (output.tag, output.text) == ("system-out", "warning: Line is longer than 100.")


@given(
    st.lists(
        st.tuples(st.text(), st.text(), st.sampled_from(["error", "note"]), st.text()).map(
            lambda parts: Finding(*parts)
        )
    )
)
def test_every_finding_makes_xml_that_can_be_read(findings: list[Finding]) -> None:
    written = findings_report.junit("x", findings, frozenset(["error"]))
    suite = ElementTree.fromstring(written.encode("utf-8"))
    assert len(suite) == (len(findings) or 1)
    assert suite.get("failures") == str(sum(each.level == "error" for each in findings))


def run(program: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as builds do: inlined, by the shell."""
    command = inlined_python(program, arguments)
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("format", "results", "more", "status", "last"),
    [
        ("trivy", json.dumps(TRIVY), [], 1, "4 findings, of which 4 are failures"),
        ("trivy", "{}", [], 0, "0 findings, of which 0 are failures"),
        ("sarif", json.dumps(SARIF), ["--report-only"], 0, "3 findings, of which 3 are failures"),
        (
            "checkstyle",
            CHECKSTYLE,
            ["--failing", "error"],
            1,
            "2 findings, of which 1 are failures",
        ),
        (
            "checkstyle",
            "<checkstyle/>",
            ["--failing", "error,warning"],
            0,
            "0 findings, of which 0 are failures",
        ),
    ],
)
def test_the_inlined_report_decides(
    format: str, results: str, more: list[str], status: int, last: str, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text(results)
    done = run("findings_report", [format, "in", "out.xml", *more], tmp_path)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.splitlines()[-1] == last
    assert ElementTree.parse(tmp_path / "out.xml").getroot().tag == "testsuite"


@pytest.mark.parametrize("results", [None, "<checkstyle><file name='a'>", ""])
def test_a_run_that_broke_off_fails(results: str | None, tmp_path: Path) -> None:
    if results is not None:
        (tmp_path / "in").write_text(results)
    done = run("findings_report", ["checkstyle", "in", "out.xml"], tmp_path)
    assert done.returncode == 1
    assert done.stderr


JACOCO = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">'
    '<report name="fruit"><package name="p"><counter type="LINE" missed="100" covered="0"/>'
    '</package><counter type="INSTRUCTION" missed="1" covered="1"/>'
    '<counter type="LINE" missed="{missed}" covered="{covered}"/></report>'
)


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
    done = run("jacoco_coverage", [minimum, "**/target/site/jacoco/jacoco.xml"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (status, said, "")


def test_coverage_that_was_not_measured_fails(tmp_path: Path) -> None:
    done = run("jacoco_coverage", ["1", "**/jacoco.xml"], tmp_path)
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


@pytest.mark.parametrize("program", ["findings_report", "jacoco_coverage"])
def test_the_programs_need_the_standard_library_alone(program: str) -> None:
    source = inlined_python(program, []).partition("\n")[2].removesuffix("PYTHON")
    assert "PYTHON" not in source
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source], input="", capture_output=True, text=True
    )
    # Without arguments they end at those, and not at an import.
    assert re.search("IndexError|required: format", done.stderr), done.stderr
