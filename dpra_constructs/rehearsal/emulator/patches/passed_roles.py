"""`iam:PassRole`: a role that is handed to a service must be one that the caller may hand to it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from dpra_constructs.rehearsal.emulator.authorization import CHECKS, Check, Request

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


def _checks(request: Request) -> list[Check]:
    if request.service not in _PASSED:
        return []
    service, name = _PASSED[request.service]
    role = request.parameter(name) or request.json().get(name)
    if not isinstance(role, str) or ":role/" not in role:
        return []
    return [Check("iam:PassRole", role, {"iam:PassedToService": service})]
