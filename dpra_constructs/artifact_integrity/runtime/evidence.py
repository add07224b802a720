"""Keeps what proves a sealed assembly, where it outlives the artifact: run by `Seal`."""

from __future__ import annotations

from pathlib import Path

from .manifest import FOLDER


def keep(root: Path, address: str) -> None:
    """Upload manifest, envelope and SBOMs of a sealed assembly.

    Amazon S3 checks the SHA-256 of each, and stores it.

    Args:
        root: the assembly's folder.
        address: the bucket and the prefix, without a slash at the end.
    """
    import boto3

    bucket, _, prefix = address.partition("/")
    s3 = boto3.client("s3")
    for path in sorted(each for each in (root / FOLDER).rglob("*") if each.is_file()):
        with path.open("rb") as body:
            s3.put_object(
                Bucket=bucket,
                Key=f"{prefix}/{path.relative_to(root).as_posix()}",
                Body=body,
                ChecksumAlgorithm="SHA256",
            )
