"""Writes a file that would be too long for a buildspec: CodeBuild takes 25,600 characters of it.

Source: https://github.com/aws/aws-cdk/pull/14974
"""

from __future__ import annotations

import base64
import bz2
import hashlib
import re
import shlex
import textwrap

#: The most characters of a project's buildspec.
LONGEST_BUILDSPEC = 25_600
_UNPACK = (
    "import base64, bz2, pathlib, sys; "
    "pathlib.Path(sys.argv[1]).write_bytes(bz2.decompress(base64.b64decode(sys.stdin.read())))"
)


def packed_file(target: str, content: bytes) -> list[str]:
    """Return the lines of a command that writes a file and checks it; another has to follow.

    bzip2 has one form, unlike zlib: the same content is always the same text.

    Args:
        target: the file, as a word of the shell.
        content: what is written.

    >>> packed_file('"$folder/program"', b"print()")[-2]
    'PACKED'
    """
    packed = base64.b64encode(bz2.compress(content)).decode()
    digest = hashlib.sha256(content).hexdigest()
    return [
        f"python3 -I -c {shlex.quote(_UNPACK)} {target} <<'PACKED' &&",
        *textwrap.wrap(packed, 100),
        "PACKED",
        f'echo "{digest}  "{target} | sha256sum --check --quiet - &&',
    ]


def unpacked(command: str) -> str:
    """Return a command with the content of its packed files in their place, for a reader.

    >>> unpacked("\\n".join(packed_file("program", b"print()"))).splitlines()[1]
    'print()'
    """
    return re.sub(
        r"(?<=<<'PACKED' &&\n).*?(?=\nPACKED\n)",
        lambda found: bz2.decompress(base64.b64decode(found[0])).decode().rstrip("\n"),
        command,
        flags=re.DOTALL,
    )
