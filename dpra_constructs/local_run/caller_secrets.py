"""Takes what the pipeline keeps in AWS from the caller's environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run.build import Variable
from dpra_constructs.local_run.buildspec import Buildspec

_STORES = {"PARAMETER_STORE": "Parameter Store", "SECRETS_MANAGER": "Secrets Manager"}


class MissingSecretError(DpraError):
    """A variable whose value is a secret is not set by the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerSecrets:
    """The secrets of one action: the caller sets a variable of the same name.

    Args:
        action: the action's name, for messages.
        variables: those of the action, with buildspec, project and configuration together.
        caller: the caller's variables.
    """

    action: str
    variables: Mapping[str, Variable]
    caller: Mapping[str, str]

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of Parameter Store."""
        return self._value("PARAMETER_STORE", name)

    def secret(self, reference: str) -> str:
        """Return a secret of Secrets Manager."""
        return self._value("SECRETS_MANAGER", reference)

    def _value(self, kind: str, reference: str) -> str:
        wanted = Variable(value=reference, type=kind)
        names = [name for name, variable in self.variables.items() if variable == wanted]
        for name in names:
            if self.caller.get(name):
                return self.caller[name]
        shown = " or ".join(names)
        raise MissingSecretError(
            f"the variable {shown} comes from {_STORES[kind]} {reference} in the pipeline, and "
            f"is not set here; export {shown}, or leave the action out: --skip {self.action}"
        )


def secret_variables(
    buildspec: Buildspec, variables: Mapping[str, Variable]
) -> dict[str, Variable]:
    """Return the variables of an action whose values are secrets."""
    environment = buildspec.environment
    stored = {
        **dict(_of("PARAMETER_STORE", environment.parameter_store)),
        **dict(_of("SECRETS_MANAGER", environment.secrets_manager)),
        **variables,
    }
    return {name: each for name, each in stored.items() if each.type in _STORES}


def _of(kind: str, references: Mapping[str, str]) -> Iterator[tuple[str, Variable]]:
    for name, reference in references.items():
        yield name, Variable(value=reference, type=kind)
