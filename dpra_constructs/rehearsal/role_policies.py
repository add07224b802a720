"""Reads the policies of a role, and takes a permission away for a while to see what needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from dpra_constructs.errors import RehearsalError

_INLINE = "rehearsal-denies"


def allowed_actions(iam: Any, role: str) -> dict[str, list[Any]]:
    """Return the actions that a role's inline and attached policies allow, with their resources."""
    found: dict[str, list[Any]] = {}
    for document in role_documents(iam, role):
        for statement in _listed(document["Statement"]):
            if statement["Effect"] != "Allow":
                continue
            for action in _listed(statement.get("Action", [])):
                found.setdefault(action, []).extend(_listed(statement.get("Resource", [])))
    return found


@contextmanager
def without_action(iam: Any, role: str, action: str, resource: str = "*") -> Iterator[None]:
    """Deny an action to a role while the context lasts, as if its policies did not have it.

    A denial does what removing the action from every statement would do, and leaves the policies
    of the deployed stacks as they are.

    Args:
        iam: a client in the role's account.
        role: its name.
        action: as a policy of the role has it.
        resource: of which resource; without it, of all.

    Raises:
        RehearsalError: no policy of the role allows it, so that taking it away shows nothing.
    """
    allowed = allowed_actions(iam, role)
    if not any(fnmatchcase(action.lower(), each.lower()) for each in allowed):
        raise RehearsalError(f"role {role} is not allowed {action}, so it cannot be taken away")
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": action, "Resource": resource}],
    }
    iam.put_role_policy(RoleName=role, PolicyName=_INLINE, PolicyDocument=json.dumps(policy))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=_INLINE)


def role_documents(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Yield the documents of a role's inline and attached policies."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield _document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        yield _document(found["Document"])


def _document(value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(unquote(value)) if isinstance(value, str) else value
    return document


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
