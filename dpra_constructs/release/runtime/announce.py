"""Tells people that a wave begins, when its window or calendar has let it in.

A Lambda invoke action of CodePipeline.
"""

import json
import os
from typing import Any

from .execution_facts import Facts, facts_if_known
from .message import Message, tell


def announce(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    sns: Any,
    topic_arn: str,
    region: str,
    to_chat: bool = False,
) -> None:
    """Take one call of CodePipeline, tell people, and tell CodePipeline that it is done."""
    job = event["CodePipeline.job"]
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    pipeline, wave, execution = given["pipeline"], given["wave"], given["execution"]
    try:
        facts = facts_if_known(codepipeline, pipeline, execution, wave) or Facts()
        message = Message(
            pipeline=pipeline,
            account=job["accountId"],
            region=region,
            title=f"{wave} begins",
            execution=execution,
            commits=facts.commits,
            author=facts.author,
        )
        tell(sns, topic_arn, message, to_chat=to_chat)
    except Exception as error:
        # CodePipeline waits for a function that ends without a result.
        codepipeline.put_job_failure_result(
            jobId=job["id"],
            failureDetails={"type": "JobFailed", "message": f"Nobody was told: {error!r}"[:5000]},
        )
        raise
    codepipeline.put_job_success_result(jobId=job["id"])


def handler(event: dict[str, Any], context: Any) -> None:
    """Run in Lambda; `TOPIC_ARN` says who is told."""
    import boto3

    announce(
        event,
        codepipeline=boto3.client("codepipeline"),
        sns=boto3.client("sns"),
        topic_arn=os.environ["TOPIC_ARN"],
        region=os.environ["AWS_REGION"],
        to_chat=bool(os.environ.get("TO_CHAT")),
    )
