"""What is signed by AWS Signer, and taken by AWS Lambda."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from dpra_constructs.artifact_integrity.runtime.signed_functions import SIGNATURE
from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import ACCOUNT, HERE, REGION, allowed, session
from dpra_constructs.rehearsal.self_tests.deployments import ROLE
from dpra_constructs.rehearsal.self_tests.functions import packed
from dpra_constructs.rehearsal.stacks import create_stack

_PLATFORM = "AWSLambda-SHA384-ECDSA"
_KEY = "unsigned/code.zip"


def signed_archive(endpoint: str) -> bool:
    """A job writes the archive with a signature, for who may read the one and write the other."""
    bucket, version, profile = _prepared(endpoint, "archive")
    job = _sign(client("signer", endpoint, HERE), bucket, version, profile)
    s3 = client("s3", endpoint, HERE)
    body = s3.get_object(Bucket=bucket, Key=job["signedObject"]["s3"]["key"])["Body"].read()
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return False
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        *code, signature = archive.namelist()
    start = {"Action": "signer:StartSigningJob", "Resource": "*"}
    reads = {"Action": ["s3:ListBucket", "s3:GetObjectVersion"], "Resource": "*"}
    reader = session(endpoint, HERE, "dpra-signer-reads", start, reads)("signer")
    refused = not allowed(reader.start_signing_job, **_job(bucket, version, profile))
    return bool(code) and signature.startswith(SIGNATURE) and refused


def profile_version(endpoint: str) -> bool:
    """A policy's condition tells the versions of a profile apart."""
    bucket, version, profile = _prepared(endpoint, "version")
    own = client("signer", endpoint, HERE).get_signing_profile(profileName=profile)
    s3 = {"Action": "s3:*", "Resource": "*"}
    starts = []
    for name, wanted in (("own", own["profileVersion"]), ("other", "zzzzzzzzzz")):
        start = {
            "Action": "signer:StartSigningJob",
            "Resource": f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/{profile}",
            "Condition": {"StringEquals": {"signer:ProfileVersion": wanted}},
        }
        caller = session(endpoint, HERE, f"dpra-signer-{name}", start, s3)("signer")
        starts.append(allowed(caller.start_signing_job, **_job(bucket, version, profile)))
    return starts == [True, False]


def code_signing(endpoint: str) -> bool:
    """A function whose configuration enforces it takes signed code, and no other."""
    bucket, version, profile = _prepared(endpoint, "code")
    signer = client("signer", endpoint, HERE)
    job = _sign(signer, bucket, version, profile)
    arn = signer.get_signing_profile(profileName=profile)["profileVersionArn"]
    cloudformation = client("cloudformation", endpoint, HERE)
    signed = _template(bucket, job["signedObject"]["s3"]["key"], arn)
    create_stack(cloudformation, "dpra-signed", json.dumps(signed))
    try:
        create_stack(cloudformation, "dpra-unsigned", json.dumps(_template(bucket, _KEY, arn)))
    except RehearsalError as error:
        return "signed" in str(error)
    return False


def _prepared(endpoint: str, name: str) -> tuple[str, str, str]:
    """Return a bucket with code in it, the version of that, and a profile."""
    s3, bucket, profile = client("s3", endpoint, HERE), f"dpra-signer-{name}", f"dpra_{name}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    code = packed("def handler(event, context):\n    return 'ok'")
    put = s3.put_object(Bucket=bucket, Key=_KEY, Body=code)
    client("signer", endpoint, HERE).put_signing_profile(profileName=profile, platformId=_PLATFORM)
    return bucket, put["VersionId"], profile


def _job(bucket: str, version: str, profile: str) -> dict[str, Any]:
    return {
        "source": {"s3": {"bucketName": bucket, "key": _KEY, "version": version}},
        "destination": {"s3": {"bucketName": bucket, "prefix": "jobs/"}},
        "profileName": profile,
    }


def _sign(signer: Any, bucket: str, version: str, profile: str) -> dict[str, Any]:
    started = signer.start_signing_job(**_job(bucket, version, profile))
    job: dict[str, Any] = signer.describe_signing_job(jobId=started["jobId"])
    return job


def _template(bucket: str, key: str, profile: str) -> dict[str, Any]:
    return {
        "Resources": {
            "Role": ROLE,
            "Signing": {
                "Type": "AWS::Lambda::CodeSigningConfig",
                "Properties": {
                    "AllowedPublishers": {"SigningProfileVersionArns": [profile]},
                    "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"S3Bucket": bucket, "S3Key": key},
                    "CodeSigningConfigArn": {"Fn::GetAtt": ["Signing", "CodeSigningConfigArn"]},
                },
            },
        }
    }
