"""Signing the code of functions: each content once, in each region, and nothing but that code."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.artifact_integrity.runtime.assets import zip_assets
from dpra_constructs.artifact_integrity.runtime.files import Folder, digests_of
from dpra_constructs.artifact_integrity.runtime.manifest import MANIFEST, read_manifest
from dpra_constructs.artifact_integrity.runtime.seal import seal
from dpra_constructs.artifact_integrity.runtime.signed_functions import (
    FunctionSigner,
    profile_version_of,
    sign_functions,
)
from tests.artifact_integrity.sealing import PROVENANCE, assembly
from tests.artifact_integrity.sealing import signer as sealing_key
from tests.runtime.service_models import Modelled, client_error

SIGNATURE = "META_INF/aws_signer_signature_v1.0.SF"
PROFILE = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
BUCKET = "dpra-signed-functions-111111111111-us-west-2"


class Aws:
    """Amazon S3 and AWS Signer, which gives other bytes for each job."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.jobs: dict[str, str] = {}
        self.looks = 0
        self.job: dict[str, Any] = {"status": "Succeeded", "profileVersion": "a1B2c3D4e5"}
        self.changes: Callable[[zipfile.ZipFile], None] = lambda archive: None
        self.before_keeping: Callable[[str, bytes], None] = lambda key, content: None

    def put_object(self, **given: Any) -> dict[str, Any]:
        assert (given["Bucket"], given["ExpectedBucketOwner"]) == (BUCKET, "111111111111")
        key, content = given["Key"], given["Body"].read()
        if given.get("IfNoneMatch") == "*":
            self.before_keeping(key, content)
            if key in self.objects:
                raise client_error("PreconditionFailed", "PutObject")
        self.objects[key] = content
        return {"VersionId": f"v{len(self.objects)}"}

    def get_object(self, **given: Any) -> dict[str, Any]:
        assert (given["Bucket"], given["ExpectedBucketOwner"]) == (BUCKET, "111111111111")
        if given["Key"] not in self.objects:
            raise client_error("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[given["Key"]])}

    def start_signing_job(self, **given: Any) -> dict[str, Any]:
        source, destination = given["source"]["s3"], given["destination"]["s3"]
        assert given["profileName"] == "fruit_api"
        assert source["version"].startswith("v")
        assert {source["bucketName"], destination["bucketName"]} == {BUCKET}
        id = f"job-{len(self.jobs)}"
        self.jobs[id] = f"{destination['prefix']}{id}.zip"
        written = io.BytesIO(self.objects[source["key"]])
        with zipfile.ZipFile(written, "a") as archive:
            archive.writestr(SIGNATURE, id)
            self.changes(archive)
        self.objects[self.jobs[id]] = written.getvalue()
        return {"jobId": id}

    def describe_signing_job(self, **given: Any) -> dict[str, Any]:
        self.looks += 1
        if self.looks % 2:
            return {"status": "InProgress"}
        return {
            "signedObject": {"s3": {"bucketName": BUCKET, "key": self.jobs[given["jobId"]]}},
            **self.job,
        }

    @property
    def kept(self) -> dict[str, bytes]:
        return {key: each for key, each in self.objects.items() if key.startswith("signed/")}


def function_signer(aws: Aws, pipeline: str = "fruit-api") -> FunctionSigner:
    return FunctionSigner(
        profile_version_of(PROFILE),
        pipeline=pipeline,
        s3=Modelled("s3", aws),
        signer=Modelled("signer", aws),
        sleep=lambda seconds: None,
    )


def with_function(folder: Path, *, type: str = "AWS::Lambda::Function") -> Path:
    """Write an assembly whose stages have a function of the folder that is an asset."""
    root = assembly(folder)
    property = "Code" if type == "AWS::Lambda::Function" else "Content"
    for template in root.rglob("*.template.json"):
        content = json.loads(template.read_text())
        content["Resources"]["Function"] = {
            "Type": type,
            "Properties": {property: {"S3Bucket": "assets", "S3Key": "code.zip"}},
        }
        content["Resources"]["Task"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": {}}
        template.write_text(json.dumps(content))
    return root


def zipped(folder: Path, **changes: Any) -> Path:
    root = with_function(folder, **changes)
    zip_assets(root)
    return root


def source(root: Path, region: str, id: str = "code") -> Path:
    [manifest] = root.glob(f"*{region}/*.assets.json")
    path: str = json.loads(manifest.read_text())["files"][id]["source"]["path"]
    return (manifest.parent / path).resolve().relative_to(root.resolve())


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "asset.code.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("handler.py", "def handler(*_): ...\n")
        content.writestr("package/data.json", "{}")
    return path


def test_the_parts_of_a_profile_are_read_from_its_arn() -> None:
    profile = profile_version_of(PROFILE)
    assert (profile.region, profile.account) == ("us-west-2", "111111111111")
    assert (profile.profile, profile.version) == ("fruit_api", "a1B2c3D4e5")
    assert profile.bucket == BUCKET
    assert profile.profile_arn == PROFILE.rpartition("/")[0]


def test_code_is_signed_once_and_the_same_archive_is_taken_ever_after(
    aws: Aws, archive: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    function_signer(aws).sign(archive, first)
    function_signer(aws).sign(archive, second)
    assert len(aws.jobs) == 1
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as signed:
        assert signed.namelist() == ["handler.py", "package/data.json", SIGNATURE]
    [key] = aws.kept
    assert key.startswith("signed/fruit-api/fruit_api-a1B2c3D4e5/")


def test_other_code_is_signed_anew(aws: Aws, archive: Path, tmp_path: Path) -> None:
    function_signer(aws).sign(archive, tmp_path / "first.zip")
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr("more.py", "")
    function_signer(aws).sign(archive, tmp_path / "second.zip")
    assert len(aws.jobs) == len(aws.kept) == 2


def test_another_pipeline_keeps_its_own(aws: Aws, archive: Path, tmp_path: Path) -> None:
    function_signer(aws).sign(archive, tmp_path / "first.zip")
    function_signer(aws, "vegetables").sign(archive, tmp_path / "second.zip")
    assert len(aws.kept) == 2


def test_of_two_executions_both_deploy_what_was_kept_first(
    aws: Aws, archive: Path, tmp_path: Path
) -> None:
    def faster(key: str, content: bytes) -> None:
        aws.before_keeping = lambda key, content: None
        function_signer(aws).sign(archive, tmp_path / "faster.zip")

    aws.before_keeping = faster
    function_signer(aws).sign(archive, tmp_path / "slower.zip")
    assert len(aws.jobs) == 2
    assert (tmp_path / "slower.zip").read_bytes() == (tmp_path / "faster.zip").read_bytes()


def test_a_job_that_fails_is_told_with_its_reason(aws: Aws, archive: Path, tmp_path: Path) -> None:
    aws.job = {"status": "Failed", "statusReason": "the zip is malformed"}
    with pytest.raises(ValueError, match=r"did not sign asset\.code\.zip: the zip is malformed"):
        function_signer(aws).sign(archive, tmp_path / "signed.zip")
    assert not aws.kept


def test_a_job_that_does_not_end_is_given_up(aws: Aws, archive: Path, tmp_path: Path) -> None:
    aws.job = {"status": "InProgress"}
    with pytest.raises(ValueError, match="it is InProgress"):
        function_signer(aws).sign(archive, tmp_path / "signed.zip")


def test_another_version_of_the_profile_is_refused(aws: Aws, archive: Path, tmp_path: Path) -> None:
    aws.job["profileVersion"] = "z9Y8x7W6v5"
    with pytest.raises(ValueError, match="with version z9Y8x7W6v5 of the profile fruit_api"):
        function_signer(aws).sign(archive, tmp_path / "signed.zip")
    assert not aws.kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda archive: archive.writestr("backdoor.py", ""), r"adds .*'backdoor\.py'"),
        (lambda archive: archive.writestr("handler.py", "other"), r"adds .*'handler\.py'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_more_than_a_signature_is_refused(
    aws: Aws, archive: Path, tmp_path: Path, change: Any, message: str
) -> None:
    aws.changes = change
    with pytest.raises(ValueError, match=message):
        function_signer(aws).sign(archive, tmp_path / "signed.zip")
    assert not aws.kept


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"handler.py": "other", "package/data.json": "{}", SIGNATURE: ""}, r"another handler\.py"),
        ({"package/data.json": "{}", SIGNATURE: ""}, r"lacks \['handler\.py'\]"),
        ({"handler.py": "def handler(*_): ...\n", "package/data.json": "{}"}, r"adds \[\]"),
        (None, "is no archive"),
    ],
)
def test_what_was_written_into_the_bucket_in_the_place_of_what_was_signed_is_refused(
    aws: Aws, archive: Path, tmp_path: Path, content: dict[str, str] | None, message: str
) -> None:
    function_signer(aws).sign(archive, tmp_path / "signed.zip")
    written = io.BytesIO(b"nothing")
    if content is not None:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as other:
            for name, text in content.items():
                other.writestr(name, text)
    [key] = aws.kept
    aws.objects[key] = written.getvalue()
    with pytest.raises(ValueError, match=message):
        function_signer(aws).sign(archive, tmp_path / "again.zip")


def test_a_bucket_that_is_not_there_is_told_with_what_to_deploy(
    aws: Aws, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_object(**given: Any) -> dict[str, Any]:
        raise client_error("NoSuchBucket", "GetObject")

    monkeypatch.setattr(aws, "get_object", get_object)
    with pytest.raises(ValueError, match=r"NoSuchBucket.*is FunctionSigningProfile deployed there"):
        function_signer(aws).sign(archive, tmp_path / "signed.zip")


def test_functions_of_the_region_deploy_the_signed_code_and_others_stay(
    aws: Aws, tmp_path: Path
) -> None:
    root = zipped(tmp_path)
    signed = sign_functions(root, {"us-west-2": function_signer(aws)})
    assert signed == ["asset.code.signed-us-west-2.zip"]
    assert source(root, "us-west-2").as_posix() == signed[0]
    assert source(root, "eu-central-1").as_posix() == "asset.code.zip"
    assert source(root, "us-west-2", "file").as_posix() == "asset.file.txt"
    with zipfile.ZipFile(root / signed[0]) as archive:
        assert SIGNATURE in archive.namelist()


def test_layers_are_signed_too(aws: Aws, tmp_path: Path) -> None:
    root = zipped(tmp_path, type="AWS::Lambda::LayerVersion")
    assert sign_functions(root, {"us-west-2": function_signer(aws)})


def test_an_archive_that_no_function_has_as_its_code_is_not_signed(
    aws: Aws, tmp_path: Path
) -> None:
    root = zipped(tmp_path, type="AWS::Lambda::Alias")
    assert sign_functions(root, {"us-west-2": function_signer(aws)}) == []
    assert not aws.jobs


def test_what_is_not_published_any_more_is_not_in_the_artifact(aws: Aws, tmp_path: Path) -> None:
    root = zipped(tmp_path)
    [other] = root.glob("*eu-central-1/*.assets.json")
    other.unlink()
    sign_functions(root, {"us-west-2": function_signer(aws)})
    assert [path.name for path in root.glob("asset.code*")] == ["asset.code.signed-us-west-2.zip"]


def test_code_that_the_team_signed_stays_as_it_is(aws: Aws, tmp_path: Path) -> None:
    root = zipped(tmp_path)
    with zipfile.ZipFile(root / "asset.code.zip", "a") as archive:
        archive.writestr(SIGNATURE, "the team's")
    assert sign_functions(root, {"us-west-2": function_signer(aws)}) == []
    assert source(root, "us-west-2").as_posix() == "asset.code.zip"


def test_functions_of_the_pipelines_own_stack_are_not_signed(aws: Aws, tmp_path: Path) -> None:
    root = zipped(tmp_path)
    [stage] = root.glob("*us-west-2")
    for path in stage.glob("Api*"):
        text = path.read_text().replace('"../asset', '"asset')
        (root / path.name).write_text(text)
        path.unlink()
    assert sign_functions(root, {"us-west-2": function_signer(aws)}) == []


def test_the_seal_is_on_what_was_signed_and_two_builds_give_the_same_manifest(
    aws: Aws, tmp_path: Path
) -> None:
    key = sealing_key()
    manifests = []
    for build in ("one", "two"):
        (tmp_path / build).mkdir()
        root = with_function(tmp_path / build)
        seal(root, PROVENANCE, signer=key, functions={"us-west-2": function_signer(aws)})
        manifests.append((root / MANIFEST).read_bytes())
        stated = read_manifest(manifests[-1])
        name = "asset.code.signed-us-west-2.zip"
        assert stated[name] == digests_of(Folder(root))[name]
    assert manifests[0] == manifests[1]
    assert len(aws.jobs) == 1
