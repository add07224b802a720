"""The manifest: every file of a sealed assembly, with its size and SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .files import Digest

FOLDER = "integrity"
MANIFEST = f"{FOLDER}/manifest.json"
ENVELOPE = f"{FOLDER}/provenance.dsse.json"
SBOMS = f"{FOLDER}/sbom"
#: What is not in the manifest: itself, and the envelope that names its digest.
OUTSIDE = (MANIFEST, ENVELOPE)
VERSION = 1


def manifest_of(digests: Mapping[str, Digest]) -> bytes:
    """Return the manifest of files: always the same text for the same files.

    >>> manifest_of({"a": Digest(1, "ca97")})
    b'{"files":[{"path":"a","sha256":"ca97","size":1}],"version":1}'
    """
    files = [
        {"path": path, "size": digest.size, "sha256": digest.sha256}
        for path, digest in sorted(digests.items())
        if path not in OUTSIDE
    ]
    content = {"version": VERSION, "files": files}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def read_manifest(text: bytes) -> dict[str, Digest]:
    """Return the digests that a manifest states.

    Raises:
        ValueError: it is no manifest.
    """
    try:
        content: Any = json.loads(text)
        if content["version"] != VERSION:
            raise ValueError(f"{MANIFEST} has version {content['version']}, not {VERSION}")
        return {
            each["path"]: Digest(int(each["size"]), str(each["sha256"]))
            for each in content["files"]
        }
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{MANIFEST} is no manifest: {type(error).__name__} {error}") from None


def differences(stated: Mapping[str, Digest], found: Mapping[str, Digest]) -> Iterator[str]:
    """Yield a line for each file that is not what the manifest states."""
    for path in sorted({*stated, *found} - set(OUTSIDE)):
        if path not in found:
            yield f"{path} is missing"
        elif path not in stated:
            yield f"{path} was added after the assembly was sealed"
        elif stated[path] != found[path]:
            sealed, now = stated[path], found[path]
            yield (
                f"{path} was changed: sealed with SHA-256 {sealed.sha256} ({sealed.size} bytes), "
                f"found {now.sha256} ({now.size} bytes)"
            )


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, as digits of 0-9 a-f."""
    return hashlib.sha256(content).hexdigest()
