"""Makes a wheel of the installed library, for builds on this machine that install it.

A requirement like `dpra-constructs==0.1.0` then finds the code that runs the build, which no
registry has while it is a checkout, or not published.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import dpra_constructs

_DISTRIBUTION = "dpra-constructs"
_TIME = (1980, 1, 1, 0, 0, 0)
_WHEEL = """\
Wheel-Version: 1.0
Generator: dpra-constructs
Root-Is-Purelib: true
Tag: py3-none-any
"""


def library_wheel(folder: Path) -> Path:
    """Write the wheel into a folder and return it.

    It is made of the files that are imported, so that a checkout and an installed wheel serve
    alike, and what is rehearsed is what runs the rehearsal.
    """
    installed = distribution(_DISTRIBUTION)
    name = f"{_DISTRIBUTION.replace('-', '_')}-{installed.version}"
    info = f"{name}.dist-info"
    files = dict(_package())
    files[f"{info}/METADATA"] = (installed.read_text("METADATA") or "").encode()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    if entry_points := installed.read_text("entry_points.txt"):
        files[f"{info}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{path},{_digest(body)},{len(body)}\n" for path, body in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in files.items():
            entry = zipfile.ZipInfo(path, _TIME)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, body, zipfile.ZIP_DEFLATED)
    return wheel


@cache
def library_digest() -> str:
    """Return what tells two states of the library apart: the digest of all its files."""
    digest = hashlib.sha256()
    for path, body in _package():
        digest.update(f"{path} {len(body)}\n".encode())
        digest.update(body)
    return digest.hexdigest()


def _package() -> Iterator[tuple[str, bytes]]:
    package = Path(dpra_constructs.__file__).parent
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(package.parent).as_posix(), path.read_bytes()


def _digest(body: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    return f"sha256={digest}"
