"""Compares what is published in the target accounts with what was sealed."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .assets import MANIFESTS
from .files import Digest, Files, digest_of

#: Makes an S3 client of a region, from credentials as STS gives them.
MakeClient = Callable[[str, Mapping[str, str]], Any]
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_LONGEST_POLICY = 2_048
_THREADS = 16


class PublishedFile(NamedTuple):
    """A file of the assembly, and where it is published."""

    path: str
    account: str
    region: str
    bucket: str
    key: str
    role_arn: str
    external_id: str


def published_files(files: Files, *, partition: str) -> Iterator[PublishedFile]:
    """Yield every file asset and where it is published.

    Args:
        files: of the assembly.
        partition: of AWS, which the manifests leave open.
    """
    for path in files.paths():
        if not path.endswith(MANIFESTS):
            continue
        with files.open(path) as stream:
            content = json.load(stream)
        for asset in content.get("files", {}).values():
            source = os.path.normpath(
                (PurePosixPath(path).parent / asset["source"]["path"]).as_posix()
            )
            # CDK Pipelines gives a stack's own template to CloudFormation from the artifact.
            if source.endswith(".template.json") and not source.endswith(".nested.template.json"):
                continue
            for place in asset["destinations"].values():
                role = place["assumeRoleArn"].replace("${AWS::Partition}", partition)
                yield PublishedFile(
                    path=source,
                    account=role.split(":")[4],
                    region=place["region"],
                    bucket=place["bucketName"],
                    key=place["objectKey"],
                    role_arn=role,
                    external_id=place.get("assumeRoleExternalId", ""),
                )


def published_differences(
    assets: Iterable[PublishedFile],
    sealed: Mapping[str, Digest],
    sts: Any,
    s3_of: MakeClient,
    *,
    session: str,
) -> list[str]:
    """Return a line for each published file that is not what was sealed.

    Args:
        assets: what is published for the stage.
        sealed: what the manifest states.
        sts: a client.
        s3_of: makes a client from the credentials of a role.
        session: the name of the roles' sessions.
    """
    by_role: dict[tuple[str, str, str], list[PublishedFile]] = {}
    for asset in sorted(set(assets)):
        by_role.setdefault((asset.role_arn, asset.external_id, asset.region), []).append(asset)
    jobs = [(role, batch) for role, found in by_role.items() for batch in _batches(found)]

    def compare(job: tuple[tuple[str, str, str], Sequence[PublishedFile]]) -> list[str]:
        (role, external_id, region), batch = job
        given = {"ExternalId": external_id} if external_id else {}
        credentials = sts.assume_role(
            RoleArn=role,
            RoleSessionName=session,
            # The role may also put and delete; this session may only read these objects.
            Policy=session_policy(batch),
            DurationSeconds=900,
            **given,
        )["Credentials"]
        s3 = s3_of(region, credentials)
        return [line for asset in batch for line in _difference(asset, sealed, s3)]

    with ThreadPoolExecutor(_THREADS) as pool:
        return [line for lines in pool.map(compare, jobs) for line in lines]


def session_policy(assets: Iterable[PublishedFile]) -> str:
    """Return the policy of a session that may read these objects, and nothing else."""
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": sorted({_arn(asset) for asset in assets}),
        },
        {
            # Where the bootstrap bucket has a key of the customer's.
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _arn(asset: PublishedFile) -> str:
    partition = asset.role_arn.split(":")[1]
    return f"arn:{partition}:s3:::{asset.bucket}/{asset.key}"


def _batches(assets: Sequence[PublishedFile]) -> Iterator[Sequence[PublishedFile]]:
    """Yield as many at a time as the policy of a session has room for."""
    batch: list[PublishedFile] = []
    for asset in assets:
        if batch and len(session_policy([*batch, asset])) > _LONGEST_POLICY:
            yield batch
            batch = []
        batch.append(asset)
    if batch:
        yield batch


def _difference(asset: PublishedFile, sealed: Mapping[str, Digest], s3: Any) -> Iterator[str]:
    place = f"s3://{asset.bucket}/{asset.key}"
    try:
        stated = _sealed_digest(asset, sealed)
    except ValueError as error:
        yield str(error)
        return
    owner = {"Bucket": asset.bucket, "Key": asset.key, "ExpectedBucketOwner": asset.account}
    try:
        found = _stored_sha256(s3.head_object(**owner, ChecksumMode="ENABLED"))
        if not found:
            found = digest_of(s3.get_object(**owner)["Body"]).sha256
    except Exception as error:
        # Whatever stands in the way: what cannot be read is not verified.
        yield f"{asset.path} as {place} cannot be read: {error}"
        return
    if found != stated.sha256:
        yield (
            f"{asset.path} was sealed with SHA-256 {stated.sha256}, and {place} in "
            f"{asset.account}/{asset.region} has {found}"
        )


def _sealed_digest(asset: PublishedFile, sealed: Mapping[str, Digest]) -> Digest:
    """Return what the manifest states of a file that is published.

    Raises:
        ValueError: it states nothing of it.
    """
    if asset.path not in sealed:
        raise ValueError(f"{asset.path} is published to {asset.bucket}, and is not sealed")
    return sealed[asset.path]


def _stored_sha256(head: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the whole object, where S3 has stored it."""
    checksum = head.get("ChecksumSHA256", "")
    # Of an upload in parts it is one of the parts' checksums, and ends with their number.
    if not checksum or "-" in checksum or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return ""
    return base64.b64decode(checksum).hex()
