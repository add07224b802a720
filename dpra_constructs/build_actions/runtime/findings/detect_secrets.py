"""Reads what detect-secrets found."""

import json
from collections.abc import Iterator
from pathlib import Path

from dpra_constructs.build_actions.runtime.findings.report import Finding


def read(text: str, baseline: str = "") -> Iterator[Finding]:
    """Read a baseline of detect-secrets, without what an older one has and says is no secret."""
    older = _results(Path(baseline).read_text("utf-8")) if baseline else {}
    known = {
        (file, each["type"], each["hashed_secret"])
        for file, secrets in older.items()
        for each in secrets
        if not each.get("is_secret")
    }
    for file, secrets in _results(text).items():
        for each in secrets:
            if (file, each["type"], each["hashed_secret"]) not in known:
                yield Finding(f"{file}:{each['line_number']}", each["type"], "a secret stands here")


def _results(text: str) -> dict[str, list[dict[str, str]]]:
    results: dict[str, list[dict[str, str]]] = json.loads(text)["results"]
    return results
