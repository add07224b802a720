"""A sealed assembly against the emulator's KMS and S3, with IAM enforced: signed, published, read.

The key is one of KMS, the objects are in the buckets of two regions of another account, and the
verifier is a role that may assume those that publish.
"""

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.signer import AWSSigner, SSlibKey  # type: ignore[attr-defined]

from dpra_constructs.artifact_integrity.offline import verify_offline
from dpra_constructs.artifact_integrity.runtime.files import Archive, Folder
from dpra_constructs.artifact_integrity.runtime.images import Registry
from dpra_constructs.artifact_integrity.runtime.manifest import ENVELOPE, MANIFEST
from dpra_constructs.artifact_integrity.runtime.published import (
    PublishedFile,
    published_differences,
    published_files,
)
from dpra_constructs.artifact_integrity.runtime.seal import seal
from dpra_constructs.artifact_integrity.runtime.verification import AcceptedKey, verify
from dpra_constructs.artifact_integrity.runtime.verify_artifacts import check_by
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import SECRET
from dpra_constructs.rehearsal.self_tests.account import allowed, assume, role, trust
from dpra_constructs.rehearsal.server import emulator
from tests.artifact_integrity.sealing import (
    ACCOUNT,
    IMAGE,
    IMAGE_DIGEST,
    PROVENANCE,
    REGIONS,
    assembly,
)
from tests.artifact_integrity.test_verification import TAMPERINGS

pytestmark = pytest.mark.rehearsal

TOOLS = Place("111111111111", "us-west-2")
TARGETS = tuple(Place(ACCOUNT, region) for region in REGIONS)


def new_key(endpoint: str) -> str:
    kms = client("kms", endpoint, TOOLS)
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    arn: str = made["KeyMetadata"]["Arn"]
    return arn


@dataclass(frozen=True)
class World:
    """An emulator with a signing key, and a sealed assembly that is published in two regions."""

    endpoint: str
    key: str
    sealed: Path
    verifier: dict[str, str]

    def differences(self, root: Path, keys: list[AcceptedKey] | None = None) -> list[str]:
        """Do what the action does with an artifact."""
        archive = shutil.make_archive(str(root.parent / "artifact"), "zip", root)
        kms = client("kms", self.endpoint, TOOLS, self.verifier)
        with zipfile.ZipFile(archive) as opened:
            files = Archive(opened)
            found = verify(files, keys or [AcceptedKey(self.key)], check_by(kms))
            lines = list(found.differences)
            if found.statement is None or found.sealed is None:
                return lines
            lines += found.statement.source_differences(PROVENANCE.repository, PROVENANCE.revision)
            if lines:
                return lines
            return published_differences(
                published_files(files, partition="aws"),
                found.sealed,
                client("sts", self.endpoint, TOOLS, self.verifier),
                lambda region, given: client("s3", self.endpoint, Place(ACCOUNT, region), given),
                session="verify-1",
            )

    def published(self, end: str, region: str = REGIONS[0]) -> PublishedFile:
        """Return a published file by the end of its path."""
        return next(
            each
            for each in published_files(Folder(self.sealed), partition="aws")
            if each.path.endswith(end) and each.region == region
        )

    def s3(self, region: str) -> Any:
        return client("s3", self.endpoint, Place(ACCOUNT, region))


@pytest.fixture
def world(shared: World, tmp_path: Path) -> Iterator[tuple[World, Path]]:
    """Give the world, and a copy of the artifact to change; what is published is put back."""
    yield shared, Path(shutil.copytree(shared.sealed, tmp_path / "artifact"))
    publish(shared)


def signer_of(endpoint: str, key: str, account: Any, patch: pytest.MonkeyPatch) -> AWSSigner:
    """Return securesystemslib's signer, which finds its credentials as in a build."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": TOOLS.region,
        "AWS_DEFAULT_REGION": TOOLS.region,
        "AWS_ACCESS_KEY_ID": account["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": account["SecretAccessKey"],
        "AWS_SESSION_TOKEN": account["SessionToken"],
    }.items():
        patch.setenv(name, value)
    # Undone with the rest, so that no other test finds these credentials.
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    address, public_key = AWSSigner.import_(key)
    return AWSSigner.from_priv_key_uri(address, public_key)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = assembly(tmp_path_factory.mktemp("sealed"))
    sbom = tmp_path_factory.mktemp("outputs") / "sbom"
    sbom.mkdir()
    (sbom / "bom.json").write_text('{"bomFormat": "CycloneDX"}')
    with emulator() as endpoint, pytest.MonkeyPatch.context() as patch:
        key = new_key(endpoint)
        sign = {"Action": ["kms:Sign", "kms:GetPublicKey"], "Resource": key}
        sealing = assume(endpoint, TOOLS, role(endpoint, TOOLS, "seal", sign))
        signer = signer_of(endpoint, key, sealing, patch)
        seal(root, PROVENANCE, signer=signer, sboms={"sbom": sbom}, images={IMAGE: IMAGE_DIGEST})
        publishing = [publishing_role(endpoint, place) for place in TARGETS]
        verifying = role(
            endpoint,
            TOOLS,
            "verify",
            {"Action": "kms:Verify", "Resource": key},
            {"Action": "sts:AssumeRole", "Resource": publishing},
        )
        made = World(endpoint, key, root, assume(endpoint, TOOLS, verifying))
        for place in TARGETS:
            made.s3(place.region).create_bucket(
                Bucket=f"cdk-hnb659fds-assets-{ACCOUNT}-{place.region}",
                CreateBucketConfiguration={"LocationConstraint": place.region},
            )
        publish(made)
        yield made


def publishing_role(endpoint: str, place: Place) -> str:
    """Make the role of the CDK bootstrap that publishes files, which trusts the tools account."""
    name = f"cdk-hnb659fds-file-publishing-role-{ACCOUNT}-{place.region}"
    bucket = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-{place.region}"
    actions = ["s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:List*"]
    statement = {"Action": actions, "Resource": [bucket, f"{bucket}/*"]}
    return role(endpoint, place, name, statement, trust=trust(TOOLS.account))


def publish(world: World) -> None:
    """Publish as cdk-assets does: with the SHA-256 of the whole."""
    for each in published_files(Folder(world.sealed), partition="aws"):
        world.s3(each.region).put_object(
            Bucket=each.bucket,
            Key=each.key,
            Body=(world.sealed / each.path).read_bytes(),
            ChecksumAlgorithm="SHA256",
        )


def test_what_kms_signed_and_s3_holds_passes(world: tuple[World, Path]) -> None:
    there, artifact = world
    assert there.differences(artifact) == []


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_of_the_artifact_is_refused(name: str, world: tuple[World, Path]) -> None:
    there, artifact = world
    tamper, line = TAMPERINGS[name]
    tamper(artifact)
    assert line in "\n".join(there.differences(artifact))


def replaced(world: World, published: PublishedFile) -> None:
    world.s3(published.region).put_object(
        Bucket=published.bucket, Key=published.key, Body=b"other", ChecksumAlgorithm="SHA256"
    )


def replaced_without_checksum(world: World, published: PublishedFile) -> None:
    world.s3(published.region).put_object(
        Bucket=published.bucket, Key=published.key, Body=b"other", ChecksumAlgorithm="CRC32"
    )


def removed(world: World, published: PublishedFile) -> None:
    world.s3(published.region).delete_object(Bucket=published.bucket, Key=published.key)


def exchanged_with_another_region(world: World, published: PublishedFile) -> None:
    other = next(region for region in REGIONS if region != published.region)
    end = published.path[published.path.index("asset.") :]
    source = world.published(end, other)
    body = b"the other region's " + (world.sealed / source.path).read_bytes()
    world.s3(published.region).put_object(
        Bucket=published.bucket, Key=published.key, Body=body, ChecksumAlgorithm="SHA256"
    )


@pytest.mark.parametrize(
    "change", [replaced, replaced_without_checksum, removed, exchanged_with_another_region]
)
@pytest.mark.parametrize("region", REGIONS)
def test_a_tampering_of_what_is_published_is_refused(
    change: Callable[[World, PublishedFile], None], region: str, world: tuple[World, Path]
) -> None:
    there, artifact = world
    published = there.published("asset.code.zip", region)
    change(there, published)
    [line] = there.differences(artifact)
    assert line.startswith("asset.code.zip ")
    assert f"s3://{published.bucket}/{published.key}" in line


def test_the_session_of_the_verifier_can_neither_write_nor_read_another_object(
    world: tuple[World, Path],
) -> None:
    there, _ = world
    published = there.published("asset.code.zip")
    seen: list[Any] = []

    def s3_of(region: str, given: Any) -> Any:
        seen.append(client("s3", there.endpoint, Place(ACCOUNT, region), given))
        return seen[-1]

    sts = client("sts", there.endpoint, TOOLS, there.verifier)
    published_differences([published], {}, sts, s3_of, session="verify-1")
    [s3] = seen
    at = {"Bucket": published.bucket, "Key": published.key}
    another = there.published("asset.file.txt")
    assert allowed(s3.get_object, **at)
    assert not allowed(s3.put_object, **at, Body=b"other")
    assert not allowed(s3.delete_object, **at)
    assert not allowed(s3.get_object, Bucket=another.bucket, Key=another.key)


def test_a_role_without_the_permission_cannot_sign(world: tuple[World, Path]) -> None:
    there, _ = world
    kms = client("kms", there.endpoint, TOOLS, there.verifier)
    with pytest.raises(ClientError, match="AccessDenied"):
        kms.sign(
            KeyId=there.key,
            Message=b"0" * 32,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )


def test_a_release_of_before_a_rotation_passes_and_a_later_one_by_the_old_key_does_not(
    world: tuple[World, Path],
) -> None:
    there, artifact = world
    new = new_key(there.endpoint)
    finished = datetime.fromisoformat(PROVENANCE.finished)
    iam = client("iam", there.endpoint, TOOLS)
    statement = {"Effect": "Allow", "Action": "kms:Verify", "Resource": new}
    iam.put_role_policy(
        RoleName="verify",
        PolicyName="new",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    after, before = finished + timedelta(days=1), finished - timedelta(days=1)
    old = AcceptedKey(there.key, valid_until=after)
    assert there.differences(artifact, [AcceptedKey(new), old]) == []
    old = AcceptedKey(there.key, valid_until=before)
    [line] = there.differences(artifact, [AcceptedKey(new), old])
    assert line.startswith(f"{ENVELOPE} was signed at ")
    assert there.differences(artifact, [AcceptedKey(new)]) == [
        f"{ENVELOPE} has no signature by one of the accepted keys: {new}"
    ]


def test_the_signature_of_kms_verifies_with_securesystemslib_and_offline(
    world: tuple[World, Path],
) -> None:
    there, artifact = world
    der = client("kms", there.endpoint, TOOLS).get_public_key(KeyId=there.key)["PublicKey"]
    public_key = load_der_public_key(der)
    envelope = Envelope.from_dict(json.loads((artifact / ENVELOPE).read_text()))
    assert envelope.verify([SSlibKey.from_crypto(public_key)], 1)
    pem = artifact.parent / "key.pem"
    pem.write_bytes(public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert verify_offline(artifact, pem) == []
    assert (artifact / MANIFEST).is_file()


def test_verifying_100_megabytes_of_assets_takes_less_than_five_seconds(
    shared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = assembly(tmp_path)
    for number in range(10):
        (root / f"asset.{number}.bin").write_bytes(os.urandom(10_000_000))
    for manifest in root.rglob("*.assets.json"):
        content = json.loads(manifest.read_text())
        [place] = content["files"]["file"]["destinations"].items()
        for number in range(10):
            content["files"][f"large-{number}"] = {
                "source": {"path": f"../asset.{number}.bin", "packaging": "file"},
                "destinations": {place[0]: {**place[1], "objectKey": f"{number}" * 64 + ".bin"}},
            }
        manifest.write_text(json.dumps(content))
    root_key = {"AccessKeyId": TOOLS.account, "SecretAccessKey": SECRET, "SessionToken": ""}
    signer = signer_of(shared.endpoint, shared.key, root_key, monkeypatch)
    seal(root, PROVENANCE, signer=signer)
    large = World(shared.endpoint, shared.key, root, shared.verifier)
    publish(large)
    archive = shutil.make_archive(str(tmp_path / "artifact"), "zip", root)
    assert Path(archive).stat().st_size > 100_000_000
    kms = client("kms", shared.endpoint, TOOLS, shared.verifier)
    sts = client("sts", shared.endpoint, TOOLS, shared.verifier)
    began = time.perf_counter()
    with zipfile.ZipFile(archive) as opened:
        files = Archive(opened)
        found = verify(files, [AcceptedKey(shared.key)], check_by(kms))
        assert found.differences == []
        assert found.sealed is not None
        lines = published_differences(
            published_files(files, partition="aws"),
            found.sealed,
            sts,
            lambda region, given: client("s3", shared.endpoint, Place(ACCOUNT, region), given),
            session="verify-1",
        )
    took = time.perf_counter() - began
    assert lines == []
    assert took < 5, f"{took:.2f} s"


def test_the_verifier_finds_an_image_that_was_pushed_and_misses_another(
    world: tuple[World, Path],
) -> None:
    there, _ = world
    ecr = client("ecr", there.endpoint, TOOLS)
    arn = ecr.create_repository(repositoryName="fruit")["repository"]["repositoryArn"]
    pushed = ecr.put_image(repositoryName="fruit", imageManifest="{}", imageTag="c" * 40)
    digest = pushed["image"]["imageId"]["imageDigest"]
    host, _, _ = IMAGE.partition("/")

    def differences(who: dict[str, str], *digests: str) -> list[str]:
        registry = Registry(client("ecr", there.endpoint, TOOLS, who), host, {"fruit": ""})
        return [line for each in digests for line in registry.differences({IMAGE: each})]

    asks = {"Action": "ecr:DescribeImages", "Resource": arn}
    may = assume(there.endpoint, TOOLS, role(there.endpoint, TOOLS, "asks", asks))
    assert differences(may, digest, IMAGE_DIGEST) == [
        f"{IMAGE}@{IMAGE_DIGEST} is not in Amazon ECR"
    ]
    with pytest.raises(ClientError, match="DescribeImages"):
        differences(there.verifier, digest)
