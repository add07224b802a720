"""Creates and updates stacks on the emulator, and waits for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dpra_constructs.errors import RehearsalError

_SECONDS = 120
_POLL_SECONDS = 0.03


def create_stack(
    cloudformation: Any, name: str, template: str, parameters: Mapping[str, str] | None = None
) -> None:
    """Create a stack.

    Raises:
        RehearsalError: it did not become CREATE_COMPLETE; the message has the resource's reason.
    """
    cloudformation.create_stack(**_request(name, template, parameters))
    _wait(cloudformation, name, "CREATE_COMPLETE")


def update_stack(
    cloudformation: Any, name: str, template: str, parameters: Mapping[str, str] | None = None
) -> None:
    """Update a stack.

    Raises:
        RehearsalError: it did not become UPDATE_COMPLETE; the message has the resource's reason.
    """
    cloudformation.update_stack(**_request(name, template, parameters))
    _wait(cloudformation, name, "UPDATE_COMPLETE")


def delete_stack(cloudformation: Any, name: str) -> None:
    """Delete a stack.

    Raises:
        RehearsalError: a resource could not be deleted; the message has its reason.
    """
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    cloudformation.delete_stack(StackName=name)
    # Only its id finds a deleted stack.
    _wait(cloudformation, stack["StackId"], "DELETE_COMPLETE")


def _request(name: str, template: str, parameters: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "StackName": name,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in (parameters or {}).items()
        ],
    }


def _wait(cloudformation: Any, name: str, wanted: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        status = stack["StackStatus"]
        if status == wanted:
            return
        if not status.endswith("_IN_PROGRESS"):
            reason = _first_failure(cloudformation, name) or stack.get("StackStatusReason", "")
            raise RehearsalError(f"stack {stack['StackName']} is {status}: {reason}")
        time.sleep(_POLL_SECONDS)
    raise RehearsalError(f"stack {name} was not {wanted} within {_SECONDS} seconds")


def _first_failure(cloudformation: Any, name: str) -> str | None:
    """Return the resource that failed first in the last operation, and why."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failure = None
    for event in events:
        is_stack = event["PhysicalResourceId"] == event["StackId"]
        if event["ResourceStatus"].endswith("_FAILED") and not is_stack:
            failure = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        if is_stack and event["ResourceStatus"] in (
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        ):
            break
    return failure
