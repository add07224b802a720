"""Deploys a revision to servers by CodeDeploy, as a custom resource of CloudFormation.

A deployment takes longer than a call of a function, so the function calls itself with what it
follows. Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html,
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

Event = dict[str, Any]

_POLL_SECONDS = 15
# What is left of a call when it hands over to the next.
_RESERVE_MS = 60_000
# CloudFormation waits for an hour, and has to be answered before.
_LONGEST_SECONDS = 55 * 60
_ENDED = ("Succeeded", "Failed", "Stopped")
# CloudFormation takes an answer of 4096 bytes.
_LONGEST_REASON = 1_000


def handler(event: Event, context: Any) -> None:
    """Answer CloudFormation."""
    import boto3

    clients = {name: boto3.client(name) for name in ("codedeploy", "lambda")}
    follow(
        event,
        codedeploy=clients["codedeploy"],
        call_again=lambda more: clients["lambda"].invoke(
            FunctionName=context.invoked_function_arn,
            InvocationType="Event",
            Payload=json.dumps(more).encode(),
        ),
        remaining_ms=context.get_remaining_time_in_millis,
        respond=respond,
    )


def follow(
    event: Event,
    *,
    codedeploy: Any,
    call_again: Callable[[Event], object],
    remaining_ms: Callable[[], int],
    respond: Callable[[Event, str | None], None],
    clock: Any = time,
) -> None:
    """Start the deployment, or follow one that was started, and answer when it has ended."""
    try:
        if event["RequestType"] == "Delete":
            problem: str | None = None
        else:
            event.setdefault("Deadline", clock.time() + _LONGEST_SECONDS)
            ended, problem = _until_it_ends(event, codedeploy, remaining_ms, clock)
            if not ended:
                call_again(event)
                return
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    respond(event, problem)


def _until_it_ends(
    event: Event, codedeploy: Any, remaining_ms: Callable[[], int], clock: Any
) -> tuple[bool, str | None]:
    """Return whether it has ended, and what is wrong."""
    properties = event["ResourceProperties"]
    while remaining_ms() > _RESERVE_MS:
        if clock.time() > event["Deadline"]:
            return True, _too_long(event, codedeploy)
        if "DeploymentId" not in event:
            started = _start(properties, codedeploy)
            if started:
                event["DeploymentId"] = started
        else:
            info = codedeploy.get_deployment(deploymentId=event["DeploymentId"])["deploymentInfo"]
            if info["status"] in _ENDED:
                return True, _problem(event["DeploymentId"], info)
        clock.sleep(_POLL_SECONDS)
    return False, None


def _start(properties: Mapping[str, Any], codedeploy: Any) -> str | None:
    """Start the deployment; None while another one of the group runs, like a rollback."""
    try:
        started = codedeploy.create_deployment(
            applicationName=properties["Application"],
            deploymentGroupName=properties["DeploymentGroup"],
            description="Started by CloudFormation",
            revision={
                "revisionType": "S3",
                "s3Location": {
                    "bucket": properties["Bucket"],
                    "key": properties["Key"],
                    "bundleType": "zip",
                },
            },
        )
    except Exception as error:
        # boto3 makes the class of an error when it is asked for; its code is always there.
        response = getattr(error, "response", {})
        if response.get("Error", {}).get("Code") == "DeploymentLimitExceededException":
            return None
        raise
    return str(started["deploymentId"])


def _problem(deployment: str, info: Mapping[str, Any]) -> str | None:
    if info["status"] == "Succeeded":
        return None
    error = info.get("errorInformation", {})
    rolled_back = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
    says = f"deployment {deployment} is {info['status']}: {error.get('code', 'no code')}"
    message = error.get("message", "no reason is given")
    after = f"; rolled back by {rolled_back}" if rolled_back else ""
    return f"{says}, {message}{after}"


def _too_long(event: Event, codedeploy: Any) -> str:
    if "DeploymentId" not in event:
        return "another deployment of the group has not ended for 55 minutes"
    codedeploy.stop_deployment(deploymentId=event["DeploymentId"], autoRollbackEnabled=True)
    return f"deployment {event['DeploymentId']} took longer than 55 minutes and was stopped"


def respond(event: Event, problem: str | None) -> None:
    """Answer CloudFormation at the address that it gave."""
    properties = event.get("ResourceProperties", {})
    group = f"{properties.get('Application')}/{properties.get('DeploymentGroup')}"
    answer = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": (problem or "")[:_LONGEST_REASON],
        # The same for every revision: another one would be deleted as a resource.
        "PhysicalResourceId": event.get("PhysicalResourceId") or group,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    print(json.dumps({"status": answer["Status"], "reason": answer["Reason"]}))
    request = urllib.request.Request(
        event["ResponseURL"],
        data=json.dumps(answer).encode(),
        method="PUT",
        headers={"Content-Type": ""},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
