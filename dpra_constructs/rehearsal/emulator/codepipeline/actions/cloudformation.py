"""CloudFormation: change sets and stacks, from a template in an artifact.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.emulator.codepipeline import artifacts
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actors import endpoint, require_trust
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.variables import resolve

# CloudFormation takes no longer template in a request.
_BODY_BYTES = 51_200
_POLL_SECONDS = 0.1
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_PRINCIPAL = "cloudformation.amazonaws.com"


def _run(context: ActionContext) -> Result:
    return _MODES[context.configuration["ActionMode"]](context)


def _replace_change_set(context: ActionContext) -> Result:
    name, stack = context.configuration["ChangeSetName"], context.configuration["StackName"]
    cloudformation = context.actor.client("cloudformation")
    status = _status(cloudformation, stack)
    if status:
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    is_new = status in ("", "REVIEW_IN_PROGRESS")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="CREATE" if is_new else "UPDATE",
        **_request(context),
    )
    change_set = _wait(
        lambda: cloudformation.describe_change_set(StackName=stack, ChangeSetName=name),
        lambda given: given["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"),
    )
    reason = change_set.get("StatusReason", "")
    if change_set["Status"] == "FAILED" and not _is_empty(reason):
        raise ActionFailedError("JobFailed", f"the change set {name} of {stack} failed: {reason}")
    changes = change_set.get("Changes", [])
    for change in changes:
        each = change["ResourceChange"]
        context.note(f"{each['Action']} {each['LogicalResourceId']} ({each['ResourceType']})")
    return Result(
        summary=f"Change set {name} was created with {len(changes)} changes.",
        external_id=change_set.get("ChangeSetId", ""),
    )


def _execute_change_set(context: ActionContext) -> Result:
    name, stack = context.configuration["ChangeSetName"], context.configuration["StackName"]
    cloudformation = context.actor.client("cloudformation")
    change_set = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    if change_set["Status"] == "FAILED" and _is_empty(change_set.get("StatusReason", "")):
        return _outputs(context, cloudformation, "The change set has no changes.")
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    return _result(context, cloudformation, f"Change set {name} was executed.")


def _create_or_update(context: ActionContext) -> Result:
    stack = context.configuration["StackName"]
    cloudformation = context.actor.client("cloudformation")
    request = {"StackName": stack, **_request(context)}
    if _status(cloudformation, stack) in ("", "REVIEW_IN_PROGRESS"):
        cloudformation.create_stack(**request)
        return _result(context, cloudformation, "The stack was created.")
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if not _is_empty(str(error)):
            raise
        return _outputs(context, cloudformation, "The stack has no changes.")
    return _result(context, cloudformation, "The stack was updated.")


def _delete(context: ActionContext) -> Result:
    stack = context.configuration["StackName"]
    cloudformation = context.actor.client("cloudformation")
    if not _status(cloudformation, stack):
        return Result(summary=f"There is no stack {stack}.")
    role = context.configuration.get("RoleArn")
    _check_role(context, role)
    # By its id a deleted stack can still be read.
    stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack, **({"RoleARN": role} if role else {}))
    status = _wait(
        lambda: _status(cloudformation, stack_id), lambda given: given.endswith("_IN_PROGRESS")
    )
    if status not in ("", "DELETE_COMPLETE"):
        raise _stack_failure(cloudformation, stack_id, stack, status)
    return Result(summary="The stack was deleted.")


_MODES: Mapping[str, Callable[[ActionContext], Result]] = {
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CHANGE_SET_EXECUTE": _execute_change_set,
    "CREATE_UPDATE": _create_or_update,
    "DELETE_ONLY": _delete,
}
_NEEDED = {
    "CHANGE_SET_REPLACE": ("StackName", "ChangeSetName", "TemplatePath", "RoleArn"),
    "CHANGE_SET_EXECUTE": ("StackName", "ChangeSetName"),
    "CREATE_UPDATE": ("StackName", "TemplatePath", "RoleArn"),
    "DELETE_ONLY": ("StackName", "RoleArn"),
}


def _request(context: ActionContext) -> dict[str, Any]:
    """Return what creating a stack and a change set have in common."""
    configuration = context.configuration
    _check_role(context, configuration["RoleArn"])
    settings: dict[str, Any] = {}
    if path := configuration.get("TemplateConfiguration"):
        settings = json.loads(context.read_file(path))
    parameters = settings.get("Parameters", {}) | _overrides(context)
    request: dict[str, Any] = {
        "RoleARN": configuration["RoleArn"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in settings.get("Tags", {}).items()],
    }
    if capabilities := configuration.get("Capabilities"):
        request["Capabilities"] = [each.strip() for each in capabilities.split(",")]
    body = context.read_file(configuration["TemplatePath"])
    if len(body) <= _BODY_BYTES:
        return request | {"TemplateBody": body.decode()}
    # The service's own way for long templates is not documented: a place in the artifact store.
    artifact = artifacts.new_artifact(context.pipeline, "template", context.action.region)
    artifacts.put(context.actor, context.pipeline, artifact, context.action.region, body)
    bucket = artifact.buckets[context.action.region]
    return request | {"TemplateURL": f"{endpoint()}/{bucket}/{artifact.key}"}


def _overrides(context: ActionContext) -> dict[str, Any]:
    values = json.loads(context.configuration.get("ParameterOverrides", "{}"))
    return {key: _override(context, value) for key, value in values.items()}


def _override(context: ActionContext, value: Any) -> str:
    match value:
        case {"Fn::GetParam": [name, path, key]}:
            return str(json.loads(context.read_file(f"{name}::{path}"))[key])
        case {"Fn::GetArtifactAtt": [name, attribute]}:
            artifact = context.inputs[name]
            bucket = artifact.buckets[context.action.region]
            return {"BucketName": bucket, "ObjectKey": artifact.key}[attribute]
        case str():
            return resolve(value, {})
        case _:
            raise ActionFailedError("ConfigurationError", f"a parameter override is {value!r}")


def _check_role(context: ActionContext, role: str | None) -> None:
    """Check that the role is CloudFormation's; that it may be passed is checked by the call."""
    if role:
        require_trust(_PRINCIPAL, role)


def _status(cloudformation: Any, stack: str) -> str:
    """Return a stack's status, empty when there is none."""
    try:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise
    return str(found["StackStatus"])


def _wait(look: Callable[[], Any], goes_on: Callable[[Any], bool]) -> Any:
    # Real work of the emulator, so the clock's scale is not for it.
    pause = threading.Event()
    while goes_on(found := look()):
        pause.wait(_POLL_SECONDS)
    return found


def _is_empty(reason: str) -> bool:
    return any(text in reason for text in _NO_CHANGES)


def _result(context: ActionContext, cloudformation: Any, summary: str) -> Result:
    stack = context.configuration["StackName"]
    status = _wait(
        lambda: _status(cloudformation, stack), lambda given: given.endswith("_IN_PROGRESS")
    )
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise _stack_failure(cloudformation, stack, stack, status)
    return _outputs(context, cloudformation, summary)


def _outputs(context: ActionContext, cloudformation: Any, summary: str) -> Result:
    """Return the stack's outputs; where nothing changed, whatever its last operation came to."""
    stack = context.configuration["StackName"]
    [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    for key, value in outputs.items():
        context.note(f"{key} = {value}")
    if path := context.configuration.get("OutputFileName"):
        for name in context.action.outputs:
            context.write(name, artifacts.one_file(path, json.dumps(outputs).encode()))
    return Result(summary=summary, external_id=found["StackId"], variables=outputs)


def _stack_failure(
    cloudformation: Any, stack_id: str, stack: str, status: str
) -> ActionFailedError:
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
    ]
    message = "; ".join([f"stack {stack} is {status}", *reasons[:5]])
    return ActionFailedError("JobFailed", message)


def _check(action: Action) -> Iterable[str]:
    mode = action.configuration.get("ActionMode", "")
    if mode not in _MODES:
        yield f"the ActionMode {mode}"
        return
    for key in _NEEDED[mode]:
        if key not in action.configuration:
            yield f"that its configuration has no {key}"


CLOUDFORMATION = ActionType(
    run=_run,
    keys=frozenset(
        {
            *("ActionMode", "StackName", "Capabilities", "ChangeSetName", "RoleArn"),
            *("TemplatePath", "TemplateConfiguration", "ParameterOverrides", "OutputFileName"),
        }
    ),
    check=_check,
)
