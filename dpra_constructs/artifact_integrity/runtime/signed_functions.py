"""Signs the code of Lambda functions and layers with AWS Signer, each content once.

AWS Signer gives other bytes for each job. So what it gave is kept by the SHA-256 of what it was
given, and taken from there the next time: a function whose code is unchanged stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from .assets import MANIFESTS
from .files import digest_of

#: Where the bucket has what was given to AWS Signer, what it gave, and what is kept of that.
FOLDERS = UNSIGNED, JOBS, SIGNED = "unsigned", "jobs", "signed"
#: How the entry begins that AWS Signer adds to an archive.
SIGNATURE = "META_INF/aws_signer_signature"
# What has code that Lambda verifies, and the property that says where the code is.
_CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
_AT_ONCE = 8
# Two seconds, for up to four minutes; a job takes a few seconds.
_DELAY_SECONDS = 2.0
_MOST_LOOKS = 120


class ProfileVersion(NamedTuple):
    """A version of a signing profile, by the parts of its ARN."""

    partition: str
    region: str
    account: str
    profile: str
    version: str

    @property
    def bucket(self) -> str:
        """The bucket in which code is signed in that account and region."""
        return f"dpra-signed-functions-{self.account}-{self.region}"

    @property
    def jobs_arn(self) -> str:
        """How the ARNs of signing jobs begin in that account and region."""
        return f"arn:{self.partition}:signer:{self.region}:{self.account}:/signing-jobs"

    @property
    def profile_arn(self) -> str:
        """The ARN of the profile, which IAM policies name."""
        return (
            f"arn:{self.partition}:signer:{self.region}:{self.account}:"
            f"/signing-profiles/{self.profile}"
        )


def profile_version_of(arn: str) -> ProfileVersion:
    """Return the parts of the ARN of a version of a signing profile."""
    _, partition, _, region, account, resource = arn.split(":")
    _, _, profile, version = resource.split("/")
    return ProfileVersion(partition, region, account, profile, version)


class FunctionSigner:
    """Signs in one region, with one version of a profile, and keeps what it signed."""

    def __init__(
        self,
        profile: ProfileVersion,
        *,
        pipeline: str,
        s3: Any,
        signer: Any,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._profile = profile
        self._pipeline = pipeline
        self._s3 = s3
        self._signer = signer
        self._sleep = sleep
        self._place = {"Bucket": profile.bucket, "ExpectedBucketOwner": profile.account}

    def sign(self, unsigned: Path, signed: Path) -> None:
        """Write the signed archive of an unsigned one.

        Raises:
            ValueError: it cannot be signed, or what is kept for it holds other code.
        """
        from botocore.exceptions import ClientError

        try:
            self._sign(unsigned, signed)
        except ClientError as error:
            region, account = self._profile.region, self._profile.account
            raise ValueError(
                f"{unsigned.name} cannot be signed in {region}: {error}; is FunctionSigningProfile "
                f"deployed there, in account {account}?"
            ) from None

    def _sign(self, unsigned: Path, signed: Path) -> None:
        with unsigned.open("rb") as content:
            digest = digest_of(content).sha256
        own = f"{self._profile.profile}-{self._profile.version}"
        key = f"{SIGNED}/{self._pipeline}/{own}/{digest}.zip"
        if not self._download(key, signed):
            self._download(self._run_job(unsigned, digest), signed)
            _refuse_other_code(unsigned, signed)
            if self._keep(signed, key):
                return
            # Another execution was faster: both deploy what it kept.
            self._download(key, signed)
        _refuse_other_code(unsigned, signed)

    def _run_job(self, unsigned: Path, digest: str) -> str:
        """Sign with AWS Signer, and return the key of what it wrote."""
        key = f"{UNSIGNED}/{self._pipeline}/{digest}.zip"
        with unsigned.open("rb") as content:
            put = self._s3.put_object(**self._place, Key=key, Body=content)
        bucket = self._profile.bucket
        started = self._signer.start_signing_job(
            source={"s3": {"bucketName": bucket, "key": key, "version": put["VersionId"]}},
            destination={"s3": {"bucketName": bucket, "prefix": f"{JOBS}/{self._pipeline}/"}},
            profileName=self._profile.profile,
            clientRequestToken=str(uuid.uuid4()),
        )
        for _ in range(_MOST_LOOKS):
            job = self._signer.describe_signing_job(jobId=started["jobId"])
            if job["status"] != "InProgress":
                break
            self._sleep(_DELAY_SECONDS)
        if job["status"] != "Succeeded":
            reason = job.get("statusReason", f"it is {job['status']}")
            raise ValueError(f"AWS Signer did not sign {unsigned.name}: {reason}")
        if job["profileVersion"] != self._profile.version:
            raise ValueError(
                f"AWS Signer signed {unsigned.name} with version {job['profileVersion']} of the "
                f"profile {self._profile.profile}, and functions accept {self._profile.version}; "
                "name the present version in FunctionSigning"
            )
        return str(job["signedObject"]["s3"]["key"])

    def _download(self, key: str, to: Path) -> bool:
        """Write an object into a file; return whether there is one."""
        from botocore.exceptions import ClientError

        try:
            found = self._s3.get_object(**self._place, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return False
        with to.open("wb") as out:
            shutil.copyfileobj(found["Body"], out)
        return True

    def _keep(self, signed: Path, key: str) -> bool:
        """Keep what was signed; return whether nothing was kept before."""
        from botocore.exceptions import ClientError

        try:
            with signed.open("rb") as content:
                self._s3.put_object(**self._place, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            # The first is of a kept object, the other one of one that is being written.
            if error.response["Error"]["Code"] not in (
                "PreconditionFailed",
                "ConditionalRequestConflict",
            ):
                raise
            return False
        return True


def sign_functions(root: Path, signers: Mapping[str, FunctionSigner]) -> list[str]:
    """Sign the code of the functions and layers of every stage, in regions that have a signer.

    Args:
        root: the assembly's folder, in which directories are zipped already.
        signers: by their region.

    Returns:
        The paths of the signed archives, which the manifests of the assets name now.

    Raises:
        ValueError: one cannot be signed.
    """
    signed: dict[tuple[Path, str], Path] = {}
    for manifest in _manifests(root):
        # The functions of the pipeline itself are in its own stack, at the top.
        if manifest.parent == root or not signers:
            continue
        content = json.loads(manifest.read_text("utf-8"))
        for asset in _code_assets(manifest, content["files"]):
            regions = {place.get("region") for place in asset["destinations"].values()}
            archive = (manifest.parent / asset["source"]["path"]).resolve()
            if _is_signed(archive):
                continue
            for region in regions & signers.keys():
                name = f"{archive.stem}.signed-{region}{archive.suffix}"
                target = signed.setdefault((archive, region), archive.with_name(name))
                path = os.path.relpath(target, manifest.parent.resolve())
                asset["source"]["path"] = PurePosixPath(path).as_posix()
        manifest.write_text(json.dumps(content, indent=2), "utf-8")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [
            pool.submit(signers[region].sign, archive, target)
            for (archive, region), target in signed.items()
        ]
        for job in jobs:
            job.result()
    _remove_unpublished(root, {archive for archive, _ in signed})
    return sorted(each.relative_to(root.resolve()).as_posix() for each in signed.values())


def _manifests(root: Path) -> list[Path]:
    return sorted(root.rglob(f"*{MANIFESTS}"))


def _code_assets(manifest: Path, files: Mapping[str, Any]) -> list[Any]:
    """Return the assets that functions and layers of a stack's templates have as their code."""
    code = ""
    for asset in files.values():
        path = manifest.parent / asset["source"]["path"]
        if path.name.endswith(".template.json"):
            resources = json.loads(path.read_text("utf-8")).get("Resources", {})
            for each in resources.values():
                if each["Type"] in _CODE:
                    code += json.dumps(each["Properties"].get(_CODE[each["Type"]]))
    return [
        asset
        for _, asset in sorted(files.items())
        if any(json.dumps(place["objectKey"]) in code for place in asset["destinations"].values())
    ]


def _is_signed(archive: Path) -> bool:
    """Whether a team has signed an archive itself; AWS Signer takes none a second time."""
    if not zipfile.is_zipfile(archive):
        return False
    with zipfile.ZipFile(archive) as content:
        return any(name.startswith(SIGNATURE) for name in content.namelist())


def _remove_unpublished(root: Path, archives: set[Path]) -> None:
    for manifest in _manifests(root):
        for asset in json.loads(manifest.read_text("utf-8")).get("files", {}).values():
            archives.discard((manifest.parent / asset["source"]["path"]).resolve())
    for archive in archives:
        archive.unlink()


def _refuse_other_code(unsigned: Path, signed: Path) -> None:
    """Refuse what is not the same code with a signature: that anybody wrote into the bucket.

    Lambda verifies who signed, and not what the build made.
    """
    if not zipfile.is_zipfile(signed):
        raise ValueError(f"what is kept as the signed {unsigned.name} is no archive")
    with zipfile.ZipFile(unsigned) as before, zipfile.ZipFile(signed) as after:
        # Counted, as a name may stand twice in an archive.
        names, code = Counter(after.namelist()), Counter(before.namelist())
        added, lacking = names - code, code - names
        if lacking or not added or any(not each.startswith(SIGNATURE) for each in added):
            raise ValueError(
                f"the signed {unsigned.name} adds {list(added)} to its code, and lacks "
                f"{list(lacking)}; only a signature may be added"
            )
        for name in code:
            if not _same(before, after, name):
                raise ValueError(f"the signed {unsigned.name} has another {name}")


def _same(before: zipfile.ZipFile, after: zipfile.ZipFile, name: str) -> bool:
    with before.open(name) as one, after.open(name) as other:
        return digest_of(one) == digest_of(other)
