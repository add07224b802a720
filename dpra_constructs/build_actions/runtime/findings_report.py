"""Turns a scanner's findings into a JUnit report, prints them, and fails when there are some.

Runs in builds, so it needs the standard library of Python 3.9 alone:
`findings_report.py FORMAT RESULTS REPORT [--failing LEVEL,...] [--report-only]`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Finding(NamedTuple):
    """What a scanner reports: where, which rule, how severe, and its words."""

    place: str
    rule: str
    level: str
    message: str


def trivy(text: str) -> Iterator[Finding]:
    """Read vulnerabilities, licences and misconfigurations from Trivy's JSON."""
    for result in json.loads(text).get("Results") or []:
        target = result.get("Target", "")
        for each in result.get("Vulnerabilities") or []:
            fixed = each.get("FixedVersion")
            package = f"{each['PkgName']} {each.get('InstalledVersion', '')}"
            yield Finding(
                f"{target}: {package}",
                each["VulnerabilityID"],
                each.get("Severity", "UNKNOWN").lower(),
                f"{each.get('Title', '')} (fixed in {fixed})" if fixed else each.get("Title", ""),
            )
        for each in result.get("Licenses") or []:
            place = each.get("PkgName") or each.get("FilePath") or target
            yield Finding(
                f"{target}: {place}",
                each["Name"],
                each.get("Severity", "UNKNOWN").lower(),
                f"licence of category {each.get('Category', 'unknown')}",
            )
        for each in result.get("Misconfigurations") or []:
            if each.get("Status", "FAIL") == "FAIL":
                yield Finding(target, each["ID"], each["Severity"].lower(), each.get("Message", ""))


def sarif(text: str) -> Iterator[Finding]:
    """Read SARIF 2.1.0; a result without a level has its rule's, and that is a warning else."""
    for run in json.loads(text).get("runs") or []:
        driver: Mapping[str, Any] = run.get("tool", {}).get("driver", {})
        defaults = {
            rule["id"]: rule.get("defaultConfiguration", {}).get("level", "warning")
            for rule in driver.get("rules") or []
        }
        for result in run.get("results") or []:
            rule = result.get("ruleId", "")
            physical = (result.get("locations") or [{}])[0].get("physicalLocation", {})
            place = physical.get("artifactLocation", {}).get("uri", "")
            line = physical.get("region", {}).get("startLine")
            yield Finding(
                f"{place}:{line}" if line else place,
                rule,
                result.get("level") or defaults.get(rule, "warning"),
                result.get("message", {}).get("text", ""),
            )


def checkstyle(text: str) -> Iterator[Finding]:
    """Read Checkstyle's XML."""
    for file in ElementTree.fromstring(text).iter("file"):
        for error in file.iter("error"):
            yield Finding(
                f"{file.get('name', '')}:{error.get('line', '')}",
                error.get("source", "").rpartition(".")[2],
                error.get("severity", "error"),
                error.get("message", ""),
            )


FORMATS = {"checkstyle": checkstyle, "sarif": sarif, "trivy": trivy}


def junit(name: str, findings: list[Finding], failing: frozenset[str]) -> str:
    """Return a JUnit report: a test a finding, failed if its level is among those (none: all).

    Without a finding it has one test that passed, as CodeBuild takes no empty report.
    """
    failed = [each for each in findings if _fails(each, failing)]
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(findings) or 1),
        failures=str(len(failed)),
        errors="0",
        skipped="0",
    )
    if not findings:
        ElementTree.SubElement(suite, "testcase", classname=name, name="no findings")
    for each in findings:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(each.place), name=_xml(each.rule)
        )
        words = _xml(f"{each.level}: {each.message}")
        if _fails(each, failing):
            ElementTree.SubElement(case, "failure", message=words)
        else:
            ElementTree.SubElement(case, "system-out").text = words
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _fails(finding: Finding, failing: frozenset[str]) -> bool:
    return not failing or finding.level in failing


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def main(arguments: list[str]) -> int:
    """Write the report; return 1 when a finding fails, so that the build does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=sorted(FORMATS))
    parser.add_argument("results")
    parser.add_argument("report")
    parser.add_argument("--failing", default="")
    parser.add_argument("--report-only", action="store_true")
    given = parser.parse_args(arguments)
    with open(given.results, encoding="utf-8-sig") as file:  # noqa: PTH123
        findings = list(FORMATS[given.format](file.read()))
    failing = frozenset(filter(None, given.failing.split(",")))
    with open(given.report, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(junit(given.format, findings, failing))
    for each in findings:
        print(f"{each.level}: {each.place}: {each.rule}: {each.message}")
    failed = sum(_fails(each, failing) for each in findings)
    print(f"{len(findings)} findings, of which {failed} are failures")
    return 1 if failed and not given.report_only else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
