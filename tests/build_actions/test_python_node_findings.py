"""How findings become a JUnit report and an exit code."""

import contextlib
import io
import json
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.build_actions.runtime.findings import sarif
from dpra_constructs.build_actions.runtime.findings.report import Finding, junit, main
from tests.build_actions.findings_readers import OPTIONS, READERS

KEYS = ["dependencies", "errors", "results", "runs", "vulnerabilities", "vulns", "name", "via"]


@given(st.lists(st.builds(Finding, st.text(), st.text(), st.text(), st.booleans())))
def test_a_report_is_xml_that_counts_what_it_has(found: list[Finding]) -> None:
    root = ElementTree.fromstring(ElementTree.tostring(junit("tool", found)))
    suite = root[0]
    assert suite.attrib["tests"] == str(max(1, len(found))) == str(len(suite))
    assert suite.attrib["failures"] == str(sum(each.fails for each in found))
    assert suite.attrib["skipped"] == str(sum(not each.fails for each in found))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
)


@given(
    st.sampled_from(sorted(READERS)),
    JSON.map(json.dumps) | st.text(),
    st.sampled_from("01"),
    st.sampled_from(["findings", "status"]),
)
def test_whatever_a_tool_wrote_there_is_a_report_and_an_exit_code(
    reader: str, content: str, status: str, decides: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source, report = Path(folder) / "found", Path(folder) / "junit.xml"
        source.write_text(content, "utf-8", errors="replace")
        code = run(reader, source, report, status=status, decides=decides)
        assert code >= int(status)
        assert ElementTree.parse(report).getroot().tag == "testsuites"


def run(
    reader: str,
    source: Path,
    report: Path,
    *options: str,
    status: str = "0",
    decides: str = "findings",
) -> int:
    given = options or OPTIONS.get(reader, [])
    return main(READERS[reader], status, decides, reader, str(source), str(report), *given)


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"black"}))
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "[1]", '{"results": 1}'])
def test_output_of_another_form_fails_unless_it_says_nothing(
    tmp_path: Path, reader: str, text: str
) -> None:
    source, report = tmp_path / "found.json", tmp_path / "junit.xml"
    source.write_text(text)
    # An empty list is what ESLint writes about no files, and Trivy leaves out what is empty.
    nothing = {("eslint", "[]"), ("trivy", "{}"), ("trivy", '{"results": 1}')}
    code = run(reader, source, report)
    assert code == (0 if (reader, text) in nothing else 1)
    assert ElementTree.parse(report).getroot().tag == "testsuites"


def test_a_tool_that_fails_without_a_finding_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, report = tmp_path / "found.txt", tmp_path / "junit.xml"
    source.write_text("")
    assert run("black", source, report, status="123") == 1
    assert capsys.readouterr().out == (
        "black: exit code 123: and none of the findings says why; see the log\n"
        "black: 1 findings, of which 1 are failures\n"
    )


def vulnerable(severity: str | None) -> dict[str, object]:
    extra = {"severity": severity} if severity else {}
    vulnerability = {"id": "PYSEC-2024-1", "fix_versions": ["2.0"], "description": "Bad.", **extra}
    return {"dependencies": [{"name": "fruit", "version": "1.0", "vulns": [vulnerability]}]}


@pytest.mark.parametrize(
    ("severity", "threshold", "code"),
    [
        ("low", "any", 1),
        (None, "any", 1),
        ("low", "high", 0),
        ("moderate", "high", 0),
        ("high", "high", 1),
        ("critical", "high", 1),
        ("low", "low", 1),
        (None, "critical", 1),
        ("terrible", "critical", 1),
    ],
)
def test_a_vulnerability_fails_from_its_threshold_and_an_unknown_one_always(
    tmp_path: Path, severity: str | None, threshold: str, code: int
) -> None:
    source, report = tmp_path / "found.json", tmp_path / "junit.xml"
    source.write_text(json.dumps(vulnerable(severity)))
    assert run("pip_audit", source, report, threshold) == code
    kind = "failure" if code else "skipped"
    assert [each.tag for each in ElementTree.parse(report).getroot()[0][0]] == [kind]


# The form that ggshield's secret_sarif_output_handler.py writes.
SARIF = {
    "runs": [
        {
            "results": [
                {
                    "ruleId": "AWS Keys",
                    "message": {"text": "Secret detected: APPLE-PEAR"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "config/aws.ini"},
                                "region": {"startLine": 3},
                            }
                        }
                    ],
                },
                {"message": {"text": "suppressed"}, "suppressions": [{"kind": "inSource"}]},
            ]
        }
    ]
}


def test_a_secret_in_sarif_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, report = tmp_path / "found.sarif", tmp_path / "junit.xml"
    source.write_text(json.dumps(SARIF))
    assert run("sarif", source, report, "hidden", status="1") == 1
    shown = capsys.readouterr().out
    assert shown == (
        "config/aws.ini:3: AWS Keys: a secret stands here\n"
        "sarif: 1 findings, of which 1 are failures\n"
    )
    assert "APPLE-PEAR" not in report.read_text()


def test_a_tools_text_in_sarif_is_shown_otherwise() -> None:
    texts = [each.text for each in sarif.read(json.dumps(SARIF))]
    assert texts == ["Secret detected: APPLE-PEAR (level warning)"]
