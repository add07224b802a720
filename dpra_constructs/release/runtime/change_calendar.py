"""Asks change calendars of Systems Manager whether a release may go on.

A LambdaInvoke rule of CodePipeline. Whatever is not said to be open counts as closed.
"""

import json
from typing import Any


def closed(ssm: Any, calendars: list[str]) -> str | None:
    """Return why a release may not go on, or None."""
    answer = ssm.get_calendar_state(CalendarNames=calendars)
    if answer.get("State") == "OPEN":
        return None
    opens = answer.get("NextTransitionTime")
    until = f" until {opens}" if opens else ""
    return f"Change calendar closed{until}: one of {', '.join(calendars)}. Then retry the stage."


def handle(event: dict[str, Any], *, codepipeline: Any, ssm: Any) -> None:
    """Take one call of CodePipeline, and tell it the result."""
    from botocore.exceptions import BotoCoreError, ClientError

    job = event["CodePipeline.job"]
    given = job["data"]["actionConfiguration"]["configuration"]
    try:
        problem = closed(ssm, json.loads(given["UserParameters"])["calendars"])
    except (BotoCoreError, ClientError, KeyError, ValueError) as error:
        problem = f"The change calendar cannot be read, so it counts as closed: {error}"
    if problem is None:
        codepipeline.put_job_success_result(jobId=job["id"])
        return
    print(problem)
    codepipeline.put_job_failure_result(
        jobId=job["id"], failureDetails={"type": "JobFailed", "message": problem[:5000]}
    )


def handler(event: dict[str, Any], context: Any) -> None:
    """Run in Lambda."""
    import boto3

    handle(event, codepipeline=boto3.client("codepipeline"), ssm=boto3.client("ssm"))
