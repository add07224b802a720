"""Reads which files black would change."""

import re
from collections.abc import Iterator

from dpra_constructs.build_actions.runtime.findings.report import Finding, inside


def read(text: str) -> Iterator[Finding]:
    """Read the files that black names in its messages."""
    for line in text.splitlines():
        if found := re.fullmatch(r"would reformat (.+)", line):
            yield Finding(inside(found[1]), "black", "black would reformat it")
        elif found := re.fullmatch(r"error: cannot (?:format ([^:]+)|parse): (.+)", line):
            where, why = (found[1], found[2]) if found[1] else (found[2], "black cannot parse it")
            yield Finding(inside(where), "black", why)
