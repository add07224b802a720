"""Reads what pip-audit found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding, reaches


def read(text: str, threshold: str) -> Iterator[Finding]:
    """Read pip-audit's JSON, to which osv_severities.py may have added severities."""
    for package in json.loads(text)["dependencies"]:
        if reason := package.get("skip_reason"):
            yield Finding(package["name"], "not-audited", reason, False)
        for each in package.get("vulns", []):
            severity = each.get("severity", "unknown")
            fixes = ", ".join(each["fix_versions"]) or "no version"
            yield Finding(
                f"{package['name']} {package['version']}",
                each["id"],
                f"severity {severity}, fixed in {fixes}: {each.get('description', '')[:300]}",
                threshold == "any" or reaches(severity, threshold),
            )
