"""Renders a tool's command so that its findings become a JUnit report and decide the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dpra_constructs.build_actions.shell import command

REPORTS = "reports"


def with_report(
    run: str,
    *,
    tool: str,
    reader: str,
    source: str,
    options: Sequence[str] = (),
    before: Sequence[str] = (),
) -> str:
    """Return a command that runs a tool, writes `reports/TOOL.xml` and fails as the findings say.

    Args:
        run: the tool's command, which writes what it found.
        tool: its name in the report.
        reader: of `findings.py`, for what the tool writes.
        source: the file that it writes.
        options: of the reader.
        before: lines between both; `status` is the tool's exit code.
    """
    report = [tool, reader, source, report_of(tool)]
    return "\n".join(
        [
            command("mkdir -p", [REPORTS]),
            # What an earlier run left would pass for this one's.
            command("rm -f", [source, report_of(tool)]),
            "status=0",
            f"{run} || status=$?",
            *before,
            script("findings.py", command("", report).strip(), '"$status"', *options),
        ]
    )


def report_of(tool: str) -> str:
    """Return where a tool's JUnit report stands."""
    return f"{REPORTS}/{tool}.xml"


def script(name: str, *arguments: str) -> str:
    """Return the command that runs one of this package's files, written out in full.

    Python runs it isolated, so that no file of the repository stands in for a standard module.
    """
    return "\n".join(
        [
            f"python3 -I - {' '.join(arguments)} <<'PYTHON'".replace("  ", " "),
            _read(name) + "PYTHON",
        ]
    )


@cache
def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
