"""Reads what ESLint found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding, inside


def read(text: str) -> Iterator[Finding]:
    """Read ESLint's JSON; warnings do not fail by themselves."""
    files = json.loads(text)
    if not isinstance(files, list):
        raise TypeError
    for file in files:
        name = inside(file["filePath"])
        for each in file["messages"]:
            yield Finding(
                f"{name}:{each.get('line', 1)}",
                each["ruleId"] or "eslint",
                each["message"],
                each["severity"] == 2,
            )
