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

from dpra_constructs.build_actions import findings
from dpra_constructs.build_actions.findings import READERS, Finding, junit, main

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


@given(st.sampled_from(sorted(READERS)), JSON.map(json.dumps) | st.text(), st.sampled_from("01"))
def test_whatever_a_tool_wrote_there_is_a_report_and_an_exit_code(
    reader: str, content: str, status: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source, report = Path(folder) / "found", Path(folder) / "junit.xml"
        source.write_text(content, "utf-8", errors="replace")
        options = ["high"] if "audit" in reader else []
        assert main("tool", reader, str(source), str(report), status, *options) >= int(status)
        assert ElementTree.parse(report).getroot().tag == "testsuites"


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"black"}))
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "[1]", '{"results": 1}'])
def test_output_of_another_form_fails_unless_it_says_nothing(
    tmp_path: Path, reader: str, text: str
) -> None:
    source, report = tmp_path / "found.json", tmp_path / "junit.xml"
    source.write_text(text)
    options = ["any"] if "audit" in reader else []
    code = main("tool", reader, str(source), str(report), "0", *options)
    # An empty list is what ESLint writes about no files.
    assert code == (0 if (reader, text) == ("eslint", "[]") else 1)
    assert ElementTree.parse(report).getroot().tag == "testsuites"


def test_a_tool_that_fails_without_a_finding_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, report = tmp_path / "found.txt", tmp_path / "junit.xml"
    source.write_text("")
    assert main("black", "black", str(source), str(report), "123") == 1
    assert capsys.readouterr().out == (
        "black: exit code 123: and none of the findings says why; see the log\n"
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
    assert main("pip-audit", "pip-audit", str(source), str(report), "0", threshold) == code
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
    assert main("ggshield", "sarif", str(source), str(report), "1", "hidden") == 1
    shown = capsys.readouterr().out
    assert shown == "config/aws.ini:3: AWS Keys: a secret stands here\n"
    assert "APPLE-PEAR" not in report.read_text()


def test_a_tools_text_in_sarif_is_shown_otherwise(tmp_path: Path) -> None:
    source = tmp_path / "found.sarif"
    source.write_text(json.dumps(SARIF))
    assert [each.text for each in findings.sarif(source)] == ["Secret detected: APPLE-PEAR"]
