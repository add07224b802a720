"""What CloudFormation does with a template."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudformation, lambda_svc
from ministack.services.cloudformation import changesets, custom_resource, handlers, provisioners

# CloudFormation waits for an hour; what runs on this machine answers at once or never.
_ANSWER_SECONDS = 120


def regional_names() -> None:
    """Put the region into generated names, as the same stack in two regions shared its roles."""
    physical_name = provisioners._physical_name

    def regional(stack_name: str, logical_id: str, *args: Any, **kwargs: Any) -> str:
        name: str = physical_name(stack_name, logical_id, *args, **kwargs)
        suffix = hashlib.sha256(f"{get_region()}|{name}".encode()).hexdigest()[:12]
        return name[:-12] + (suffix if name.islower() else suffix.upper())

    provisioners._physical_name = regional


def secret_reference() -> None:
    """Let `Ref` of a secret be its ARN; it was its name."""
    secret: Any = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = (secret[each] for each in ("create", "update", "delete"))

    def create_secret(*given: Any, **more: Any) -> Any:
        return _by_arn(create(*given, **more))

    def update_secret(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        return _by_arn(update(_secret_name(physical_id), old, new, stack_name, logical_id))

    def delete_secret(physical_id: str, properties: dict[str, Any]) -> None:
        delete(_secret_name(physical_id), properties)

    secret.update(create=create_secret, update=update_secret, delete=delete_secret)


def _by_arn(made: tuple[str, dict[str, str]]) -> tuple[str, dict[str, str]]:
    return made[1]["Arn"], made[1]


def _secret_name(arn: str) -> str:
    """Return the name in a secret's ARN, which six characters follow."""
    return arn.partition(":secret:")[2].rpartition("-")[0] or arn


def changed_outputs() -> None:
    """Let a change set with other outputs alone be executed; it was one without changes."""
    actions: Any = handlers._ACTION_HANDLERS
    create = actions["CreateChangeSet"]

    def create_change_set(params: dict[str, Any]) -> Any:
        answer = create(params)
        given = (handlers._p(params, each) for each in ("ChangeSetName", "StackName"))
        _, found = changesets._find_change_set(*given)
        if found and found["StatusReason"].startswith("The submitted information didn't contain"):
            stack = cloudformation._stacks[found["StackName"]]
            if found["_template"].get("Outputs") != stack["_template"].get("Outputs"):
                found.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
        return answer

    actions["CreateChangeSet"] = create_change_set


def custom_resource_crash() -> None:
    """Fail a custom resource whose function fails, instead of waiting an hour for its answer."""
    register = custom_resource.register_token
    execute: Any = lambda_svc._execute_function_with_config_scope
    # A custom resource is provisioned in a thread of its own, which registers a token, executes
    # the function, and then waits.
    pending = threading.local()

    def register_token(token: str) -> threading.Event:
        pending.token = token
        register(token)
        answer = custom_resource._pending[token]["event"] = _Answer()
        return answer

    def execute_function(func: dict[Any, Any], event: dict[Any, Any]) -> dict[Any, Any]:
        token, pending.token = getattr(pending, "token", None), None
        if token is None:
            unwatched: dict[Any, Any] = execute(func, event)
            return unwatched
        try:
            result: dict[Any, Any] = execute(func, event)
        except Exception as error:
            _fail(token, func, str(error))
            raise
        if isinstance(result, dict) and result.get("error"):
            _fail(token, func, str((result.get("body") or {}).get("errorMessage")))
        return result

    custom_resource.register_token = register_token
    lambda_svc._execute_function_with_config_scope = execute_function


class _Answer(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(min(timeout or _ANSWER_SECONDS, _ANSWER_SECONDS))


def _fail(token: str, func: dict[Any, Any], why: str) -> None:
    if not custom_resource._pending[token]["event"].is_set():
        name = (func.get("config") or func).get("FunctionName")
        custom_resource.deliver_response(
            token, {"Status": "FAILED", "Reason": f"function {name} gave no answer: {why}"}
        )
