"""Matches the file patterns of a buildspec against relative paths.

`*` stays within a name, `**` as a whole name stands for any number of folders, also none, and
names that begin with a dot match like others.
Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, artifacts/files
and artifacts/exclude-paths
"""

from __future__ import annotations

import re
from functools import lru_cache


def matches(path: str, pattern: str) -> bool:
    """Whether a relative path with forward slashes matches a pattern.

    >>> matches("a/b/c.txt", "**/*"), matches("a/b/c.txt", "a/*"), matches(".env", "*")
    (True, False, True)
    """
    return _compiled(pattern).fullmatch(path) is not None


def is_pattern(text: str) -> bool:
    """Whether a text has anything but plain characters."""
    return any(character in text for character in "*?[{")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    names = [name for name in pattern.split("/") if name not in {"", "."}]
    expression = ""
    for index, name in enumerate(names):
        last = index == len(names) - 1
        if name == "**":
            expression += ".*" if last else "(?:[^/]+/)*"
        else:
            expression += _name(name) + ("" if last else "/")
    try:
        return re.compile(expression, re.DOTALL)
    except re.error:
        # `[z-a]` and the like match nothing but themselves.
        return re.compile(re.escape(pattern))


def _name(name: str) -> str:
    expression, index, open_braces = "", 0, 0
    while index < len(name):
        character = name[index]
        index += 1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[" and (end := name.find("]", index + 1)) > 0:
            inside = name[index:end]
            negated = inside[0] in "!^"
            members = inside[1:] if negated else inside
            # A hyphen makes a range; everything else stands for itself.
            expression += f"[{'^/' if negated else ''}{_members(members)}]"
            index = end + 1
        elif character == "{" and "}" in name[index:]:
            expression += "(?:"
            open_braces += 1
        elif character == "," and open_braces:
            expression += "|"
        elif character == "}" and open_braces:
            expression += ")"
            open_braces -= 1
        else:
            expression += re.escape(character)
    return expression


def _members(members: str) -> str:
    return "".join(character if character == "-" else re.escape(character) for character in members)
