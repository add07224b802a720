"""Reads SARIF 2.1.0, in which many scanners say what they found."""

import json
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding


def read(text: str, texts: str = "shown", failing: str = "") -> Iterator[Finding]:
    """Read SARIF; a result without a level has its rule's, and is a warning else.

    Args:
        text: the SARIF.
        texts: shown; or hidden, where the tool's words might show a secret.
        failing: the levels that fail, with commas; all without it.
    """
    for run in json.loads(text)["runs"]:
        rules = run.get("tool", {}).get("driver", {}).get("rules") or []
        levels = {each["id"]: each.get("defaultConfiguration", {}).get("level") for each in rules}
        for each in run["results"]:
            if each.get("suppressions"):
                continue
            place = (each.get("locations") or [{}])[0].get("physicalLocation", {})
            file = place.get("artifactLocation", {}).get("uri", "")
            line = place.get("region", {}).get("startLine")
            rule = each.get("ruleId", "")
            level = each.get("level") or levels.get(rule) or "warning"
            words = each.get("message", {}).get("text", "")
            yield Finding(
                f"{file}:{line}" if line else file,
                rule,
                f"{words} (level {level})" if texts == "shown" else "a secret stands here",
                not failing or level in failing.split(","),
            )
