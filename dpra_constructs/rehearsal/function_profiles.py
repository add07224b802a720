"""The signing profiles that pipelines name: in AWS they are deployed before, on their own."""

from __future__ import annotations

from collections.abc import Iterator

from dpra_constructs.artifact_integrity.runtime.signed_functions import profile_version_of
from dpra_constructs.artifact_integrity.seal_program import PROFILES
from dpra_constructs.cloud_assembly import assembled_stacks
from dpra_constructs.rehearsal.assembly import Assembly, Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import make_signing_profile

# Which S3 names by no constraint of a location.
_FIRST_REGION = "us-east-1"


def make_function_profiles(app: Assembly, endpoint: str) -> None:
    """Make each profile with the version that a pipeline names, and the bucket beside it.

    Args:
        app: its pipelines name the profiles.
        endpoint: the emulator's address.
    """
    for arn in sorted(set(_named(app))):
        profile = profile_version_of(arn)
        s3 = client("s3", endpoint, Place(profile.account, profile.region))
        place = (
            {"CreateBucketConfiguration": {"LocationConstraint": profile.region}}
            if profile.region != _FIRST_REGION
            else {}
        )
        s3.create_bucket(Bucket=profile.bucket, **place)
        s3.put_bucket_versioning(
            Bucket=profile.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        make_signing_profile(
            endpoint, profile.account, profile.region, profile.profile, profile.version
        )


def _named(app: Assembly) -> Iterator[str]:
    for stack in assembled_stacks(app.folder):
        for resource in stack.template().get("Resources", {}).values():
            if resource["Type"] == "AWS::CodeBuild::Project":
                environment = resource["Properties"].get("Environment", {})
                for variable in environment.get("EnvironmentVariables", ()):
                    if variable["Name"] == PROFILES:
                        yield from variable["Value"].split()
