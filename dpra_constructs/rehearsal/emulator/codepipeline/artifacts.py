"""Artifacts in the pipeline's real buckets.

An action reads and writes with its own credentials; copies between regions are made by the
pipeline's role, as CodePipeline makes them.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.emulator.codepipeline.actors import Actor
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Pipeline
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.state import Artifact, new_id

_GONE = ("NoSuchKey", "NoSuchBucket", "404")


def new_artifact(pipeline: Pipeline, name: str, region: str) -> Artifact:
    """Return the place of an artifact that an action in a region is about to make."""
    digest = hashlib.sha256(new_id().encode()).hexdigest()[:7]
    key = f"{pipeline.name[:20]}/{name[:10]}/{digest}"
    return Artifact(name=name, key=key, buckets={region: pipeline.stores[region].bucket})


def put(actor: Actor, pipeline: Pipeline, artifact: Artifact, region: str, body: Any) -> None:
    """Write an artifact with the store's key, by the actor's permissions."""
    store = pipeline.stores[region]
    encryption = (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": store.key_id} if store.key_id else {}
    )
    actor.client("s3", region).put_object(
        Bucket=store.bucket, Key=artifact.key, Body=body, **encryption
    )


def get(actor: Actor, artifact: Artifact, region: str) -> bytes:
    """Read an artifact by the actor's permissions.

    Raises:
        ActionFailedError: it is not in the bucket any more.
    """
    bucket = artifact.buckets[region]
    try:
        answer = actor.client("s3", region).get_object(Bucket=bucket, Key=artifact.key)
        body: bytes = answer["Body"].read()
    except ClientError as error:
        if error.response["Error"].get("Code") in _GONE:
            raise ActionFailedError(
                "RevisionUnavailable",
                f"the artifact {artifact.name} (s3://{bucket}/{artifact.key}) is not there any "
                "more; artifacts expire by the bucket's lifecycle, so start a new execution",
            ) from None
        raise
    return body


def copy(actor: Actor, pipeline: Pipeline, artifact: Artifact, region: str) -> Artifact:
    """Copy an artifact to another region's store, unless it is there."""
    if region in artifact.buckets:
        return artifact
    [origin, *_] = artifact.buckets
    put(actor, pipeline, artifact, region, get(actor, artifact, origin))
    bucket = pipeline.stores[region].bucket
    return Artifact(
        name=artifact.name, key=artifact.key, buckets={**artifact.buckets, region: bucket}
    )


def member(artifact: Artifact, body: bytes, path: str) -> bytes:
    """Return one file of an artifact.

    Raises:
        ActionFailedError: it is no zip file, or has no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(path)
    except KeyError:
        problem = f"has no file {path}"
    except zipfile.BadZipFile:
        problem = "is no zip file (a full clone can be read by CodeBuild actions only)"
    raise ActionFailedError("ConfigurationError", f"the artifact {artifact.name} {problem}")


def one_file(path: str, content: bytes) -> bytes:
    """Return a zip file with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def extract(body: bytes, folder: Path) -> None:
    """Extract a zip file with permission bits and links.

    Raises:
        ActionFailedError: an entry would be written outside of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for entry, target in _entries(archive, folder):
            mode = entry.external_attr >> 16
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif mode & 0o170000 == 0o120000:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(archive.read(entry).decode())
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
                if mode & 0o777:
                    target.chmod(mode & 0o777)


def _entries(archive: zipfile.ZipFile, folder: Path) -> Iterator[tuple[zipfile.ZipInfo, Path]]:
    inside = folder.resolve()
    for entry in archive.infolist():
        target = folder / entry.filename
        if not target.parent.resolve().is_relative_to(inside):
            raise ActionFailedError(
                "ConfigurationError", f"an artifact has an entry outside of it: {entry.filename}"
            )
        yield entry, target
