"""What `cdk.json` says under `fruit-api`: accounts, connection and repository."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpra_constructs import InvalidArgumentError

CONTEXT = "fruit-api"
_ACCOUNTS = ("tools", "beta", "gamma", "prod")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The checked context."""

    tools_account: str
    beta_account: str
    gamma_account: str
    prod_account: str
    connection_arn: str
    repository: str

    @classmethod
    def from_context(cls, context: object) -> Settings:
        """Check what stands in `cdk.json`.

        Raises:
            InvalidArgumentError: a value is missing, or is not what it should be.
        """
        given = _mapping("", context)
        accounts = _mapping("accounts", given.get("accounts"))
        return cls(
            **{
                f"{name}_account": _text(
                    f"accounts.{name}", accounts.get(name), r"\d{12}", '"111111111111"'
                )
                for name in _ACCOUNTS
            },
            connection_arn=_text(
                "connection_arn",
                given.get("connection_arn"),
                r"arn:aws[\w-]*:(codeconnections|codestar-connections):[\w-]+:\d{12}:connection/.+",
                '"arn:aws:codeconnections:REGION:ACCOUNT:connection/ID"',
            ),
            repository=_text(
                "repository", given.get("repository"), r"[\w.-]+/[\w.-]+", '"acme/fruit-api"'
            ),
        )


def _mapping(name: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _wrong(name, value, "an object", "{...}; examples/fruit_api/cdk.json has all of it")


def _text(name: str, value: object, pattern: str, example: str) -> str:
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise _wrong(name, value, f"a text like {example}", example)


def _wrong(name: str, value: object, wanted: str, example: str) -> InvalidArgumentError:
    key = name.rpartition(".")[2] or CONTEXT
    problem = "is missing" if value is None else f"is {value!r}"
    return InvalidArgumentError(
        f'cdk.json, context "{CONTEXT}"',
        f"{name or 'it'} {problem}, and has to be {wanted}",
        f'write it like "{key}": {example}',
    )
