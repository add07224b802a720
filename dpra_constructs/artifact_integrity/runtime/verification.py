"""Compares a sealed assembly with what was signed; the signature is checked by who calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .assets import templates_of
from .envelope import Envelope, read_envelope
from .files import Digest, Files, digests_of
from .manifest import ENVELOPE, MANIFEST, differences, read_manifest, sha256_of
from .statement import Statement, image_differences

#: Says whether a signature of bytes is by a key.
Check = Callable[[str, bytes, bytes], bool]


@dataclass(frozen=True)
class AcceptedKey:
    """A key whose signatures are accepted, of what was sealed in a time.

    Args:
        key: what `Check` takes.
        valid_from: from when on; always without it.
        valid_until: until when; always without it.
    """

    key: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        """Say whether it was valid then."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_until is None or moment < self.valid_until
        )


@dataclass(frozen=True)
class Verified:
    """What is left of a sealed assembly: lines of what differs, and what was sealed.

    Args:
        differences: a line for each; none when it is what was signed.
        statement: what was signed, if a signature was accepted.
        sealed: the files that the manifest states.
    """

    differences: Sequence[str]
    statement: Statement | None = None
    sealed: Mapping[str, Digest] | None = None


def verify(files: Files, keys: Sequence[AcceptedKey], check: Check) -> Verified:
    """Verify an assembly, without what is known of the release.

    Args:
        files: of the assembly.
        keys: whose signatures are accepted.
        check: says whether a signature is by a key.
    """
    try:
        envelope = read_envelope(_read(files, ENVELOPE))
        signers = [key for key in keys if _signed(envelope, key, check)]
        if not signers:
            accepted = ", ".join(key.key for key in keys)
            return Verified(
                [f"{ENVELOPE} has no signature by one of the accepted keys: {accepted}"]
            )
        statement = Statement.read(envelope.payload)
        if not any(key.covers(statement.finished) for key in signers):
            return Verified(
                [
                    f"{ENVELOPE} was signed at {statement.finished.isoformat()}, when its key "
                    f"{signers[0].key} was not accepted"
                ]
            )
        text = _read(files, MANIFEST)
        if sha256_of(text) != statement.manifest_sha256:
            return Verified([f"{MANIFEST} is not the one that was signed"])
        sealed = read_manifest(text)
        found = digests_of(files)
    except ValueError as error:
        return Verified([str(error)])
    return Verified(
        [
            *differences(sealed, found),
            *_sbom_differences(statement, sealed),
            *image_differences(statement.images, templates_of(files)),
        ],
        statement,
        sealed,
    )


def _sbom_differences(statement: Statement, sealed: Mapping[str, Digest]) -> Iterator[str]:
    for path, sha256 in statement.sboms.items():
        if path not in sealed or sealed[path].sha256 != sha256:
            yield f"{path} is not the SBOM that the provenance states"


def _read(files: Files, path: str) -> bytes:
    try:
        with files.open(path) as stream:
            return stream.read()
    except KeyError:
        raise ValueError(f"{path} is missing: the assembly was not sealed") from None


def _signed(envelope: Envelope, key: AcceptedKey, check: Check) -> bool:
    return any(check(key.key, envelope.signed, signature) for signature in envelope.signatures)
