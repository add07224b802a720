"""Renders a tool's command so that its findings become a JUnit report and decide the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.shell import command

REPORTS = "reports"
# How a reader imports what it shares with the others; in a build both are one program.
_IMPORT = "from dpra_constructs.build_actions.runtime.findings.report import "


def with_report(
    run: str,
    *,
    tool: str,
    reader: str,
    source: str,
    report: str | None = None,
    options: Sequence[str] = (),
    before: Sequence[str] = (),
    decides: str = "findings",
) -> str:
    """Return a command that runs a tool, writes its JUnit report and fails as the findings say.

    Args:
        run: the tool's command, which writes what it found.
        tool: its name in the report.
        reader: of `runtime/findings/`, for what the tool writes.
        source: the file that it writes.
        report: the report's file; without it `reports/TOOL.xml`.
        options: of the reader.
        before: lines between both; `status` is the tool's exit code.
        decides: findings; or status, where the tool compares them with its threshold itself.
    """
    report = report or report_of(tool)
    arguments = [decides, tool, source, report, *options]
    return "\n".join(
        [
            command("mkdir -p", [REPORTS]),
            # What an earlier run left would pass for this one's.
            command("rm -f", [source, report]),
            "status=0",
            f"{run} || status=$?",
            *before,
            here_document(command(f'{ISOLATED} "$status"', arguments), program(reader)),
        ]
    )


def report_of(tool: str) -> str:
    """Return where a tool's JUnit report stands."""
    return f"{REPORTS}/{tool}.xml"


@cache
def program(reader: str) -> str:
    """Return the one program that a reader and the report are: no template has the others.

    >>> program("bandit").splitlines()[-1]
    'sys.exit(main(read, *sys.argv[1:]))'
    """
    own = runtime_source(f"findings/{reader}").splitlines()
    return "\n".join(
        [
            runtime_source("findings/report"),
            *(line for line in own if not line.startswith(_IMPORT)),
            "import sys\n\nsys.exit(main(read, *sys.argv[1:]))\n",
        ]
    )
