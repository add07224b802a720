"""Runs this library's small Python programs in a build that has not the library installed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dpra_constructs.build_actions.shell import command

_RUNTIME = Path(__file__).parent / "runtime"


def inlined_python(program: str, arguments: Sequence[str], runtime: Path = _RUNTIME) -> str:
    """Return the command that runs a program of a `runtime/` folder, which needs Python alone.

    >>> inlined_python("findings_report", ["sarif", "a.sarif", "a.xml"]).splitlines()[0]
    "python3 - sarif a.sarif a.xml <<'PYTHON'"
    """
    return (
        f"{command('python3 -', arguments)} <<'PYTHON'\n{_source(runtime / f'{program}.py')}PYTHON"
    )


@cache
def _source(program: Path) -> str:
    return program.read_text("utf-8")
