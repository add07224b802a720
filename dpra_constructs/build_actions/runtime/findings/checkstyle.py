"""Reads what Checkstyle found."""

from collections.abc import Iterator
from xml.etree import ElementTree

from dpra_constructs.build_actions.runtime.findings.report import Finding


def read(text: str, failing: str) -> Iterator[Finding]:
    """Read Checkstyle's XML.

    Args:
        text: the XML.
        failing: the severities that fail, with commas between them.
    """
    for file in ElementTree.fromstring(text).iter("file"):
        for error in file.iter("error"):
            severity = error.get("severity", "error")
            yield Finding(
                f"{file.get('name', '')}:{error.get('line', '')}",
                error.get("source", "").rpartition(".")[2],
                f"{error.get('message', '')} (severity {severity})",
                severity in failing.split(","),
            )
