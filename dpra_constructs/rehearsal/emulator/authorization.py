"""Asks MiniStack's IAM evaluator: for the services' own calls, and for what has no call.

A call that the emulator has is checked by MiniStack on its action and resource. What a call needs
beyond that is in `CHECKS`; a permission that no call of the emulator needs, such as the use of
a connection, is asked for by `is_allowed`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ministack.app as app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import iam, s3

_BUCKET = "arn:aws:s3:::"


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it reaches a service: `account` and `region` are the caller's."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    parameters: dict[str, Any]
    region: str
    account: str

    @property
    def operation(self) -> str:
        """The operation, of a service that names it in a header."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    def parameter(self, name: str) -> str:
        """A parameter of a call that is sent as a form; empty when it has none."""
        value = self.parameters.get(name) or [""]
        return str(value[0] if isinstance(value, list) else value)

    def json(self) -> dict[str, Any]:
        """The body of a call that is sent as JSON; empty when it is not."""
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


@dataclass(frozen=True, slots=True)
class Check:
    """A permission that a call needs: its action, its resource and further condition keys."""

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)


#: What calls need besides their own action on their own resource.
CHECKS: list[Callable[[Request], list[Check]]] = []


def enforce_checks() -> None:
    """Make every service refuse a call of which one of `CHECKS` is not allowed."""
    for service, handler in app.SERVICE_HANDLERS.items():
        app.SERVICE_HANDLERS[service] = _checked(service, handler)


def _checked(service: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        parameters = app._routing_params(method, path, headers, body, query)
        request = Request(
            service, method, path, headers, body, parameters, get_region(), get_account_id()
        )
        for find in CHECKS:
            for check in find(request):
                denied = _denial(
                    extract_access_key_id(headers, query),
                    check.action,
                    check.resource,
                    check.context,
                    request.region,
                )
                if denied:
                    return iam_actions.access_denied_response(
                        service,
                        check.action,
                        denied.principal_arn,
                        "",
                        headers=headers,
                        resource_arn=check.resource,
                        explicit_deny=denied.decision == "Deny",
                    )
        return await handler(method, path, headers, body, query)

    return handle


def refusal(
    access_key: str, action: str, resource: str, context: Mapping[str, str], region: str
) -> str | None:
    """Return why the owner of an access key, or of no key, may not do something; None if allowed.

    Args:
        access_key: an access key id of this request.
        action: for example `kms:Decrypt`.
        resource: its ARN.
        context: further condition keys and their values.
        region: where it is done.
    """
    denied = _denial(access_key, action, resource, context, region)
    if not denied:
        return None
    message: str = iam_actions.identity_denial_message(
        action, denied.principal_arn, resource, denied.decision == "Deny"
    )
    return message


def _denial(
    access_key: str, action: str, resource: str, context: Mapping[str, str], region: str
) -> Any:
    denied = iam_evaluator.enforce(
        access_key, action, action.partition(":")[0], region, resource, dict(context)
    )
    if isinstance(denied, iam_evaluator.AuthError):
        return iam_evaluator.EvalResult("ImplicitDeny", "anonymous", "", denied.message)
    return denied


def is_allowed(
    principal_arn: str,
    action: str,
    resource: str = "*",
    context: Mapping[str, str] | None = None,
    region: str = "us-east-1",
) -> bool:
    """Whether a role may do something, by its policies and those of the resource.

    Args:
        principal_arn: of a role, or of a session of it; an account's root may do all.
        action: for example `codeconnections:UseConnection`.
        resource: its ARN, or `*` for an action that has no resource.
        context: further condition keys and their values.
        region: where it is done.
    """
    return decision(principal_arn, action, resource, context, region) == "Allow"


def decision(
    principal_arn: str,
    action: str,
    resource: str = "*",
    context: Mapping[str, str] | None = None,
    region: str = "us-east-1",
) -> str:
    """Return `Allow`, `Deny` (a statement forbids it) or `ImplicitDeny` (none allows it)."""
    _, _, _, _, account, principal = principal_arn.split(":", 5)
    if principal == "root":
        return "Allow"
    session = principal.startswith("assumed-role/")
    role = principal.split("/")[1] if session else principal.rpartition("/")[2]
    with request_scope(account, region):
        policies = iam_evaluator._gather_role_policies(role, account)
        limits = iam_evaluator._permissions_boundary(iam._roles, role, account)
        tags = (iam._roles.get(role) or {}).get("Tags") or []
        evaluated = iam_evaluator.EvalContext(
            principal_arn=principal_arn
            if session
            else f"arn:aws:sts::{account}:assumed-role/{role}/rehearsal",
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=region,
            service_context={name.lower(): value for name, value in (context or {}).items()},
            principal_keys={f"aws:principaltag/{t['Key'].lower()}": t["Value"] for t in tags},
        )
        result = iam_evaluator.evaluate(evaluated, policies, *limits)
    service = action.partition(":")[0]
    with request_scope(_owner(resource) or account, region):
        found = iam_evaluator._resource_policy(service, resource)
    if found:
        result = iam_evaluator.combine_resource_policy(
            result,
            evaluated,
            found[0],
            found[1],
            required=service in iam_evaluator._POLICY_REQUIRED,
            limits=tuple(limits),
        )
    return str(result.decision)


def trusts_service(role_arn: str, service: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether a role lets a service assume it.

    MiniStack lets the root of an account assume any role that trusts a service, so whoever
    plays a service asks this first.

    Args:
        role_arn: of the role.
        service: for example `codebuild.amazonaws.com`.
        context: further condition keys, such as `aws:SourceAccount`.
    """
    account = role_arn.split(":")[4]
    role = iam._roles.get_scoped(account, None, role_arn.rpartition("/")[2])
    if not role:
        return False
    document = role.get("AssumeRolePolicyDocument") or {}
    if isinstance(document, str):
        document = json.loads(document)
    statements = document.get("Statement", [])
    evaluated = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context={name.lower(): value for name, value in (context or {}).items()},
    )
    effects = {
        statement["Effect"]
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if _is_for_service(statement, service, evaluated)
    }
    return effects == {"Allow"}


def _is_for_service(statement: dict[str, Any], service: str, evaluated: Any) -> bool:
    actions = statement.get("Action", [])
    return (
        iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        and iam_evaluator._action_matches(
            "sts:AssumeRole", [actions] if isinstance(actions, str) else actions, []
        )
        and iam_evaluator._conditions_met(statement.get("Condition") or {}, evaluated)
    )


def _owner(resource: str) -> str | None:
    if resource.startswith(_BUCKET):
        owner: str | None = s3._bucket_owner_account(resource[len(_BUCKET) :].partition("/")[0])
        return owner
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else None
