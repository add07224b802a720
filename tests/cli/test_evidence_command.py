"""`dpra evidence`, against botocore's models."""

import base64
import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from dpra_constructs.cli.commands import dpra
from tests.runtime.service_models import Modelled, client_error

RUN = "8c5f1a52-0000-4000-8000-000000000000"
OTHER = "9d6f1a52-0000-4000-8000-000000000000"
BUCKET = "pipelines-evidence"
PREFIX = f"executions/fruit/{RUN}/"
FILES = {
    "fruit-Build-Seal/integrity/manifest.json": b"{}",
    "fruit-Build-UnitTests/reports/junit.xml": b"<testsuite/>",
    "fruit-Gamma-LoadTest-us-west-2/reports/thresholds.xml": b"<testsuite>....</testsuite>",
}
DENIED = "you may not read the evidence in pipelines-evidence; it takes s3:ListBucket"


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class World:
    """A pipeline of two in the region, and its bucket."""

    objects: dict[str, bytes] = field(
        default_factory=lambda: {f"{PREFIX}{name}": body for name, body in FILES.items()}
    )
    executions: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {RUN: {"status": "Succeeded", "executionType": "STANDARD"}}
    )
    variables: dict[str, str] = field(
        default_factory=lambda: {"DPRA_EVIDENCE": f"{BUCKET}/executions/fruit"}
    )
    errors: dict[str, str] = field(default_factory=dict)
    without_checksums: bool = False
    changed: bytes | None = None
    session: dict[str, Any] = field(default_factory=dict)

    def _fail(self, operation: str) -> None:
        if operation in self.errors:
            raise client_error(self.errors[operation], operation)

    def list_pipelines(self, **given: Any) -> dict[str, Any]:
        if "nextToken" not in given:
            return {"pipelines": [{"name": "other"}], "nextToken": "more"}
        return {"pipelines": [{"name": "fruit"}]}

    def get_pipeline(self, **given: Any) -> dict[str, Any]:
        self._fail("GetPipeline")
        if given["name"] != "fruit":
            raise client_error("PipelineNotFoundException", "GetPipeline")
        kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
        source = {"name": "Source", "actionTypeId": {**kind, "provider": "S3"}}
        build = {
            "name": "UnitTests",
            "actionTypeId": kind,
            "configuration": {"ProjectName": "fruit-Build-UnitTests"},
        }
        stages = [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}]
        return {"pipeline": {"name": "fruit", "roleArn": "arn:aws:iam::1:role/a", "stages": stages}}

    def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
        found = self.executions.get(given["pipelineExecutionId"])
        if given["pipelineName"] != "fruit" or not found:
            raise client_error("PipelineExecutionNotFoundException", "GetPipelineExecution")
        return {"pipelineExecution": found}

    def batch_get_projects(self, **given: Any) -> dict[str, Any]:
        assert given["names"] == ["fruit-Build-UnitTests"]
        variables = [{"name": name, "value": value} for name, value in self.variables.items()]
        environment = {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:8.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "OTHER", "value": "1"}, *variables],
        }
        return {"projects": [{"name": "fruit-Build-UnitTests", "environment": environment}]}

    def list_objects_v2(self, **given: Any) -> dict[str, Any]:
        self._fail("ListObjectsV2")
        assert given["Bucket"] == BUCKET
        keys = sorted(key for key in self.objects if key.startswith(given["Prefix"]))
        # One key a page.
        page = int(given.get("ContinuationToken", "0"))
        answer: dict[str, Any] = {
            "Contents": [
                {"Key": key, "Size": len(self.objects[key]), "LastModified": datetime.now(UTC)}
                for key in keys[page : page + 1]
            ]
        }
        return {**answer, **({"NextContinuationToken": f"{page + 1}"} if keys[page + 1 :] else {})}

    def head_object(self, **given: Any) -> dict[str, Any]:
        self._fail("HeadObject")
        assert given["ChecksumMode"] == "ENABLED"
        sha256 = hashlib.sha256(self.objects[given["Key"]]).digest()
        if self.without_checksums:
            return {"ChecksumSHA256": f"{base64.b64encode(sha256).decode()}-2"}
        return {"ChecksumSHA256": base64.b64encode(sha256).decode()}

    def get_object(self, **given: Any) -> dict[str, Any]:
        self._fail("GetObject")
        return {"Body": io.BytesIO(self.changed or self.objects[given["Key"]])}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(world: World, *arguments: str) -> Result:
        class Session:
            def __init__(self, **given: Any) -> None:
                world.session.update(given)

            def client(self, name: str) -> Modelled:
                return Modelled(name, world)

        monkeypatch.setattr(boto3, "Session", Session)
        return CliRunner().invoke(dpra, ["evidence", *arguments])

    return call


def test_each_file_has_its_digest_its_size_and_its_path(run: Any) -> None:
    world = World()
    result = run(world, RUN, "--pipeline", "fruit", "--region", "us-west-2", "--profile", "tools")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"fruit, execution {RUN}: 3 files in s3://{BUCKET}/{PREFIX}",
        *(f"{digits(body)}  {len(body):>2}  {name}" for name, body in FILES.items()),
    ]
    assert world.session == {"region_name": "us-west-2", "profile_name": "tools"}


def test_json_has_the_same(run: Any) -> None:
    shown = json.loads(run(World(), RUN, "--json").output)
    files = shown.pop("files")
    assert shown == {"pipeline": "fruit", "execution": RUN, "bucket": BUCKET, "prefix": PREFIX}
    assert files == [
        {"path": name, "size": len(body), "sha256": digits(body)} for name, body in FILES.items()
    ]


def test_the_pipeline_is_found_among_those_of_the_region(run: Any) -> None:
    result = run(World(), RUN)
    assert result.exit_code == 0
    assert result.output.startswith(f"fruit, execution {RUN}: 3 files")


def test_what_has_no_digest_of_its_content_is_listed_without(run: Any) -> None:
    result = run(World(without_checksums=True), RUN)
    assert [line.split()[0] for line in result.output.splitlines()[1:]] == ["-", "-", "-"]


def test_files_are_downloaded_by_their_paths(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    assert run(World(), RUN, "--download", str(folder)).exit_code == 0
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == FILES


def test_a_file_that_is_not_what_is_stored_is_refused(run: Any, tmp_path: Path) -> None:
    result = run(World(changed=b"other"), RUN, "--download", str(tmp_path))
    assert result.exit_code == 1
    assert "integrity/manifest.json has the SHA-256 " in result.output
    assert "download again" in result.output
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_key_that_leads_out_of_the_folder_is_refused(run: Any, tmp_path: Path) -> None:
    world = World(objects={f"{PREFIX}fruit-Build-Unit/../../../out": b"out"})
    result = run(world, RUN, "--download", str(tmp_path / "a" / "b"))
    assert result.exit_code == 1
    assert "leads out of" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["file", "full"])
def test_only_a_new_or_empty_folder_is_written_to(run: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    result = run(World(), RUN, "--download", str(tmp_path / name))
    assert result.exit_code == {"file": 2, "full": 1}[name]
    if name == "full":
        assert "is not an empty folder; name another one" in result.output
        assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


PROBLEMS: dict[str, tuple[World, list[str], str]] = {
    "no pipeline knows it": (
        World(executions={}),
        [],
        f"no pipeline of this account and region knows the execution {RUN}; CodePipeline forgets "
        "executions after a year, so name the pipeline: --pipeline NAME",
    ),
    "there is no such pipeline": (
        World(),
        ["--pipeline", "apple"],
        "there is no pipeline apple in this account and region; name another one, or its --region",
    ),
    "the pipeline does not know it": (
        World(objects={}, executions={}),
        ["--pipeline", "fruit"],
        f"fruit knows no execution {RUN}, and has no evidence of it; see those that it has: aws "
        "codepipeline list-pipeline-executions --pipeline-name fruit",
    ),
    "it is a rollback": (
        World(
            objects={},
            executions={
                RUN: {
                    "status": "Succeeded",
                    "executionType": "ROLLBACK",
                    "rollbackMetadata": {"rollbackTargetPipelineExecutionId": OTHER},
                }
            },
        ),
        [],
        f"{RUN} is a rollback, which leaves no evidence of its own; the release that it brought "
        f"back is proved by: dpra evidence {OTHER} --pipeline fruit",
    ),
    "it has just begun": (
        World(objects={}, executions={RUN: {"status": "InProgress"}}),
        [],
        f"{RUN} has no evidence yet; ask again when its builds have ended",
    ),
    "it has left nothing": (
        World(objects={}, executions={RUN: {"status": "Failed"}}),
        [],
        f"{RUN} has ended as Failed and has left no evidence",
    ),
    "the pipeline is not of this library": (
        World(variables={}),
        [],
        "the builds of fruit keep no evidence; deploy it as a DeploymentPipeline of this version "
        "of dpra-constructs",
    ),
    "the bucket is gone": (
        World(errors={"ListObjectsV2": "NoSuchBucket"}),
        [],
        f"the bucket of evidence {BUCKET} is not there; somebody has removed it",
    ),
    "the list is refused": (World(errors={"ListObjectsV2": "AccessDenied"}), [], DENIED),
    "a file is refused": (World(errors={"HeadObject": "403"}), [], DENIED),
    "CodePipeline refuses": (
        World(errors={"GetPipeline": "AccessDeniedException"}),
        [],
        "AccessDeniedException happened",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_cannot_be_shown_is_said(run: Any, case: str) -> None:
    world, arguments, message = PROBLEMS[case]
    result = run(world, RUN, *arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output


@pytest.mark.parametrize("given", ["fruit", RUN.upper(), f"{RUN}/"])
def test_what_is_no_id_is_refused(run: Any, given: str) -> None:
    result = run(World(), given)
    assert result.exit_code == 2
    assert f"EXECUTION={given!r} is no id of a pipeline execution" in result.output
