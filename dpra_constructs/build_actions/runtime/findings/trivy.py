"""Reads what Trivy found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding


def read(text: str) -> Iterator[Finding]:
    """Read vulnerabilities, licences and misconfigurations from Trivy's JSON.

    All of them fail, as Trivy itself leaves out what is under the threshold.
    """
    for result in json.loads(text).get("Results") or []:
        target = result.get("Target", "")
        for each in result.get("Vulnerabilities") or []:
            fixes = each.get("FixedVersion") or "no version"
            yield Finding(
                f"{target}: {each['PkgName']} {each.get('InstalledVersion', '')}",
                each["VulnerabilityID"],
                f"severity {_severity(each)}, fixed in {fixes}: {each.get('Title', '')}",
            )
        for each in result.get("Licenses") or []:
            place = each.get("PkgName") or each.get("FilePath") or target
            category = each.get("Category", "unknown")
            yield Finding(
                f"{target}: {place}",
                each["Name"],
                f"severity {_severity(each)}: licence of category {category}",
            )
        for each in result.get("Misconfigurations") or []:
            if each.get("Status", "FAIL") == "FAIL":
                words = each.get("Message", "")
                yield Finding(target, each["ID"], f"severity {_severity(each)}: {words}")


def _severity(found: dict[str, str]) -> str:
    return found.get("Severity", "UNKNOWN").lower()
