"""What `cdk.json` says under `fruit-service`: accounts, connection, repository, domains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dpra_constructs import InvalidArgumentError

CONTEXT = "fruit-service"
_ENVIRONMENTS = ("beta", "gamma", "prod")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedZone:
    """The public hosted zone of an environment, in its account: where its addresses are."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The checked context."""

    accounts: Mapping[str, str]
    hosted_zones: Mapping[str, HostedZone]
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
        zones = _mapping("hosted_zones", given.get("hosted_zones"))
        return cls(
            accounts={
                name: _text(f"accounts.{name}", accounts.get(name), r"\d{12}", '"111111111111"')
                for name in ("tools", *_ENVIRONMENTS)
            },
            hosted_zones={
                name: _zone(f"hosted_zones.{name}", zones.get(name)) for name in _ENVIRONMENTS
            },
            connection_arn=_text(
                "connection_arn",
                given.get("connection_arn"),
                r"arn:aws[\w-]*:(codeconnections|codestar-connections):[\w-]+:\d{12}:connection/.+",
                '"arn:aws:codeconnections:REGION:ACCOUNT:connection/ID"',
            ),
            repository=_text(
                "repository", given.get("repository"), r"[\w.-]+/[\w.-]+", '"acme/fruit-service"'
            ),
        )


def _zone(name: str, value: object) -> HostedZone:
    given = _mapping(name, value)
    return HostedZone(
        id=_text(f"{name}.id", given.get("id"), r"Z[A-Z0-9]+", '"Z0123456789ABCDEFGHIJ"'),
        name=_text(
            f"{name}.name", given.get("name"), r"([a-z0-9-]+\.)+[a-z]+", '"beta.acme.example"'
        ),
    )


def _mapping(name: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _wrong(name, value, "an object", "{...}; examples/fruit_service/cdk.json has all of it")


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
