"""Runs this library's small Python programs in a build that has not the library installed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dpra_constructs.build_actions.shell import command

_RUNTIME = Path(__file__).parent / "runtime"


def inlined_python(program: str, arguments: Sequence[str], runtime: Path = _RUNTIME) -> str:
    """Return the command that runs a program of a `runtime/` folder, which needs Python alone.

    >>> inlined_python("jacoco_coverage", ["80", "**/jacoco.xml"]).splitlines()[0]
    "python3 -I - 80 '**/jacoco.xml' <<'PYTHON'"
    """
    return here_document(command(ISOLATED, arguments), runtime_source(program, runtime))


#: Python that takes no file of the repository for a standard module.
ISOLATED = "python3 -I -"


def here_document(beginning: str, source: str) -> str:
    """Return the command that gives a program to Python as it is."""
    return f"{beginning} <<'PYTHON'\n{source}PYTHON"


@cache
def runtime_source(program: str, runtime: Path = _RUNTIME) -> str:
    """Return the text of a program of a `runtime/` folder."""
    return (runtime / f"{program}.py").read_text("utf-8")
