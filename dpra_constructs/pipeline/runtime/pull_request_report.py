"""Writes the result of `dpra build --json` as JUnit XML: each build action is a test.

Runs in the build of a pull request, as text in its buildspec: `python3 - RESULT.json REPORT.xml`.
"""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def junit(result: dict[str, Any]) -> ElementTree.Element:
    """Return the result of a build as a test suite."""
    suite = ElementTree.Element(
        "testsuite", name=result["pipeline"], tests=str(len(result["actions"]))
    )
    for action in result["actions"]:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=result["stage"],
            name=action["name"],
            time=str(action["seconds"]),
        )
        if action["status"] == "succeeded":
            continue
        kind = "failure" if action["status"] == "failed" else "skipped"
        outcome = ElementTree.SubElement(case, kind, message=action["reason"] or action["status"])
        outcome.text = "\n".join(
            f"{test['name']}: {test['message']}"
            for report in action["reports"]
            for test in report["failed"]
        )
    return suite


def main(argv: list[str]) -> None:
    """Read the result and write the report; a build that could not start has no result."""
    source, target = map(Path, argv)
    if source.is_file():
        suite = junit(json.loads(source.read_text("utf-8")))
        ElementTree.ElementTree(suite).write(target, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    main(sys.argv[1:])
