"""Reads what npm audit found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding, reaches


def read(text: str, threshold: str) -> Iterator[Finding]:
    """Read the JSON of npm audit."""
    audit = json.loads(text)
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
            reaches(each["severity"], threshold),
        )
