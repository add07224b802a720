"""Verifies a sealed assembly, and what is published of it, before a stage is deployed to.

A Lambda invoke action of CodePipeline, the first of each stage that deploys: whatever differs, no
change set is made.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .files import Archive
from .images import Registry
from .published import MakeClient, published_differences, published_files
from .verification import AcceptedKey, Check, verify

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_FailureDetails.html
_LONGEST_MESSAGE = 5_000
_MOST_LINES = 20


def accepted_keys(text: str) -> list[AcceptedKey]:
    """Return the accepted keys, as the function's environment has them."""
    return [
        AcceptedKey(each["key"], _moment(each.get("from")), _moment(each.get("until")))
        for each in json.loads(text)
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def check_by(kms: Any) -> Check:
    """Return what asks KMS whether a signature is by a key: it has the public one.

    Args:
        kms: a client.
    """

    def check(key: str, content: bytes, signature: bytes) -> bool:
        try:
            answer = kms.verify(
                KeyId=key,
                Message=hashlib.sha256(content).digest(),
                MessageType="DIGEST",
                Signature=signature,
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except (
            kms.exceptions.KMSInvalidSignatureException,
            # A retired key that was disabled or deleted accepts nothing; another one may.
            kms.exceptions.DisabledException,
            kms.exceptions.KMSInvalidStateException,
            kms.exceptions.NotFoundException,
        ):
            return False
        return bool(answer["SignatureValid"])

    return check


def differences_of(
    archive: zipfile.ZipFile,
    given: Mapping[str, Any],
    keys: Sequence[AcceptedKey],
    check: Check,
    *,
    sts: Any,
    s3_of: MakeClient,
    registry: Registry | None = None,
) -> list[str]:
    """Return a line for each difference from what was sealed, and for this release.

    Args:
        archive: the artifact.
        given: `repository` and `revision` of this release, the `targets` of the stage as regions
            by account, the `execution`, and the `partition`.
        keys: whose signatures are accepted.
        check: says whether a signature is by a key.
        sts: a client.
        s3_of: makes a client from the credentials of a role.
        registry: has the images that the build pushed, if it pushes any.
    """
    files = Archive(archive)
    verified = verify(files, keys, check)
    lines = list(verified.differences)
    if verified.statement is None or verified.sealed is None:
        return lines
    # Not the execution's id: a rollback has another one.
    lines += verified.statement.source_differences(given["repository"], given["revision"])
    if lines:
        # The files say where assets are published: they have to be the sealed ones.
        return lines
    if registry:
        lines += registry.differences(verified.statement.images)
    targets = {
        (account, region) for account, regions in given["targets"].items() for region in regions
    }
    return lines + published_differences(
        (
            asset
            for asset in published_files(files, partition=given["partition"])
            if (asset.account, asset.region) in targets
        ),
        verified.sealed,
        sts,
        s3_of,
        session=f"verify-{given['execution']}"[:64],
    )


def run(
    job: Mapping[str, Any],
    *,
    codepipeline: Any,
    artifacts: Any,
    kms: Any,
    sts: Any,
    s3_of: MakeClient,
    keys: Sequence[AcceptedKey],
    registry: Registry | None = None,
    partition: str = "aws",
) -> None:
    """Verify what a job of CodePipeline names, and answer it.

    Args:
        job: of CodePipeline.
        codepipeline: a client.
        artifacts: an S3 client with the job's credentials.
        kms: a client.
        sts: a client.
        s3_of: makes a client from the credentials of a role.
        keys: whose signatures are accepted.
        registry: has the images that the build pushed, if it pushes any.
        partition: of AWS, in which the function runs.
    """
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    given["partition"] = partition
    [artifact] = job["data"]["inputArtifacts"]
    place = artifact["location"]["s3Location"]
    began = time.monotonic()
    try:
        with tempfile.TemporaryFile() as file:
            artifacts.download_fileobj(place["bucketName"], place["objectKey"], file)
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                lines = differences_of(
                    archive, given, keys, check_by(kms), sts=sts, s3_of=s3_of, registry=registry
                )
    except Exception as error:
        # Whatever stood in the way: it was not verified, and CodePipeline has to be told.
        lines = [f"could not be verified: {type(error).__name__}: {error}"]
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "differences": lines}))
    if lines:
        shown = lines[:_MOST_LINES]
        if len(lines) > len(shown):
            shown.append(f"and {len(lines) - len(shown)} more; the function's log has them all")
        codepipeline.put_job_failure_result(
            jobId=job["id"],
            failureDetails={"type": "JobFailed", "message": "\n".join(shown)[:_LONGEST_MESSAGE]},
        )
        return
    codepipeline.put_job_success_result(
        jobId=job["id"],
        executionDetails={"summary": f"{given['revision']} is as it was sealed"},
    )


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Answer CodePipeline."""
    import boto3
    from botocore.config import Config

    job = event["CodePipeline.job"]
    given = job["data"]["artifactCredentials"]
    config = Config(signature_version="s3v4", max_pool_connections=32)
    _, _, _, region, account, *_ = context.invoked_function_arn.split(":")
    registry = None
    if images := json.loads(os.environ.get("IMAGES", "{}")):
        registry = Registry(boto3.client("ecr"), f"{account}.dkr.ecr.{region}.", images)

    def s3_of(region: str, credentials: Mapping[str, str]) -> Any:
        return boto3.client(
            "s3",
            region_name=region,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=config,
        )

    run(
        job,
        codepipeline=boto3.client("codepipeline"),
        artifacts=boto3.client(
            "s3",
            aws_access_key_id=given["accessKeyId"],
            aws_secret_access_key=given["secretAccessKey"],
            aws_session_token=given["sessionToken"],
            config=config,
        ),
        kms=boto3.client("kms"),
        sts=boto3.client("sts"),
        s3_of=s3_of,
        keys=[
            AcceptedKey(os.environ["SIGNING_KEY"]),
            *accepted_keys(os.environ["ACCEPTED_KEYS"]),
        ],
        registry=registry,
        partition=context.invoked_function_arn.split(":")[1],
    )
