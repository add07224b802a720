"""Uploads files by curl, with credentials that stand on no command line and in no log."""

from __future__ import annotations

from collections.abc import Sequence

# curl's configuration file quotes with " and \.
# https://curl.se/docs/manpage.html#-K
_ESCAPED = """escaped() { printf '%s' "$1" | sed 's/["\\\\]/\\\\&/g'; }"""
_CURL = "curl --config - --fail-with-body --silent --show-error --retry 3"


def user_and_password(user: str, password: str) -> str:
    """Return the line of curl's configuration for two environment variables."""
    return f"""printf 'user = "%s:%s"\\n' "$(escaped "${user}")" "$(escaped "${password}")\""""


def bearer(token: str) -> str:
    """Return the line of curl's configuration for a token in an environment variable."""
    return f"""printf 'header = "Authorization: Bearer %s"\\n' "$(escaped "${token}")\""""


def upload(credentials: str, patterns: Sequence[str], arguments: str) -> str:
    """Return the command that uploads each file, as `$file`, and fails if there is none.

    `printf` is part of the shell, so that no process has the credentials as an argument.
    """
    return "\n".join(
        [
            "( set -eu",
            _ESCAPED,
            f"for file in {' '.join(patterns)}; do",
            """  [ -f "$file" ] || { echo "no file matches $file" >&2; exit 1; }""",
            '  echo "uploading $file"',
            f"  {credentials} | {_CURL} {arguments}",
            "done",
            ")",
        ]
    )
