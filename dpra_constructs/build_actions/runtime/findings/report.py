"""Turns what a tool found into a JUnit report, shows it, and decides the exit code.

CodeBuild reads JUnit and no SARIF. A build runs this file and one reader as one program, with the
standard library of Python 3.9 alone. What secret scanners found is shown by place and kind, never
by text.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

_SEVERITIES = ["info", "low", "moderate", "high", "critical"]
# https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What a reader raises on what it does not know; that of XML is a SyntaxError.
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError)


class Finding(NamedTuple):
    """One finding; one that does not fail the build is shown as a skipped test."""

    where: str
    rule: str
    text: str
    fails: bool = True


def reaches(severity: str, threshold: str) -> bool:
    """Return whether a severity is at or over a threshold; what is not known may be the worst."""
    if severity not in _SEVERITIES:
        return True
    return _SEVERITIES.index(severity) >= _SEVERITIES.index(threshold)


def inside(path: str) -> str:
    """Return a path as it is seen from here."""
    return path.removeprefix(f"{Path.cwd()}/")


def junit(tool: str, findings: list[Finding]) -> ElementTree.Element:
    """Return findings as a test suite; a test that passes stands for none.

    CodeBuild takes no empty report.
    """
    fail = sum(each.fails for each in findings)
    counts = {"failures": fail, "errors": 0, "skipped": len(findings) - fail}
    suite = ElementTree.Element("testsuite", name=tool, tests=str(len(findings) or 1))
    suite.attrib.update({name: str(count) for name, count in counts.items()})
    for where, rule, text, fails in findings or [Finding(tool, "no findings", "")]:
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(where), name=_clean(rule))
        if findings:
            kind = "failure" if fails else "skipped"
            message = _clean(f"{where}: {rule}: {text}")
            ElementTree.SubElement(case, kind, message=message).text = message
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return suites


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)


def main(
    read: Callable[..., Iterator[Finding]],
    status: str,
    decides: str,
    tool: str,
    source: str,
    report: str,
    *options: str,
) -> int:
    """Write the report, print the findings and return the exit code.

    Args:
        read: how to read what it found.
        status: the tool's exit code; anything but 0 fails.
        decides: findings, of which one that fails, fails the build; or status, where the tool
            itself compares them with its threshold.
        tool: its name in the report.
        source: where it wrote what it found.
        report: where the JUnit report is written.
        options: of the reader.
    """
    unreadable = False
    try:
        findings = list(read(Path(source).read_text("utf-8-sig"), *options))
    except _UNREADABLE as error:
        unreadable = True
        text = f"what it found cannot be read: {type(error).__name__}"
        findings = [Finding(source, "error", text)]
    if status != "0" and not any(each.fails for each in findings):
        text = "and none of the findings says why; see the log"
        findings.append(Finding(tool, f"exit code {status}", text))
    ElementTree.ElementTree(junit(tool, findings)).write(report, "utf-8", xml_declaration=True)
    for each in findings:
        print(f"{'' if each.fails else 'not failing: '}{each.where}: {each.rule}: {each.text}")
    failures = sum(each.fails for each in findings)
    print(f"{tool}: {len(findings)} findings, of which {failures} are failures")
    if decides == "status":
        return int(status) or int(unreadable)
    return 1 if failures else 0
