"""Amazon ECR is asked for each image that was sealed: that it is there, and signed."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.artifact_integrity.runtime import verify_artifacts
from dpra_constructs.artifact_integrity.runtime.images import Registry
from dpra_constructs.artifact_integrity.runtime.verification import AcceptedKey
from dpra_constructs.artifact_integrity.runtime.verify_artifacts import differences_of
from tests.artifact_integrity.sealing import (
    IMAGE,
    IMAGE_DIGEST,
    REPOSITORY,
    REVISION,
    sealed,
    signer,
)
from tests.runtime.service_models import Modelled, client_error

HOST = "111111111111.dkr.ecr.us-west-2."
PROFILE = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/dpra_images_1"
OTHER = PROFILE.replace("111111111111", "555555555555")
IMAGES = {IMAGE: IMAGE_DIGEST}
NAMED = f"{IMAGE}@{IMAGE_DIGEST}"


class Ecr:
    """Amazon ECR with one image, and the statuses of its signing."""

    def __init__(self) -> None:
        self.digests = {"fruit": IMAGE_DIGEST}
        self.statuses: list[dict[str, str]] = []
        self.failure = "ImageNotFoundException"
        self.calls: list[str] = []

    def describe_images(self, **given: Any) -> dict[str, Any]:
        self.calls.append("describe_images")
        name, [id] = given["repositoryName"], given["imageIds"]
        if self.digests.get(name) != id["imageDigest"]:
            raise client_error(self.failure, "DescribeImages")
        return {"imageDetails": [{"repositoryName": name, "imageDigest": id["imageDigest"]}]}

    def describe_image_signing_status(self, **given: Any) -> dict[str, Any]:
        self.calls.append("describe_image_signing_status")
        assert given == {"repositoryName": "fruit", "imageId": {"imageDigest": IMAGE_DIGEST}}
        return {"signingStatuses": self.statuses}


@pytest.fixture
def ecr() -> Ecr:
    return Ecr()


def lines(ecr: Ecr, profile: str = PROFILE, images: dict[str, str] = IMAGES) -> list[str]:
    registry = Registry(Modelled("ecr", ecr), HOST, {"fruit": profile})
    return list(registry.differences(images))


def status(status: str, profile: str = PROFILE, **more: str) -> dict[str, str]:
    return {"signingProfileArn": profile, "status": status, **more}


def test_an_image_that_is_there_and_signed_passes(ecr: Ecr) -> None:
    ecr.statuses = [status("FAILED", OTHER), status("COMPLETE")]
    assert lines(ecr) == []


def test_without_a_profile_nobody_is_asked_who_signed(ecr: Ecr) -> None:
    assert lines(ecr, profile="") == []
    assert ecr.calls == ["describe_images"]


@pytest.mark.parametrize("failure", ["ImageNotFoundException", "RepositoryNotFoundException"])
def test_an_image_that_is_gone_is_named(ecr: Ecr, failure: str) -> None:
    ecr.digests, ecr.failure = {}, failure
    assert lines(ecr) == [f"{NAMED} is not in Amazon ECR"]


def test_who_may_not_ask_has_verified_nothing(ecr: Ecr) -> None:
    ecr.digests, ecr.failure = {}, "AccessDeniedException"
    with pytest.raises(ClientError, match="AccessDenied"):
        lines(ecr)


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([], "no signature"),
        ([status("COMPLETE", OTHER)], "no signature"),
        ([status("IN_PROGRESS")], "IN_PROGRESS"),
        ([status("FAILED", failureReason="not allowed")], "FAILED not allowed"),
    ],
)
def test_an_image_that_the_profile_has_not_signed_is_named(
    ecr: Ecr, statuses: list[dict[str, str]], said: str
) -> None:
    ecr.statuses = statuses
    assert lines(ecr) == [f"{NAMED} is not signed with {PROFILE}: {said}"]


@pytest.mark.parametrize(
    "address",
    [
        "docker.acme.example/fruit",
        IMAGE.replace("us-west-2", "eu-west-1"),
        IMAGE.replace("111111111111", "555555555555"),
        f"{IMAGE}-of-others",
    ],
)
def test_images_of_other_registries_and_repositories_are_not_asked_for(
    ecr: Ecr, address: str
) -> None:
    assert lines(ecr, images={address: IMAGE_DIGEST}) == []
    assert not ecr.calls


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[zipfile.ZipFile]:
    root = sealed(tmp_path, signer())
    with zipfile.ZipFile(tmp_path / "artifact.zip", "w") as written:
        for path in sorted(root.rglob("*")):
            written.write(path, path.relative_to(root))
    with zipfile.ZipFile(tmp_path / "artifact.zip") as read:
        yield read


@pytest.mark.parametrize("digests", [{"fruit": IMAGE_DIGEST}, {}])
def test_verify_artifacts_asks_for_the_images_of_the_seal(
    ecr: Ecr, archive: zipfile.ZipFile, digests: dict[str, str]
) -> None:
    ecr.digests = digests
    found = differences_of(
        archive,
        {
            "repository": REPOSITORY,
            "revision": REVISION,
            "targets": {},
            "execution": "1",
            "partition": "aws",
        },
        [AcceptedKey("key")],
        lambda key, content, signature: True,
        sts=None,
        s3_of=lambda region, credentials: None,
        registry=Registry(Modelled("ecr", ecr), HOST, {"fruit": ""}),
    )
    assert found == ([] if digests else [f"{NAMED} is not in Amazon ECR"])


@pytest.mark.parametrize("images", [{"fruit": PROFILE}, {}])
def test_the_function_asks_the_registry_of_its_own_account_and_region(
    monkeypatch: pytest.MonkeyPatch, images: dict[str, str]
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(verify_artifacts, "run", lambda job, **given: told.update(given))
    for name, value in {
        "AWS_DEFAULT_REGION": "us-west-2",
        "SIGNING_KEY": "key",
        "ACCEPTED_KEYS": "[]",
        **({"IMAGES": json.dumps(images)} if images else {}),
    }.items():
        monkeypatch.setenv(name, value)
    credentials = dict.fromkeys(("accessKeyId", "secretAccessKey", "sessionToken"), "x")
    function = "arn:aws:lambda:us-west-2:111111111111:function:fruit-VerifyArtifacts"
    verify_artifacts.handler(
        {"CodePipeline.job": {"data": {"artifactCredentials": credentials}}},
        SimpleNamespace(invoked_function_arn=function),
    )
    registry = told["registry"]
    assert (registry and (registry.host, registry.profiles)) == ((HOST, images) if images else None)
