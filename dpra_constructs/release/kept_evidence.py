"""Finds, lists and downloads what an execution has left as evidence."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dpra_constructs.build_actions.kept_reports import EVIDENCE
from dpra_constructs.errors import ReleaseError

_PROJECTS_AT_ONCE = 100
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFile:
    """One object.

    Args:
        path: below the execution's prefix, with forward slashes.
        size: in bytes.
        sha256: of the content, as Amazon S3 has stored it; empty where it stores none.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What an execution has left; the prefix ends with a slash."""

    pipeline: str
    execution: str
    bucket: str
    prefix: str
    files: tuple[EvidenceFile, ...]


def pipeline_of(execution: str, codepipeline: Any) -> str:
    """Return the pipeline that an execution is of.

    Raises:
        ReleaseError: none of the account and region remembers it.
    """
    for name in _pages(codepipeline.list_pipelines, "pipelines"):
        if _execution(name["name"], execution, codepipeline):
            return str(name["name"])
    raise ReleaseError(
        f"no pipeline of this account and region knows the execution {execution}; CodePipeline "
        "forgets executions after a year, so name the pipeline: --pipeline NAME"
    )


def evidence_of(
    execution: str, pipeline: str, *, codepipeline: Any, codebuild: Any, s3: Any
) -> Evidence:
    """Return what an execution has left.

    Raises:
        ReleaseError: there is no such pipeline or execution, or it has left nothing.
        ClientError: AWS refuses a request.
    """
    bucket, _, place = _address(pipeline, codepipeline, codebuild).partition("/")
    prefix = f"{place}/{execution}/"
    with _reading(bucket):
        found = tuple(_files(bucket, prefix, s3))
    if not found:
        raise ReleaseError(_why_none(pipeline, execution, codepipeline))
    return Evidence(
        pipeline=pipeline, execution=execution, bucket=bucket, prefix=prefix, files=found
    )


def download(
    evidence: Evidence, folder: Path, *, s3: Any, on_file: Callable[[EvidenceFile], None]
) -> None:
    """Write each file into a folder, by its path.

    Args:
        evidence: what is downloaded.
        folder: a new or an empty one.
        s3: a client.
        on_file: called before each file.

    Raises:
        ReleaseError: the folder is not empty, or a file is not what Amazon S3 has stored.
        OSError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReleaseError(f"{folder} is not an empty folder; name another one")
    for file in evidence.files:
        on_file(file)
        if ".." in PurePosixPath(file.path).parts or file.path.startswith("/"):
            raise ReleaseError(f"the key {evidence.prefix}{file.path} leads out of {folder}")
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        key = f"{evidence.prefix}{file.path}"
        with _reading(evidence.bucket):
            body = s3.get_object(Bucket=evidence.bucket, Key=key)["Body"]
        sha256 = hashlib.sha256()
        with target.open("wb") as written:
            while chunk := body.read(_CHUNK):
                sha256.update(chunk)
                written.write(chunk)
        if file.sha256 not in ("", sha256.hexdigest()):
            target.unlink()
            raise ReleaseError(
                f"{file.path} has the SHA-256 {sha256.hexdigest()}, and {file.sha256} is stored; "
                "download again"
            )


def _address(pipeline: str, codepipeline: Any, codebuild: Any) -> str:
    """Return bucket and prefix of a pipeline, as its builds are told."""
    unknown = (
        f"there is no pipeline {pipeline} in this account and region; name another one, or its "
        "--region"
    )
    with _said(PipelineNotFoundException=unknown):
        stages = codepipeline.get_pipeline(name=pipeline)["pipeline"]["stages"]
    names = [
        action["configuration"]["ProjectName"]
        for stage in stages
        for action in stage["actions"]
        if "ProjectName" in action.get("configuration", {})
    ]
    if names:
        asked = codebuild.batch_get_projects(names=list(dict.fromkeys(names))[:_PROJECTS_AT_ONCE])
        for project in asked["projects"]:
            for variable in project.get("environment", {}).get("environmentVariables", []):
                if variable["name"] == EVIDENCE:
                    return str(variable["value"])
    raise ReleaseError(
        f"the builds of {pipeline} keep no evidence; deploy it as a DeploymentPipeline of this "
        "version of dpra-constructs"
    )


def _files(bucket: str, prefix: str, s3: Any) -> Iterator[EvidenceFile]:
    for each in _objects(bucket, prefix, s3):
        head = s3.head_object(Bucket=bucket, Key=each["Key"], ChecksumMode="ENABLED")
        yield EvidenceFile(
            path=each["Key"].removeprefix(prefix),
            size=each["Size"],
            sha256=_digits(head.get("ChecksumSHA256", "")),
        )


def _objects(bucket: str, prefix: str, s3: Any) -> Iterator[Mapping[str, Any]]:
    given = {"Bucket": bucket, "Prefix": prefix}
    answer = s3.list_objects_v2(**given)
    yield from answer.get("Contents", [])
    while token := answer.get("NextContinuationToken"):
        answer = s3.list_objects_v2(**given, ContinuationToken=token)
        yield from answer.get("Contents", [])


def _digits(checksum: str) -> str:
    """Return a checksum as digits of 0-9 a-f; of an upload in parts it is not the content's."""
    return "" if "-" in checksum else base64.b64decode(checksum).hex()


def _why_none(pipeline: str, execution: str, codepipeline: Any) -> str:
    found = _execution(pipeline, execution, codepipeline)
    if not found:
        return (
            f"{pipeline} knows no execution {execution}, and has no evidence of it; see those "
            f"that it has: aws codepipeline list-pipeline-executions --pipeline-name {pipeline}"
        )
    if target := found.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId"):
        return (
            f"{execution} is a rollback, which leaves no evidence of its own; the release that it "
            f"brought back is proved by: dpra evidence {target} --pipeline {pipeline}"
        )
    if found["status"] == "InProgress":
        return f"{execution} has no evidence yet; ask again when its builds have ended"
    return f"{execution} has ended as {found['status']} and has left no evidence"


def _execution(pipeline: str, execution: str, codepipeline: Any) -> Mapping[str, Any]:
    """Return an execution, or nothing where the pipeline does not know it."""
    from botocore.exceptions import ClientError

    try:
        found: Mapping[str, Any] = codepipeline.get_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=execution
        )["pipelineExecution"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineExecutionNotFoundException":
            raise
        return {}
    return found


def _pages(operation: Callable[..., Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    answer = operation()
    yield from answer.get(name, [])
    while token := answer.get("nextToken"):
        answer = operation(nextToken=token)
        yield from answer.get(name, [])


def _reading(bucket: str) -> AbstractContextManager[None]:
    denied = (
        f"you may not read the evidence in {bucket}; it takes s3:ListBucket, s3:GetObject and "
        "kms:Decrypt, as pipeline.evidence_bucket.grant_read(role) gives them"
    )
    # What has no body, as the answer to HeadObject, has no other code than the status.
    return _said(
        NoSuchBucket=f"the bucket of evidence {bucket} is not there; somebody has removed it",
        AccessDenied=denied,
        **{"403": denied},
    )


@contextmanager
def _said(**messages: str) -> Iterator[None]:
    """Turn errors of AWS into messages, by their code."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        message = messages.get(error.response["Error"]["Code"])
        if message is None:
            raise
        raise ReleaseError(message) from None
