"""Turns what a tool found into a JUnit report, shows it, and decides the exit code.

CodeBuild reads JUnit and no SARIF, so build actions hand this file to `python3` as it is: it needs
the standard library alone. What secret scanners found is shown by place and kind, never by text.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

_SEVERITIES = ["info", "low", "moderate", "high", "critical"]
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Finding(NamedTuple):
    """One finding; one that does not fail the build is shown as a skipped test."""

    where: str
    rule: str
    text: str
    fails: bool = True


def bandit(path: Path) -> Iterator[Finding]:
    """Read bandit's JSON; a file that it could not read is a finding too."""
    results = json.loads(path.read_text("utf-8"))
    for each in results["errors"]:
        yield Finding(each["filename"], "not-scanned", each["reason"])
    for each in results["results"]:
        yield Finding(
            f"{each['filename']}:{each['line_number']}",
            each["test_id"],
            f"{each['issue_text']} (severity {each['issue_severity'].lower()})",
        )


def black(path: Path) -> Iterator[Finding]:
    """Read the files that black names in its messages."""
    for line in path.read_text("utf-8").splitlines():
        if found := re.fullmatch(r"would reformat (.+)", line):
            yield Finding(_inside(found[1]), "black", "black would reformat it")
        elif found := re.fullmatch(r"error: cannot (?:format ([^:]+)|parse): (.+)", line):
            where, text = (found[1], found[2]) if found[1] else (found[2], "black cannot parse it")
            yield Finding(_inside(where), "black", text)


def detect_secrets(path: Path, baseline: str = "") -> Iterator[Finding]:
    """Read a baseline of detect-secrets, without what an older one has and says is no secret."""
    known = {
        (file, each["type"], each["hashed_secret"])
        for file, secrets in (_results(Path(baseline)) if baseline else {}).items()
        for each in secrets
        if not each.get("is_secret")
    }
    for file, secrets in _results(path).items():
        for each in secrets:
            if (file, each["type"], each["hashed_secret"]) not in known:
                yield Finding(f"{file}:{each['line_number']}", each["type"], "a secret stands here")


def _results(baseline: Path) -> dict[str, list[dict[str, str]]]:
    results: dict[str, list[dict[str, str]]] = json.loads(baseline.read_text("utf-8"))["results"]
    return results


def eslint(path: Path) -> Iterator[Finding]:
    """Read ESLint's JSON; warnings do not fail by themselves."""
    files = json.loads(path.read_text("utf-8"))
    if not isinstance(files, list):
        raise TypeError
    for file in files:
        name = _inside(file["filePath"])
        for each in file["messages"]:
            yield Finding(
                f"{name}:{each.get('line', 1)}",
                each["ruleId"] or "eslint",
                each["message"],
                each["severity"] == 2,
            )


def _inside(path: str) -> str:
    return path.removeprefix(f"{Path.cwd()}/")


def npm_audit(path: Path, threshold: str) -> Iterator[Finding]:
    """Read the JSON of npm audit."""
    audit = json.loads(path.read_text("utf-8"))
    if "vulnerabilities" not in audit:
        yield Finding("npm audit", "error", audit.get("message") or "it found no advisories")
    for package, each in audit.get("vulnerabilities", {}).items():
        advisories = [via for via in each["via"] if isinstance(via, dict)]
        texts = [f"{via['title']} {via['url']}" for via in advisories]
        through = [f"depends on {via}" for via in each["via"] if isinstance(via, str)]
        yield Finding(
            f"{package} {each['range']}",
            each["severity"],
            "; ".join(texts + through),
            _reaches(each["severity"], threshold),
        )


def pip_audit(path: Path, threshold: str) -> Iterator[Finding]:
    """Read pip-audit's JSON, to which osv_severities.py may have added severities."""
    for package in json.loads(path.read_text("utf-8"))["dependencies"]:
        if reason := package.get("skip_reason"):
            yield Finding(package["name"], "not-audited", reason, False)
        for each in package.get("vulns", []):
            severity = each.get("severity", "unknown")
            fixes = ", ".join(each["fix_versions"]) or "no version"
            yield Finding(
                f"{package['name']} {package['version']}",
                each["id"],
                f"severity {severity}, fixed in {fixes}: {each.get('description', '')[:300]}",
                threshold == "any" or _reaches(severity, threshold),
            )


def sarif(path: Path, texts: str = "shown") -> Iterator[Finding]:
    """Read SARIF, without the tool's texts where they might show a secret."""
    for run in json.loads(path.read_text("utf-8"))["runs"]:
        for each in run["results"]:
            if each.get("suppressions"):
                continue
            place = (each.get("locations") or [{}])[0].get("physicalLocation", {})
            file = place.get("artifactLocation", {}).get("uri", "")
            line = place.get("region", {}).get("startLine")
            yield Finding(
                f"{file}:{line}" if line else file,
                each.get("ruleId", ""),
                each["message"]["text"] if texts == "shown" else "a secret stands here",
            )


def _reaches(severity: str, threshold: str) -> bool:
    # What is not known may be the worst.
    return severity not in _SEVERITIES or _SEVERITIES.index(severity) >= _SEVERITIES.index(
        threshold
    )


READERS: dict[str, Callable[..., Iterator[Finding]]] = {
    "bandit": bandit,
    "black": black,
    "detect-secrets": detect_secrets,
    "eslint": eslint,
    "npm-audit": npm_audit,
    "pip-audit": pip_audit,
    "sarif": sarif,
}


def junit(tool: str, findings: list[Finding]) -> ElementTree.Element:
    """Return findings as a test suite; a test that passes stands for none."""
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


def main(tool: str, reader: str, source: str, report: str, status: str, *options: str) -> int:
    """Write the report, print the findings and return the exit code.

    Args:
        tool: its name in the report.
        reader: how to read what it found.
        source: where it wrote that.
        report: where the JUnit report is written.
        status: the tool's exit code; anything but 0 fails.
        options: of the reader.
    """
    try:
        findings = list(READERS[reader](Path(source), *options))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        text = f"what it found cannot be read: {type(error).__name__}"
        findings = [Finding(source, "error", text)]
    if status != "0" and not any(each.fails for each in findings):
        text = "and none of the findings says why; see the log"
        findings.append(Finding(tool, f"exit code {status}", text))
    ElementTree.ElementTree(junit(tool, findings)).write(report, "utf-8", xml_declaration=True)
    for each in findings:
        print(f"{'' if each.fails else 'not failing: '}{each.where}: {each.rule}: {each.text}")
    return 1 if any(each.fails for each in findings) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
