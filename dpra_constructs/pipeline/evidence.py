"""The bucket that keeps what executions leave: provenance, SBOMs and reports.

A bucket of its own: by the CDK's grants, builds that hand on files may write and delete in all of
the artifact bucket, and what proves a release may have to be kept longer than the release.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs.build_actions.kept_reports import PREFIX
from dpra_constructs.pipeline.artifacts import Retention, kept_bucket

#: The prefix of the bucket's access logs.
EVIDENCE_LOGS = "evidence/"
# The id of an execution, in the policy of a role: of this length, so that nothing else fits.
_ANY_EXECUTION = "-".join("?" * count for count in (8, 4, 4, 4, 12))


@dataclass(frozen=True, slots=True)
class EvidenceRetention:
    """For how many days evidence is kept, and whether Object Lock sees to it."""

    days: int
    lock: s3.ObjectLockMode | None


class EvidenceStore:
    """Where the builds of a pipeline keep evidence, each below a prefix of its own.

    Attributes:
        bucket: the bucket.
        retention: how long it keeps the versions of its objects.
        address: the bucket and the pipeline's prefix, without a slash at the end.
    """

    def __init__(
        self, scope: Construct, key: kms.Key, pipeline: str, kept: EvidenceRetention
    ) -> None:
        self.bucket = kept_bucket(scope, "Evidence", key, _lock(kept))
        self.retention = Retention("EvidenceRetention", kept.days)
        prefix = f"{PREFIX}/{pipeline}"
        self.address = f"{self.bucket.bucket_name}/{prefix}"
        self._arn = f"{self.bucket.bucket_arn}/{prefix}/{_ANY_EXECUTION}"

    def written_by(self, project: str) -> iam.PolicyStatement:
        """Return what lets a build write its own evidence, and nobody else's."""
        return iam.PolicyStatement(actions=["s3:PutObject"], resources=[f"{self._arn}/{project}/*"])


def _lock(kept: EvidenceRetention) -> s3.ObjectLockRetention | None:
    if kept.lock is None:
        return None
    duration = Duration.days(kept.days)
    if kept.lock is s3.ObjectLockMode.COMPLIANCE:
        return s3.ObjectLockRetention.compliance(duration)
    return s3.ObjectLockRetention.governance(duration)
