"""The variables that the commands of a build begin with.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, env
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dpra_constructs.local_run.buildspec import BuildspecError, Environment
from dpra_constructs.local_run.redaction import Redactor

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, unique IDs
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,}"),
    "AWS_SECRET_ACCESS_KEY": re.compile(r"\S{40,}"),
    "AWS_SESSION_TOKEN": re.compile(r"\S{40,}"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """A variable of the project or the action.

    Args:
        value: the text, or the name of the parameter or the reference of the secret.
        type: `PLAINTEXT`, `PARAMETER_STORE` or `SECRETS_MANAGER`.
    """

    value: str
    type: str = "PLAINTEXT"


class Secrets(Protocol):
    """Looks up what a build refers to; raises `DpraError` with a message where it cannot."""

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of Parameter Store."""
        ...

    def secret(self, reference: str) -> str:
        """Return a secret; the reference is `secret-id:json-key:version-stage:version-id`."""
        ...


def environment_of(
    spec: Environment,
    environment: Mapping[str, str],
    variables: Mapping[str, Variable],
    secrets: Secrets,
    redactor: Redactor,
) -> dict[str, str]:
    """Return the variables of a build; those of the project win over those of the buildspec.

    Args:
        spec: `env` of the buildspec.
        environment: the process's variables, over which all others win.
        variables: of the project and the action.
        secrets: looks up what is not plain text; what is overridden is not looked up.
        redactor: learns the secrets, and the credentials in the environment.

    Raises:
        DpraError: a parameter or secret cannot be looked up, or would be exported.
    """
    for name, pattern in _CREDENTIALS.items():
        # The stand-ins of an emulator, like an account id, are no secrets.
        if pattern.fullmatch(environment.get(name, "")):
            redactor.hide(environment[name])
    wanted = {name: Variable(value=value) for name, value in spec.variables.items()}
    for name, value in spec.parameter_store.items():
        wanted[name] = Variable(value=value, type="PARAMETER_STORE")
    for name, value in spec.secrets_manager.items():
        wanted[name] = Variable(value=value, type="SECRETS_MANAGER")
    wanted |= variables
    found = dict(environment)
    for name, variable in wanted.items():
        if name in spec.exported_variables and variable.type != "PLAINTEXT":
            raise BuildspecError(
                "env/exported-variables",
                f"{name} is a secret of the project, and no secret can be exported",
                "take it out of the list",
            )
        found[name] = _value(name, variable, secrets)
        if variable.type != "PLAINTEXT":
            redactor.hide(found[name])
    return found


def _value(name: str, variable: Variable, secrets: Secrets) -> str:
    if variable.type == "PLAINTEXT":
        return variable.value
    if variable.type == "PARAMETER_STORE":
        return secrets.parameter(variable.value)
    if variable.type == "SECRETS_MANAGER":
        return secrets.secret(variable.value)
    raise BuildspecError(
        f"variable {name}",
        f"{variable.type!r} is not a type of variables",
        "use PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER",
    )
