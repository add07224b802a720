"""Asks Amazon ECR for the images that were sealed: that they are there, and signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ABSENT = ("ImageNotFoundException", "RepositoryNotFoundException")


@dataclass(frozen=True)
class Registry:
    """The registry that the pipeline's build pushes to.

    Args:
        ecr: a client, of its account and region.
        host: how the addresses of its repositories begin: `111111111111.dkr.ecr.us-west-2.`.
        profiles: the repositories that are pushed to, each with the ARN of the profile that signs
            its images; empty where none does.
    """

    ecr: Any
    host: str
    profiles: Mapping[str, str]

    def differences(self, images: Mapping[str, str]) -> Iterator[str]:
        """Yield a line for each image that is not there, or not signed.

        Args:
            images: the digest of each, by its repository's address.
        """
        for address, digest in sorted(images.items()):
            host, _, repository = address.partition("/")
            if not host.startswith(self.host) or repository not in self.profiles:
                # Pushed to elsewhere, by a command of the team's own.
                continue
            if not self._has(repository, digest):
                yield f"{address}@{digest} is not in Amazon ECR"
            elif profile := self.profiles[repository]:
                found = self._signing(repository, digest, profile)
                if found != "COMPLETE":
                    yield f"{address}@{digest} is not signed with {profile}: {found}"

    def _has(self, repository: str, digest: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            found = self.ecr.describe_images(
                repositoryName=repository, imageIds=[{"imageDigest": digest}]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return False
            raise
        return any(each["imageDigest"] == digest for each in found["imageDetails"])

    def _signing(self, repository: str, digest: str, profile: str) -> str:
        """Return the status of the signature by a profile, with the reason if it failed."""
        found = self.ecr.describe_image_signing_status(
            repositoryName=repository, imageId={"imageDigest": digest}
        )
        statuses = [
            " ".join(each[part] for part in ("status", "failureReason") if each.get(part))
            for each in found.get("signingStatuses", ())
            if each.get("signingProfileArn") == profile
        ]
        # Signed once is signed, whatever came of another job.
        return "COMPLETE" if "COMPLETE" in statuses else ", ".join(statuses) or "no signature"
