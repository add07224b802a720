"""Verifies a sealed assembly on a workstation, by a public key in a file and nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from dpra_constructs.artifact_integrity.runtime.files import Archive, Folder
from dpra_constructs.artifact_integrity.runtime.verification import (
    AcceptedKey,
    Check,
    Verified,
    verify,
)
from dpra_constructs.errors import InvalidArgumentError


def verify_offline(assembly: Path, public_key: Path) -> Sequence[str]:
    """Return a line for each difference from what was sealed; see `verified_offline`."""
    return verified_offline(assembly, public_key).differences


def verified_offline(assembly: Path, public_key: Path) -> Verified:
    """Return what was sealed, with a line for each difference; none when it is as it was.

    What is published and what is released are not known here: the files are compared with the
    manifest, and that with the signature.

    Args:
        assembly: its folder, or the artifact's archive as it was downloaded.
        public_key: a file in PEM or DER format, as `aws kms get-public-key` or `openssl` give it.

    Raises:
        InvalidArgumentError: one of the two cannot be read.
    """
    check = check_by(public_key)
    keys = [AcceptedKey(public_key.name)]
    if assembly.is_dir():
        return verify(Folder(assembly), keys, check)
    try:
        with zipfile.ZipFile(assembly) as archive:
            return verify(Archive(archive), keys, check)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidArgumentError(
            "dpra verify",
            f"DIR={str(assembly)!r} is no folder, and no archive: {error}",
            "give the folder of a sealed cloud assembly, or the archive that CodePipeline stored",
        ) from None


def check_by(public_key: Path) -> Check:
    """Return what says whether a signature is by a public key.

    Raises:
        InvalidArgumentError: the file is no public key of the curve P-256.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import (
        load_der_public_key,
        load_pem_public_key,
    )

    try:
        text = public_key.read_bytes()
        is_pem = text.lstrip().startswith(b"-----BEGIN")
        key = (load_pem_public_key if is_pem else load_der_public_key)(text)
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(
            "dpra verify",
            f"--public-key {str(public_key)!r} is no public key in PEM or DER format: {error}",
            "write it by: aws kms get-public-key --key-id ... --query PublicKey --output text | "
            "base64 --decode >key.der",
        ) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidArgumentError(
            "dpra verify",
            f"--public-key {str(public_key)!r} is a key of another kind than those that seal",
            "give the public key of the pipeline's signing key, of the curve P-256",
        )

    def check(_: str, content: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, content, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return check
