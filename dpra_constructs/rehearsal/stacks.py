"""Creates a stack on the emulator and waits for it."""

from __future__ import annotations

import time
from typing import Any

from dpra_constructs.errors import RehearsalError

_SECONDS = 120


def create_stack(
    cloudformation: Any, name: str, template: str, parameters: dict[str, str] | None = None
) -> None:
    """Create a stack.

    Raises:
        RehearsalError: it did not become CREATE_COMPLETE.
    """
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in (parameters or {}).items()
        ],
    )
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise RehearsalError(
                f"stack {name} is {stack['StackStatus']}: {stack.get('StackStatusReason', '')}"
            )
        time.sleep(0.1)
    raise RehearsalError(f"stack {name} was not created within {_SECONDS} seconds")
