"""Published files are compared with what was sealed, by sessions that may read them and no more."""

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpra_constructs.artifact_integrity.runtime.files import Digest
from dpra_constructs.artifact_integrity.runtime.published import (
    PublishedFile,
    published_differences,
    session_policy,
)

ACCOUNT = "333333333333"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
LONGEST_POLICY = 2_048


def asset(number: int = 0, region: str = "us-west-2", **changes: str) -> PublishedFile:
    place = f"{ACCOUNT}-{region}"
    return PublishedFile(
        path=f"asset.{number}.zip",
        account=ACCOUNT,
        region=region,
        bucket=f"cdk-hnb659fds-assets-{place}",
        key=f"{number:064x}.zip",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-file-publishing-role-{place}",
        external_id="",
    )._replace(**changes)


def body(number: int) -> bytes:
    return f"content {number}".encode()


def sealed(*numbers: int) -> dict[str, Digest]:
    return {
        f"asset.{number}.zip": Digest(len(body(number)), hashlib.sha256(body(number)).hexdigest())
        for number in numbers
    }


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass
class World:
    """Buckets by what they hold, and what sessions there were."""

    objects: dict[tuple[str, str], bytes]
    heads: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def assume_role(self, **given: Any) -> dict[str, Any]:
        self.sessions.append(given)
        return {"Credentials": {"Policy": given["Policy"]}}

    def s3_of(self, region: str, credentials: Mapping[str, str]) -> "Bucket":
        return Bucket(self, region, json.loads(credentials["Policy"]))


@dataclass
class Bucket:
    """What one session reads in one region."""

    world: World
    region: str
    policy: dict[str, Any]

    def _read(self, given: Mapping[str, str]) -> bytes:
        assert given["ExpectedBucketOwner"] == ACCOUNT
        assert self.region in given["Bucket"]
        allowed = self.policy["Statement"][0]["Resource"]
        assert f"arn:aws:s3:::{given['Bucket']}/{given['Key']}" in allowed
        try:
            return self.world.objects[given["Bucket"], given["Key"]]
        except KeyError:
            raise PermissionError("Forbidden") from None

    def head_object(self, **given: str) -> Mapping[str, Any]:
        assert given["ChecksumMode"] == "ENABLED"
        content = self._read(given)
        usual = {"ChecksumSHA256": checksum(content), "ChecksumType": "FULL_OBJECT"}
        return self.world.heads.get(given["Key"], usual)

    def get_object(self, **given: str) -> Mapping[str, Any]:
        self.world.downloads.append(given["Key"])
        return {"Body": io.BytesIO(self._read(given))}


def world(*assets: PublishedFile, **changes: Any) -> World:
    numbers = {each: int(each.path.split(".")[1]) for each in assets}
    return World({(e.bucket, e.key): body(number) for e, number in numbers.items()}, **changes)


def compare(world: World, *assets: PublishedFile) -> list[str]:
    numbers = [int(each.path.split(".")[1]) for each in assets]
    return published_differences(assets, sealed(*numbers), world, world.s3_of, session="verify-1")


def test_what_was_published_as_sealed_has_no_differences_and_is_not_downloaded() -> None:
    assets = [asset(0), asset(1), asset(0, "eu-central-1")]
    there = world(*assets)
    assert compare(there, *assets) == []
    assert there.downloads == []


def test_other_bytes_are_named_with_their_place() -> None:
    there = world(asset(0))
    there.objects[asset(0).bucket, asset(0).key] = b"other"
    stated, found = sealed(0)["asset.0.zip"].sha256, hashlib.sha256(b"other").hexdigest()
    assert compare(there, asset(0)) == [
        f"asset.0.zip was sealed with SHA-256 {stated}, and s3://{asset(0).bucket}/{asset(0).key} "
        f"in {ACCOUNT}/us-west-2 has {found}"
    ]


def test_only_the_region_that_differs_is_named() -> None:
    assets = [asset(0), asset(0, "eu-central-1")]
    there = world(*assets)
    there.objects[assets[1].bucket, assets[1].key] = b"other"
    [line] = compare(there, *assets)
    assert f"in {ACCOUNT}/eu-central-1 has" in line


def test_an_object_that_is_not_there_cannot_be_read() -> None:
    there = world(asset(0))
    there.objects.clear()
    assert compare(there, asset(0)) == [
        f"asset.0.zip as s3://{asset(0).bucket}/{asset(0).key} cannot be read: Forbidden"
    ]


def test_a_published_file_that_was_not_sealed_is_named() -> None:
    there = world(asset(7))
    lines = published_differences([asset(7)], sealed(0), there, there.s3_of, session="verify-1")
    assert lines == [f"asset.7.zip is published to {asset(7).bucket}, and is not sealed"]


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"ChecksumCRC32": "AAAAAA=="},
        # Of an upload in parts: a checksum of checksums, which says nothing of the whole.
        {"ChecksumSHA256": f"{checksum(b'parts')}-3", "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": checksum(b"parts"), "ChecksumType": "COMPOSITE"},
    ],
    ids=["none", "of another kind", "composite", "composite by its type"],
)
def test_without_a_checksum_of_the_whole_the_object_is_read(head: dict[str, str]) -> None:
    there = world(asset(0), heads={asset(0).key: head})
    assert compare(there, asset(0)) == []
    assert there.downloads == [asset(0).key]
    there.objects[asset(0).bucket, asset(0).key] = b"other"
    assert len(compare(there, asset(0))) == 1


def test_a_session_may_read_the_listed_objects_and_nothing_else() -> None:
    first, second = session_policy([asset(0), asset(1)]), json.loads(session_policy([asset(0)]))
    assert json.loads(first)["Statement"][0] == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": sorted(
            f"arn:aws:s3:::{each.bucket}/{each.key}" for each in (asset(0), asset(1))
        ),
    }
    # A key of the customer's is used through S3 alone; which one, the bootstrap decides.
    assert second["Statement"][1:] == [
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
        }
    ]


def test_a_session_is_of_the_role_that_publishes_with_its_external_id() -> None:
    there = world(asset(0, external_id="acme"), asset(1))
    compare(there, asset(0, external_id="acme"), asset(1))
    assert {each.get("ExternalId") for each in there.sessions} == {None, "acme"}
    assert {each["RoleArn"] for each in there.sessions} == {asset(0).role_arn}
    assert all(each["DurationSeconds"] == 900 for each in there.sessions)
    assert {each["RoleSessionName"] for each in there.sessions} == {"verify-1"}


def test_an_asset_that_stands_twice_is_read_once() -> None:
    there = world(asset(0))
    assert compare(there, asset(0), asset(0)) == []
    assert len(there.sessions) == 1


@settings(max_examples=30)
@given(st.integers(0, 60), st.integers(1, 3))
def test_every_asset_is_read_by_a_session_whose_policy_sts_takes(count: int, regions: int) -> None:
    names = ["us-west-2", "eu-central-1", "ap-southeast-2"][:regions]
    assets = [asset(number, name) for number in range(count) for name in names]
    there = world(*assets)
    assert compare(there, *assets) == []
    policies = [each["Policy"] for each in there.sessions]
    assert all(len(policy) <= LONGEST_POLICY for policy in policies)
    read = [arn for policy in policies for arn in json.loads(policy)["Statement"][0]["Resource"]]
    assert len(read) == len(set(read)) == len(assets)
