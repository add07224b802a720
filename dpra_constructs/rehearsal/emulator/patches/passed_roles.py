"""`iam:PassRole`: a role that is handed to a service must be one that the caller may hand to it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import handlers, helpers

from dpra_constructs.rehearsal.emulator.authorization import (
    CHECKS,
    Check,
    Request,
    trusts_service,
)

# Service: what it is called in a trust policy, and where its calls name a role.
_PASSED = {
    "cloudformation": ("cloudformation.amazonaws.com", "RoleARN"),
    "lambda": ("lambda.amazonaws.com", "Role"),
    "codebuild": ("codebuild.amazonaws.com", "serviceRole"),
    "states": ("states.amazonaws.com", "roleArn"),
}


def passed_role() -> None:
    """Check `iam:PassRole` where a call hands a role to CloudFormation, Lambda or CodeBuild."""
    CHECKS.append(_checks)


def trusting_role() -> None:
    """Refuse a role that CloudFormation cannot assume: missing, or without trust in it."""
    for operation in ("CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack"):
        handlers._ACTION_HANDLERS[operation] = _trusting(handlers._ACTION_HANDLERS[operation])


def _trusting(handle: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    service, name = _PASSED["cloudformation"]

    def handle_trusting(params: dict[str, Any]) -> Any:
        role = helpers._p(params, name)
        if role and not trusts_service(role, service):
            return helpers._error("ValidationError", f"Role {role} is invalid or cannot be assumed")
        return handle(params)

    return handle_trusting


def _checks(request: Request) -> list[Check]:
    if request.service not in _PASSED:
        return []
    service, name = _PASSED[request.service]
    role = request.parameter(name) or request.json().get(name)
    if not isinstance(role, str) or ":role/" not in role:
        return []
    return [Check("iam:PassRole", role, {"iam:PassedToService": service})]
