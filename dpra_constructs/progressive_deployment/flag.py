"""Feature flags as values, and as AWS AppConfig reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

# https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
_KEY = re.compile(r"[a-z][a-zA-Z\d_-]{0,63}")
_MOST_ATTRIBUTES = 25
_RESERVED = "enabled"

AttributeValue = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature flag, with the attributes that a program reads of it.

    Args:
        enabled: whether the feature is on.
        attributes: at most 25 values, each a bool, a number or a text, by a name that begins with
            a small letter and has 1 to 64 letters, digits, `_` and `-`.
        description: what the feature is.

    Raises:
        InvalidArgumentError: an argument is not one of those.

    >>> Flag(True, {"rows": 20}).attributes["rows"]
    20
    """

    enabled: bool
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    description: str = ""

    def __post_init__(self) -> None:
        """Check the arguments."""
        arguments.flag("Flag", "enabled", self.enabled)
        if not isinstance(self.description, str):
            arguments.instance("Flag", "description", self.description, str, '"The new list"')
        if not isinstance(self.attributes, Mapping) or len(self.attributes) > _MOST_ATTRIBUTES:
            raise InvalidArgumentError(
                "Flag",
                f"attributes={arguments.shown(self.attributes)} is not a mapping of at most "
                f"{_MOST_ATTRIBUTES} names to values",
                'write it like attributes={"rows": 20}',
            )
        for name, value in self.attributes.items():
            flag_key("Flag", "attributes", name)
            if name == _RESERVED:
                raise InvalidArgumentError(
                    "Flag",
                    f"attributes has {_RESERVED!r}, which AppConfig has for the flag itself",
                    "give Flag(True) or Flag(False), and rename the attribute",
                )
            if not isinstance(value, bool | int | float | str):
                raise InvalidArgumentError(
                    "Flag",
                    f"attributes[{name!r}]={arguments.shown(value)} is not a bool, a number or a "
                    "text",
                    "write it as one of them",
                )
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))


def flag_key(where: str, argument: str, name: object) -> None:
    """Refuse what AppConfig does not take as the name of a flag or of an attribute."""
    if not isinstance(name, str) or not _KEY.fullmatch(name):
        raise InvalidArgumentError(
            where,
            f"{argument} has the name {arguments.shown(name)}, which does not begin with a small "
            "letter, or has other signs than letters, digits, _ and -, or more than 64",
            "rename it, like newList",
        )


def flag_set(flags: Mapping[str, Flag]) -> dict[str, Any]:
    """Return flags as a configuration of the type `AWS.AppConfig.FeatureFlags`.

    >>> flag_set({"newList": Flag(False)})["values"]
    {'newList': {'enabled': False}}
    """
    return {
        "version": "1",
        "flags": {
            name: {
                "name": name,
                **({"description": flag.description} if flag.description else {}),
                **(
                    {
                        "attributes": {
                            attribute: {"constraints": {"type": _type_of(value)}}
                            for attribute, value in flag.attributes.items()
                        }
                    }
                    if flag.attributes
                    else {}
                ),
            }
            for name, flag in flags.items()
        },
        "values": {
            name: {"enabled": flag.enabled, **flag.attributes} for name, flag in flags.items()
        },
    }


def _type_of(value: AttributeValue) -> str:
    # A bool is an int too.
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"
