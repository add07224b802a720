"""Fails when a kind of source that the layout names is not in the repository.

Runs inside a build, as text in its buildspec, on whatever Python 3 the image has.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path


def committed_files(folder: Path) -> list[str]:
    """Return the paths of the committed files below a folder; of all without git."""
    if (folder / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=str(folder), stdout=subprocess.PIPE, check=False
        )
        if listed.returncode == 0:
            return [path for path in listed.stdout.decode("utf-8").split("\0") if path]
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def pattern(glob: str) -> re.Pattern[str]:
    """Return the expression for a glob: what it names, and all that is below it.

    `*` and `?` stay within a folder, `**` does not, and `[ab]` is one of several characters.
    """
    glob = re.sub(r"^(\./)+|/+$", "", glob)
    if glob in (".", ""):
        return re.compile(".")
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", glob)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    expression = "".join(
        special.get(part) or (part.replace("[!", "[^") if len(part) > 1 else re.escape(part))
        for part in parts
    )
    return re.compile(f"{expression}(?:/|$)")


def missing(layout: dict[str, list[str]], files: list[str]) -> list[tuple[str, str]]:
    """Return what the layout names and no file matches: pairs of kind and glob."""
    return [
        (kind, glob)
        for kind, globs in layout.items()
        for glob in globs
        if not any(pattern(glob).match(file) for file in files)
    ]


def main(argv: list[str]) -> int:
    """Check the layout in argv[0], JSON of kinds and globs; return the exit code."""
    layout = json.loads(argv[0])
    absent = missing(layout, committed_files(Path()))
    for kind, glob in absent:
        print(
            f"SourceLayout: no committed file matches {glob!r}, where {kind} should be. "
            f"Add one, or correct SourceLayout({kind}=[...]).",
            file=sys.stderr,
        )
    if not absent:
        print("Every kind of source is there: " + ", ".join(layout))
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
