"""Source actions: a git repository on this machine stands for the one that is named.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.state import Revision
from dpra_constructs.rehearsal.settings import GitSource

_SECONDS = 300
_FULL_CLONE = "CODEBUILD_CLONE_REF"


@dataclass(frozen=True, kw_only=True, slots=True)
class CloneReference:
    """What a full clone's artifact holds: where a build clones from, and with which permission."""

    repository: str
    commit: str
    branch: str
    url: str
    permission: str
    resource: str

    def write(self) -> bytes:
        """Return the artifact's content."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()


def clone_reference(body: bytes) -> CloneReference | None:
    """Read an artifact's content; a zip file is none."""
    return CloneReference(**json.loads(body)) if body.startswith(b"{") else None


def clone(reference: CloneReference, folder: Path) -> None:
    """Clone a repository with its history, at a commit, as CodeBuild does it."""
    _git("clone", "--quiet", "--no-checkout", reference.repository, str(folder))
    _git("-C", str(folder), "checkout", "--quiet", "--detach", reference.commit)
    _git("-C", str(folder), "remote", "set-url", "origin", reference.url)


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode("utf-8", "replace").strip()


def _git_bytes(*arguments: str) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise ActionFailedError("RevisionUnavailable", f"git {arguments[0]}: {message}")
    return done.stdout


def _stand_in(context: ActionContext, name: str) -> GitSource:
    source = context.settings.sources.get(name)
    if source is None:
        known = ", ".join(sorted(context.settings.sources)) or "none"
        raise ActionFailedError(
            "ConfigurationError",
            f"the rehearsal was given no repository for {name}; it has: {known}",
        )
    return source


def _commit(context: ActionContext, source: GitSource, branch: str) -> str:
    wanted = context.execution.wanted.get(context.action.name)
    if wanted:
        return _git("-C", source.repository, "rev-parse", "--verify", f"{wanted}^{{commit}}")
    # The stand-in may keep the trunk under a name of its own.
    for name in dict.fromkeys([branch, source.branch]):
        reference = f"refs/heads/{name}"
        done = subprocess.run(
            ["git", "-C", source.repository, "rev-parse", "--verify", "--quiet", reference],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout.strip()
    raise ActionFailedError("ConfigurationError", f"no branch {branch} found")


def _take(context: ActionContext, name: str, url: str, permission: str, resource: str) -> Result:
    configuration = context.configuration
    source = _stand_in(context, name)
    branch = configuration.get("BranchName", source.branch)
    commit = _commit(context, source, branch)
    message, author_date, committer_date = _git(
        "-C", source.repository, "show", "-s", "--format=%B%x00%aI%x00%cI", commit
    ).split("\0")
    message = message.strip()
    if configuration.get("OutputArtifactFormat") == _FULL_CLONE:
        body = CloneReference(
            repository=source.repository,
            commit=commit,
            branch=branch,
            url=url,
            permission=permission,
            resource=resource,
        ).write()
    else:
        body = _git_bytes("-C", source.repository, "archive", "--format=zip", commit)
    [output] = context.action.outputs
    context.write(output, body)
    context.note(f"{name} {branch} {commit}: {message.splitlines()[0] if message else ''}")
    return Result(
        summary=message,
        external_id=commit,
        variables={
            "AuthorDate": author_date,
            "BranchName": branch,
            "CommitId": commit,
            "CommitMessage": message,
            "CommitterDate": committer_date,
        },
        revision=Revision(
            action=context.action.name, id=commit, summary=message, artifact=output, url=url
        ),
    )


def _connection(context: ActionContext) -> Result:
    configuration = context.configuration
    connection = configuration["ConnectionArn"]
    repository = configuration["FullRepositoryId"]
    permission = f"{connection.split(':')[2]}:UseConnection"
    context.actor.require(permission, connection)
    result = _take(
        context, repository, f"https://github.com/{repository}.git", permission, connection
    )
    variables = {
        "AuthorDate": result.variables["AuthorDate"],
        "BranchName": result.variables["BranchName"],
        "CommitId": result.variables["CommitId"],
        "CommitMessage": result.variables["CommitMessage"],
        "ConnectionArn": connection,
        "FullRepositoryName": repository,
    }
    return Result(
        summary=json.dumps({"ProviderType": "GitHub", "CommitMessage": result.summary}),
        external_id=result.external_id,
        variables=variables,
        revision=result.revision,
    )


_CODECOMMIT = ("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus")


def _codecommit(context: ActionContext) -> Result:
    name = context.configuration["RepositoryName"]
    arn = f"arn:aws:codecommit:{context.action.region}:{context.actor.account}:{name}"
    for permission in _CODECOMMIT:
        context.actor.require(f"codecommit:{permission}", arn)
    url = f"https://git-codecommit.{context.action.region}.amazonaws.com/v1/repos/{name}"
    result = _take(context, name, url, "codecommit:GitPull", arn)
    return Result(
        summary=result.summary,
        external_id=result.external_id,
        variables={**result.variables, "RepositoryName": name},
        revision=result.revision,
    )


def _s3(context: ActionContext) -> Result:
    configuration = context.configuration
    bucket, key = configuration["S3Bucket"], configuration["S3ObjectKey"]
    [output] = context.action.outputs
    s3 = context.actor.client("s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ActionFailedError(
            "ConfigurationError", f"the bucket {bucket} of a source has to be versioned"
        )
    wanted = context.execution.wanted.get(context.action.name)
    version = {"VersionId": wanted} if wanted else {}
    answer = s3.get_object(Bucket=bucket, Key=key, **version)
    source = context.settings.sources.get(bucket)
    if source:
        commit = _commit(context, source, source.branch)
        body = _git_bytes("-C", source.repository, "archive", "--format=zip", commit)
    else:
        body = answer["Body"].read()
    context.write(output, body)
    version_id, etag = answer.get("VersionId", ""), answer["ETag"]
    summary = f"Amazon S3 version id: {version_id}"
    return Result(
        summary=summary,
        external_id=version_id,
        variables={"BucketName": bucket, "ETag": etag, "ObjectKey": key, "VersionId": version_id},
        revision=Revision(
            action=context.action.name, id=version_id, summary=summary, artifact=output
        ),
    )


CONNECTION = ActionType(
    run=_connection,
    keys=frozenset(
        {
            *("ConnectionArn", "FullRepositoryId", "BranchName", "OutputArtifactFormat"),
            "DetectChanges",
        }
    ),
    required=frozenset({"ConnectionArn", "FullRepositoryId", "BranchName"}),
)
CODECOMMIT = ActionType(
    run=_codecommit,
    keys=frozenset(
        {"RepositoryName", "BranchName", "PollForSourceChanges", "OutputArtifactFormat"}
    ),
    required=frozenset({"RepositoryName", "BranchName"}),
)
S3 = ActionType(
    run=_s3,
    keys=frozenset({"S3Bucket", "S3ObjectKey", "PollForSourceChanges"}),
    required=frozenset({"S3Bucket", "S3ObjectKey"}),
)
