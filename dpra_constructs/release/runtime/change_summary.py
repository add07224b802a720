"""Shows what a release will change in production, before somebody approves it.

A Lambda invoke action of CodePipeline. It reads the cloud assembly from its input artifact, asks
CloudFormation in every account and region of production by change sets that it deletes, and writes
`changes.md` and `changes.json` to its output artifact. It fails where it can read nothing: what is
not known shall not be approved.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from .change_summary_stacks import (
    AssembledStack,
    Clients,
    StackChanges,
    StoredFile,
    UnreadableError,
    assembled_stacks,
    stack_changes,
)
from .change_summary_text import Counts, Release, data, message, page
from .check_approver import authors_of
from .message import link

# Each waits for CloudFormation most of its time.
_THREADS = 16
_BUFFER_BYTES = 256 * 1024
_LONGEST_FAILURE = 5_000

#: Makes the clients of a stack's account and region.
ClientsOf = Callable[[AssembledStack], Clients]


def summarize(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    s3: Any,
    clients_of: ClientsOf,
    stages: list[str],
    region: str,
    partition: str = "aws",
) -> None:
    """Take one call of CodePipeline, write the summary, and answer.

    Args:
        event: of CodePipeline, with one artifact in and one out.
        codepipeline: a client in the pipeline's region.
        s3: a client with the job's credentials for artifacts.
        clients_of: makes the clients for a stack.
        stages: the ids of the `cdk.Stage`s of production.
        region: the pipeline's.
        partition: that of all accounts.
    """
    job = event["CodePipeline.job"]
    try:
        variables = _write_summary(
            job, s3=s3, clients_of=clients_of, stages=stages, region=region, partition=partition
        )
    except Exception as error:
        said = str(error) if isinstance(error, UnreadableError) else repr(error)
        codepipeline.put_job_failure_result(
            jobId=job["id"],
            failureDetails={
                "type": "JobFailed",
                "message": f"What the release changes is not known: {said}. When that is mended, "
                "retry the stage"[:_LONGEST_FAILURE],
            },
        )
        if not isinstance(error, UnreadableError):
            raise
        return
    codepipeline.put_job_success_result(
        jobId=job["id"],
        executionDetails={"summary": variables["Counts"]},
        outputVariables=variables,
    )


def _write_summary(
    job: dict[str, Any],
    *,
    s3: Any,
    clients_of: ClientsOf,
    stages: list[str],
    region: str,
    partition: str,
) -> dict[str, str]:
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    assembly = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
    output = job["data"]["outputArtifacts"][0]["location"]["s3Location"]
    stored = StoredFile(s3, assembly["bucketName"], assembly["objectKey"])
    with zipfile.ZipFile(io.BufferedReader(stored, _BUFFER_BYTES)) as archive:
        stacks = assembled_stacks(archive, stages, partition)
    changes = all_changes(stacks, clients_of, f"dpra-summary-{given['execution']}")
    release = Release(
        pipeline=given["pipeline"],
        execution=given["execution"],
        commit=given["commit"],
        authors=[str(author) for author in authors_of(given["authors"])],
        link=link(region, given["pipeline"], given["execution"]),
    )
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("changes.md", page(release, changes))
        written.writestr("changes.json", data(release, changes))
    key = job["data"].get("encryptionKey")
    s3.put_object(
        Bucket=output["bucketName"],
        Key=output["objectKey"],
        Body=body.getvalue(),
        **({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["id"]} if key else {}),
    )
    counts = Counts.of(changes)
    return {
        "Added": str(counts.added),
        "Changed": str(counts.changed),
        "Replaced": str(counts.replaced),
        "Deleted": str(counts.removed),
        "Permissions": str(counts.permissions),
        "Warnings": str(counts.warnings),
        "Counts": str(counts),
        "Text": message(release, changes),
        "Link": object_link(region, output["bucketName"], output["objectKey"]),
    }


def all_changes(
    stacks: list[AssembledStack], clients_of: ClientsOf, change_set: str
) -> list[StackChanges]:
    """Return the changes of all stacks, in their order.

    Raises:
        UnreadableError: one or more could not be read; the message names each.
    """
    # Made one after the other: making clients is not safe in threads, using them is.
    work = [(stack, _made(clients_of, stack)) for stack in stacks]
    with ThreadPoolExecutor(_THREADS) as pool:
        read = list(pool.map(lambda each: _one(each[0], each[1], change_set), work))
    problems = [each for each in read if isinstance(each, UnreadableError)]
    if problems:
        raise UnreadableError("; ".join(str(each) for each in problems))
    return [each for each in read if isinstance(each, StackChanges)]


def _made(clients_of: ClientsOf, stack: AssembledStack) -> Clients | UnreadableError:
    try:
        return clients_of(stack)
    except Exception as error:
        return UnreadableError(f"{stack.name} in {stack.account}/{stack.region}: {error}")


def _one(
    stack: AssembledStack, clients: Clients | UnreadableError, change_set: str
) -> StackChanges | UnreadableError:
    if isinstance(clients, UnreadableError):
        return clients
    try:
        return stack_changes(stack, clients, change_set)
    except UnreadableError as error:
        return error
    except Exception as error:
        return UnreadableError(f"{stack.name} in {stack.account}/{stack.region}: {error!r}")


def object_link(region: str, bucket: str, key: str) -> str:
    """Return where the console shows an object of S3.

    >>> object_link("us-west-2", "artifacts", "fruit-api/Changes/0a1b2c3")
    'https://us-west-2.console.aws.amazon.com/s3/object/artifacts?region=us-west-2&prefix=fruit-api/Changes/0a1b2c3'
    """
    console = link(region, "", "").partition("/codesuite/")[0]
    return f"{console}/s3/object/{bucket}?region={region}&prefix={quote(key)}"


def session_policy(stack: AssembledStack) -> str:
    """Return what is left of the deploy role for reading one stack.

    The role may deploy; this session may make, read and delete change sets of the stack.
    """
    partition = stack.deploy_role.split(":")[1]
    own = f"arn:{partition}:cloudformation:{stack.region}:{stack.account}:stack/{stack.name}/*"
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": [
                "cloudformation:CreateChangeSet",
                "cloudformation:DeleteChangeSet",
                "cloudformation:DescribeChangeSet",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
            ],
            "Resource": own,
        }
    ]
    if stack.execution_role:
        statements.append(
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": stack.execution_role}
        )
    if bucket := bucket_of(stack):
        statements.append(
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:{partition}:s3:::{bucket}/*",
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def bucket_of(stack: AssembledStack) -> str:
    """Return the bootstrap's bucket, if the assembly names it."""
    return stack.template_address.removeprefix("s3://").partition("/")[0]


def publishing_role_of(deploy_role: str) -> str:
    """Return the ARN of the bootstrap's role that publishes files, beside that which deploys.

    >>> publishing_role_of("arn:aws:iam::444444444444:role/cdk-x-deploy-role-444444444444-eu")
    'arn:aws:iam::444444444444:role/cdk-x-file-publishing-role-444444444444-eu'
    """
    return deploy_role.replace("-deploy-role-", "-file-publishing-role-")


def handler(event: dict[str, Any], context: Any) -> None:
    """Run in Lambda; `STAGES` is a JSON list of the ids of production's `cdk.Stage`s."""
    import boto3

    job = event["CodePipeline.job"]
    given = job["data"]["artifactCredentials"]
    partition = context.invoked_function_arn.split(":")[1]
    region = os.environ["AWS_REGION"]
    sts = boto3.client("sts")

    def assumed(role: str, stack: AssembledStack, policy: str) -> dict[str, Any]:
        credentials = sts.assume_role(
            RoleArn=role,
            RoleSessionName=f"summarize-changes-{stack.region}"[:64],
            Policy=policy,
        )["Credentials"]
        return {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
            "region_name": stack.region,
        }

    def clients_of(stack: AssembledStack) -> Clients:
        def publish(bucket: str, key: str, body: bytes) -> None:
            policy = {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "s3:PutObject",
                        "Resource": f"arn:{partition}:s3:::{bucket}/{key}",
                    },
                    {
                        "Effect": "Allow",
                        "Action": ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"],
                        "Resource": f"arn:{partition}:kms:{stack.region}:{stack.account}:key/*",
                    },
                ],
            }
            role = publishing_role_of(stack.deploy_role)
            keys = assumed(role, stack, json.dumps(policy, separators=(",", ":")))
            boto3.client("s3", **keys).put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json"
            )

        keys = assumed(stack.deploy_role, stack, session_policy(stack))
        return Clients(cloudformation=boto3.client("cloudformation", **keys), publish=publish)

    summarize(
        event,
        codepipeline=boto3.client("codepipeline"),
        s3=boto3.client(
            "s3",
            aws_access_key_id=given["accessKeyId"],
            aws_secret_access_key=given["secretAccessKey"],
            aws_session_token=given["sessionToken"],
        ),
        clients_of=clients_of,
        stages=json.loads(os.environ["STAGES"]),
        region=region,
        partition=partition,
    )
