"""Reads what Bandit found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding


def read(text: str) -> Iterator[Finding]:
    """Read Bandit's JSON; a file that it could not read is a finding too."""
    results = json.loads(text)
    for each in results["errors"]:
        yield Finding(each["filename"], "not-scanned", each["reason"])
    for each in results["results"]:
        yield Finding(
            f"{each['filename']}:{each['line_number']}",
            each["test_id"],
            f"{each['issue_text']} (severity {each['issue_severity'].lower()})",
        )
