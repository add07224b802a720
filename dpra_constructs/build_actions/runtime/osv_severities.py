"""Adds severities to what pip-audit found, as it gives none, from the advisories in OSV.

Runs in builds, with the standard library of Python 3.9 alone. GitHub's advisories say a severity
in one word; what has no such advisory gets none, and counts as the worst.
Source: https://google.github.io/osv.dev/get-v1-vulns/, https://github.com/pypa/pip-audit/issues/654
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

_TIMEOUT_SECONDS = 20


def severity(ids: list[str], service: str) -> str | None:
    """Return the severity of the first advisory of GitHub among ids: low to critical."""
    for each in sorted(ids, key=lambda id: not id.startswith("GHSA-")):
        url = f"{service}/v1/vulns/{urllib.parse.quote(each)}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
                advisory = json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                continue
            raise
        if word := advisory.get("database_specific", {}).get("severity"):
            return str(word).lower()
    return None


def main(path: str, service: str) -> None:
    """Add the severities in place."""
    audit = json.loads(Path(path).read_text("utf-8"))
    for package in audit["dependencies"]:
        for each in package.get("vulns", []):
            if word := severity([each["id"], *each.get("aliases", [])], service):
                each["severity"] = word
    Path(path).write_text(json.dumps(audit), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
