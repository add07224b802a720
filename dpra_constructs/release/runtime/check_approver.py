"""Fails when a release was approved by somebody who wrote it, or by nobody who can be told apart.

A Lambda invoke action of CodePipeline, after the approval in the same stage.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

_MOST_PAGES = 20
_LONGEST_MESSAGE = 5_000
_TRAILER = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>\s]+)>")
# Of programs, instances and workload identities: they name no person.
_NO_PERSON = re.compile(
    r"(botocore-session|aws-?cli|aws-?sdk|aws-go-sdk|terraform).*|i-[0-9a-f]{8,17}|\d+"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}",
    re.IGNORECASE,
)
_NO_ADDRESS = re.compile(r".*@([\w.-]+\.)?(noreply|no-reply)\..*|(noreply|no-reply)@.*", re.I)


class NotApprovedError(Exception):
    """The release may not go on; the message says why and what to do."""


@dataclass(frozen=True)
class Author:
    """Who wrote a commit, as Git says: nobody has checked it."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>".strip()


def authors_of(encoded: str) -> tuple[Author, ...]:
    """Return the author and the co-authors that the build has read from Git.

    Args:
        encoded: Base64 of a line `name <email>` for each; empty where there was no Git history.

    >>> authors_of("QWRhIDxhZGFAYWNtZS5leGFtcGxlPg==")
    (Author(name='Ada', email='ada@acme.example'),)
    """
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ()
    return tuple(
        dict.fromkeys(
            Author(match["name"].strip(), match["email"].strip())
            for line in text.splitlines()
            if (match := _TRAILER.search(line))
        )
    )


def person_of(arn: str) -> str:
    """Return the name of a person in the ARN of a principal.

    It is that of an IAM user, or the session's of a role: IAM Identity Center puts the user's
    name there.

    >>> person_of("arn:aws:sts::111111111111:assumed-role/Release/ada@acme.example")
    'ada@acme.example'

    Raises:
        NotApprovedError: it names no person.
    """
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    name = rest.rpartition("/")[2]
    if kind not in ("user", "assumed-role", "federated-user") or not name:
        raise NotApprovedError(
            f"the approver {arn or '(unknown)'} is no user and no role's session"
        )
    if kind == "assumed-role" and "/" not in rest:
        raise NotApprovedError(f"the approver {arn} has no session name")
    if _NO_PERSON.fullmatch(name):
        raise NotApprovedError(
            f"the approver {arn} has the session name {name}, which names no person"
        )
    return name


def check(approver: str, authors: tuple[Author, ...]) -> str:
    """Return who approved, if that is none of the authors.

    Args:
        approver: an ARN.
        authors: of the commit.

    Raises:
        NotApprovedError: the approver is, or may be, an author, or one of both cannot be read.
    """
    person = person_of(approver)
    if not authors:
        raise NotApprovedError("the commit's author could not be read from the build")
    for author in authors:
        if _NO_ADDRESS.fullmatch(author.email):
            raise NotApprovedError(
                f"the commit's author {author} has an address that names no person; commit with "
                "the address that people sign in with"
            )
        if _plain(person) in {_plain(author.email), _plain(author.name)}:
            raise NotApprovedError(f"{person} approved, and is an author of the commit: {author}")
    return person


def _plain(name: str) -> str:
    """Return what is compared of a name or address: before the `@`, letters and digits alone."""
    local = name.casefold().partition("@")[0].partition("+")[0]
    return "".join(each for each in local if each.isalnum())


def approver_of(codepipeline: Any, given: dict[str, str]) -> str:
    """Return the ARN of who approved in an execution.

    Raises:
        NotApprovedError: the execution shows no approval.
    """
    more: dict[str, str] = {}
    # Newest first: a repeated approval counts, not the one before.
    for _ in range(_MOST_PAGES):
        page = codepipeline.list_action_executions(
            pipelineName=given["pipeline"],
            filter={"pipelineExecutionId": given["execution"]},
            **more,
        )
        for action in page.get("actionExecutionDetails", []):
            if (action.get("stageName"), action.get("actionName"), action.get("status")) == (
                given["stage"],
                given["action"],
                "Succeeded",
            ):
                return str(action.get("updatedBy", ""))
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    raise NotApprovedError(f"the execution shows no approval by {given['stage']}/{given['action']}")


def check_approver(event: dict[str, Any], *, codepipeline: Any) -> None:
    """Take one call of CodePipeline, and answer it."""
    job = event["CodePipeline.job"]
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    try:
        person = check(approver_of(codepipeline, given), authors_of(given["authors"]))
    except Exception as error:
        said = str(error) if isinstance(error, NotApprovedError) else f"nothing was read: {error!r}"
        codepipeline.put_job_failure_result(
            jobId=job["id"],
            failureDetails={
                "type": "JobFailed",
                "message": f"Not released: {said}. Somebody else approves it: retry all actions "
                f"of the stage {given.get('stage', '')}"[:_LONGEST_MESSAGE],
            },
        )
        if not isinstance(error, NotApprovedError):
            raise
        return
    codepipeline.put_job_success_result(
        jobId=job["id"], executionDetails={"summary": f"Approved by {person}"[:2048]}
    )


def handler(event: dict[str, Any], context: Any) -> None:
    """Run in Lambda."""
    import boto3

    check_approver(event, codepipeline=boto3.client("codepipeline"))
