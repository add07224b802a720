"""Renders commands for the shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def command(beginning: str, *arguments: Sequence[str]) -> str:
    """Return a command: its beginning as it is, then arguments, quoted where they have to be.

    >>> command("ruff check", ["--fix"], ["src", "my folder"])
    "ruff check --fix src 'my folder'"
    """
    return " ".join([beginning, *(shlex.quote(each) for some in arguments for each in some)])
