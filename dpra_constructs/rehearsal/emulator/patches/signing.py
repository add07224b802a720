"""What AWS Signer writes of an archive, and what AWS Lambda takes of that.

The signature is none: it names the profile's version, and has a digest of the code.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import s3, signer
from ministack.services.cloudformation import provisioners

from dpra_constructs.artifact_integrity.runtime.signed_functions import SIGNATURE
from dpra_constructs.rehearsal.emulator.authorization import CHECKS, Check, Request
from dpra_constructs.rehearsal.emulator.resource_types import RECORDED

_PLATFORM = "AWSLambda-SHA384-ECDSA"
_ENTRY = f"{SIGNATURE}_v1.0.SF"
_BUCKET = "arn:aws:s3:::"
_SUCCESS = 200


def signed_archive() -> None:
    """Write the archive with a signature, where MiniStack writes a receipt of the job.

    AWS Signer reads and writes with what the caller may do.
    """
    start: Any = signer._start_signing_job

    def start_signing_job(body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        known = dict(signer._jobs.items())
        answer = start(body, headers)
        if answer[0] == _SUCCESS:
            id = json.loads(answer[2])["jobId"]
            job = signer._jobs[id]
            if id not in known and job["platformId"] == _PLATFORM:
                _sign(id, job)
        return answer

    signer._start_signing_job = start_signing_job
    CHECKS.append(_reads_and_writes)


def code_signing() -> None:
    """Refuse code that no trusted profile has signed, where a function's configuration enforces it.

    It is looked at when code is deployed, as AWS Lambda does.
    """
    handler: Any = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handler["create"], handler["update"]

    def verified_create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        _verify(properties)
        return create(logical_id, properties, stack_name)

    def verified_update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **options: Any
    ) -> Any:
        if old.get("Code") != new.get("Code"):
            _verify(new)
        return update(physical_id, old, new, *more, **options)

    handler["create"], handler["update"] = verified_create, verified_update


def make_profile(account: str, region: str, name: str, version: str) -> None:
    """Make a profile for functions, of a version that is known before."""
    with request_scope(account, region):
        profile = signer._register_profile(name, {"platformId": _PLATFORM})
        profile["profileVersion"] = version
        profile["profileVersionArn"] = f"{profile['arn']}/{version}"


def _sign(id: str, job: dict[str, Any]) -> None:
    given, target = job["source"]["s3"], job["signedObject"]["s3"]
    content, _ = signer._resolve_source(given["bucketName"], given["key"], given["version"])
    names = _names(content)
    if names is None or any(name.startswith(SIGNATURE) for name in names):
        job.update(
            status="Failed",
            statusReason="the archive is malformed, or has a signature already",
            signedObject=None,
        )
        return
    profile = signer._profiles[job["profileName"]]
    signature = {"profile": profile["profileVersionArn"], "job": id, "code": _digest(content)}
    written = io.BytesIO(content)
    with zipfile.ZipFile(written, "a") as archive:
        archive.writestr(_ENTRY, json.dumps(signature))
    body = written.getvalue()
    headers = {"content-type": "application/zip", "content-length": str(len(body))}
    s3._put_object(target["bucketName"], target["key"], body, headers)


def _reads_and_writes(request: Request) -> list[Check]:
    if (request.service, request.method, request.path) != ("signer", "POST", "/signing-jobs"):
        return []
    body = request.json()
    source, target = (body.get(each, {}).get("s3", {}) for each in ("source", "destination"))
    read, written = (f"{_BUCKET}{each.get('bucketName', '')}" for each in (source, target))
    return [
        Check("s3:ListBucket", read),
        Check("s3:GetObjectVersion", f"{read}/{source.get('key', '')}"),
        Check("s3:PutObject", f"{written}/{target.get('prefix', '')}job.zip"),
    ]


def _verify(properties: dict[str, Any]) -> None:
    code = properties.get("Code") or {}
    arn = properties.get("CodeSigningConfigArn")
    if not arn or "ImageUri" in code:
        return
    record = RECORDED["AWS::Lambda::CodeSigningConfig"].records.get(arn)
    if record is None:
        raise ValueError(f"code signing config {arn} does not exist")
    policies = record["properties"].get("CodeSigningPolicies") or {}
    if policies.get("UntrustedArtifactOnDeployment") != "Enforce":
        return
    trusted = record["properties"]["AllowedPublishers"]["SigningProfileVersionArns"]
    content, _ = signer._resolve_source(code.get("S3Bucket"), code.get("S3Key"), None)
    signature = _signature(content)
    if signature.get("profile") not in trusted or signature.get("code") != _digest(content):
        raise ValueError(
            "Lambda cannot deploy the function. The function or layer might be signed using a "
            "signature that the client is not configured to accept: "
            f"{signature.get('profile', 'it has none')}"
        )


def _signature(content: bytes | None) -> dict[str, str]:
    if _ENTRY not in (_names(content) or ()):
        return {}
    with zipfile.ZipFile(io.BytesIO(content or b"")) as archive:
        found: dict[str, str] = json.loads(archive.read(_ENTRY))
        return found


def _names(content: bytes | None) -> list[str] | None:
    if not content or not zipfile.is_zipfile(io.BytesIO(content)):
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def _digest(content: bytes | None) -> str:
    """Return a digest of the code alone, which stays the same when it is signed."""
    digest = hashlib.sha256()
    if _names(content) is not None:
        with zipfile.ZipFile(io.BytesIO(content or b"")) as archive:
            for name in sorted(set(archive.namelist()) - {_ENTRY}):
                digest.update(name.encode() + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()
