"""Checks of what callers give, shared by every value of the model: pure, and raised at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from dpra_constructs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aws_cdk import Duration

# CodePipeline: "names 1-100 characters of [A-Za-z0-9.@_-]".
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_PIPELINE_NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")
# Ours become parts of stack, project and role names, so the narrowest alphabet of those holds.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Without what a shell would read in another way.
_HTTPS_URL = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?")
_HTTPS_URL_WITH_QUERY = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^\s?#]*)?(\?[^\s#]*)?")
_CREDENTIALS_IN_URL = re.compile(r"[a-z]+://[^/?#]*@.*", re.IGNORECASE | re.DOTALL)
# What such variables hold is secret; `TOKEN_URL` or `PASSWORD_LENGTH` is not.
_SECRET_VARIABLE = re.compile(
    r".*(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET)_?KEY)",
    re.IGNORECASE,
)


def account_id(where: str, value: object, argument: str = "account") -> None:
    """Refuse anything but twelve digits as text."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return
    hint = " (quote it: a number loses leading zeros)" if isinstance(value, int) else ""
    raise InvalidArgumentError(
        where,
        f"{argument}={value!r} is not an AWS account id, which is twelve digits as text{hint}",
        f'write it like {argument}="111111111111"',
    )


def region(where: str, value: object, argument: str = "region") -> None:
    """Refuse what cannot be the name of an AWS region; whether it exists is not known here."""
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise InvalidArgumentError(
            where,
            f"{argument}={value!r} is not the name of an AWS region",
            'write it like "eu-central-1"',
        )


def regions(where: str, values: object) -> tuple[str, ...]:
    """Return region names as a tuple; refuse wrong names and duplicates."""
    checked = texts(where, "regions", values)
    for value in checked:
        region(where, value, "regions")
    unique(where, "regions", checked)
    return checked


def name(where: str, value: object, argument: str = "name") -> None:
    """Refuse what cannot be part of a stack, project, role and pipeline stage name."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidArgumentError(
            where,
            f"{argument}={value!r} is not a valid name: 1 to 40 letters, digits and hyphens, "
            "beginning with a letter",
            "choose another name, like 'one-box'",
        )


def pipeline_stage_name(where: str, value: str) -> None:
    """Refuse what CodePipeline does not take as a pipeline's, stage's or action's name."""
    if not _PIPELINE_NAME.fullmatch(value):
        raise InvalidArgumentError(
            where,
            f"{value!r} ({len(value)} characters) is not a name that CodePipeline accepts: "
            "1 to 100 characters of A-Z a-z 0-9 . @ - _",
            "shorten the names that it is made of",
        )


def text(where: str, argument: str, value: object) -> str:
    """Return a text that is not empty."""
    if isinstance(value, str) and value.strip():
        return value
    raise InvalidArgumentError(
        where, f"{argument}={value!r} is not a text that says something", f"give {argument} a text"
    )


def texts(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return a sequence of texts as a tuple; refuse a bare text, which is a sequence of letters."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidArgumentError(
            where,
            f"{argument}={values!r} is not a sequence of texts",
            f"write it as a list: {argument}=[...]",
        )
    return tuple(text(where, argument, value) for value in values)


def some_texts(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return a sequence of texts as a tuple of at least one."""
    checked = texts(where, argument, values)
    if not checked:
        raise InvalidArgumentError(where, f"{argument} is empty", f"give {argument} at least one")
    return checked


def names(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return names as a tuple; refuse wrong ones and duplicates."""
    checked = texts(where, argument, values)
    for value in checked:
        name(where, value, argument)
    unique(where, argument, checked)
    return checked


def unique(where: str, argument: str, values: Sequence[str]) -> None:
    """Refuse a value that stands twice."""
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise InvalidArgumentError(
            where, f"{argument} has {', '.join(twice)} more than once", "keep one of each"
        )


def variables(where: str, argument: str, values: object) -> Mapping[str, str]:
    """Return environment variables as a read-only mapping of text to text."""
    if not isinstance(values, Mapping):
        raise InvalidArgumentError(
            where,
            f"{argument}={values!r} is not a mapping of names to texts",
            f'write it like {argument}={{"LOG_LEVEL": "INFO"}}',
        )
    for key, value in values.items():
        if not isinstance(key, str) or not _VARIABLE.fullmatch(key):
            raise InvalidArgumentError(
                where,
                f"{argument} has the key {key!r}, which is not the name of an environment "
                "variable: letters, digits and underscores, not beginning with a digit",
                "rename it",
            )
        if not isinstance(value, str):
            raise InvalidArgumentError(
                where,
                f"{argument}[{key!r}]={value!r} is not text",
                f"write it as text: {str(value)!r}",
            )
    return MappingProxyType(dict(values))


def plain(where: str, argument: str, values: object) -> Mapping[str, str]:
    """Return environment variables as `variables` does; refuse those that hold secrets."""
    checked = variables(where, argument, values)
    for key in checked:
        if _SECRET_VARIABLE.fullmatch(key):
            raise InvalidArgumentError(
                where,
                f"{argument} has {key}, which by its name is a secret, and these values stand in "
                "the template",
                f'refer to it: secrets={{"{key}": SecretsManagerSecret("acme/tools", '
                'json_key="token")}',
            )
    return checked


def relative_path(where: str, argument: str, value: object) -> str:
    """Refuse paths that are absolute or leave the repository."""
    path = text(where, argument, value)
    if path.startswith(("/", "~")) or "\\" in path or ".." in path.split("/"):
        raise InvalidArgumentError(
            where,
            f"{argument}={path!r} is not a path inside the repository with forward slashes",
            "write it relative to the repository's root, like 'tests/unit'",
        )
    return path


def relative_paths(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return paths inside the repository as a tuple, without duplicates."""
    checked = texts(where, argument, values)
    for value in checked:
        relative_path(where, argument, value)
    unique(where, argument, checked)
    return checked


def some_relative_paths(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return paths inside the repository as a tuple of at least one."""
    return relative_paths(where, argument, some_texts(where, argument, values))


def emails(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return email addresses as a tuple; refuse what cannot be one, and duplicates."""
    checked = texts(where, argument, values)
    for value in checked:
        if not _EMAIL.fullmatch(value):
            raise InvalidArgumentError(
                where,
                f"{argument} has {value!r}, which is not an email address",
                f'write it like {argument}=["release@acme.example"]',
            )
    unique(where, argument, checked)
    return checked


def flag(where: str, argument: str, value: object) -> bool:
    """Return a bool; refuse what only acts like one."""
    if isinstance(value, bool):
        return value
    raise InvalidArgumentError(
        where,
        f"{argument}={shown(value)} is not True or False",
        f"write {argument}=True or {argument}=False",
    )


def count(at_least: int, at_most: int) -> Callable[[str, str, object], int]:
    """Make a check for a whole number within limits that are allowed themselves."""

    def check(where: str, argument: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and at_least <= value <= at_most:
            return value
        raise InvalidArgumentError(
            where,
            f"{argument}={shown(value)} is not a whole number from {at_least} to {at_most}",
            f"write it like {argument}={max(at_least, min(at_most, 80))}",
        )

    return check


def choice(*allowed: str) -> Callable[[str, str, object], str]:
    """Make a check for one of several texts."""

    def check(where: str, argument: str, value: object) -> str:
        one_of(where, argument, value, allowed)
        return str(value)

    return check


def matching(pattern: str, what: str, example: str) -> Callable[[str, str, object], str]:
    """Make a check for a text of a form: `what` says which, `example` shows one."""

    def check(where: str, argument: str, value: object) -> str:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        raise InvalidArgumentError(
            where,
            f"{argument}={shown(value)} is not {what}",
            f'write it like {argument}="{example}"',
        )

    return check


def https_url(example: str, *, query: bool = False) -> Callable[[str, str, object], str]:
    """Make a check for an address of https, which is returned without a slash at its end.

    Args:
        example: one.
        query: whether it may have a query; its path may hold any characters then.
    """
    pattern, without = (
        (_HTTPS_URL_WITH_QUERY, "user and spaces")
        if query
        else (_HTTPS_URL, "user, query and spaces")
    )

    def check(where: str, argument: str, value: object) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value if "?" in value else value.rstrip("/")
        problem = (
            # Not shown: messages stand in logs.
            f"{argument} holds credentials, which would stand in the template"
            if isinstance(value, str) and _CREDENTIALS_IN_URL.fullmatch(value)
            else f"{argument}={shown(value)} is not an address that begins with https://, without "
            f"{without}"
        )
        raise InvalidArgumentError(where, problem, f'write it like {argument}="{example}"')

    return check


def optional(check: type | Callable[[str, str, Any], Any]) -> Callable[[str, str, object], Any]:
    """Make a check that also allows None: of a type, or by another check."""

    def check_or_none(where: str, argument: str, value: object) -> Any:
        if value is None:
            return None
        if isinstance(check, type):
            instance(where, argument, value, check, f"{check.__name__}(...)")
            return value
        return check(where, argument, value)

    return check_or_none


def instance(where: str, argument: str, value: object, expected: type, example: str) -> None:
    """Refuse a value of another type before jsii does it without naming the argument."""
    if not isinstance(value, expected):
        raise InvalidArgumentError(
            where,
            f"{argument}={shown(value)} is of type {type(value).__name__}, "
            f"and {expected.__name__} is needed",
            f"write it like {argument}={example}",
        )


def one_of(where: str, argument: str, value: object, allowed: Collection[str]) -> None:
    """Refuse a value that is not one of those allowed."""
    if value not in allowed:
        raise InvalidArgumentError(
            where,
            f"{argument}={value!r} is not one of {', '.join(sorted(allowed))}",
            f"choose one of them for {argument}",
        )


_MILLISECONDS = {"seconds": 1_000, "minutes": 60_000, "days": 86_400_000}


def whole(
    where: str,
    argument: str,
    value: Duration,
    *,
    at_least: int,
    at_most: int,
    unit: Literal["seconds", "minutes", "days"] = "minutes",
) -> int:
    """Return a duration in whole units, within limits that are allowed themselves."""
    example = f"write it like {argument}=Duration.{unit}({max(at_least, 15)})"
    # Asked for by method, not by type: this layer does not import aws_cdk.
    if not hasattr(value, "to_milliseconds"):
        raise InvalidArgumentError(where, f"{argument}={shown(value)} is not a Duration", example)
    if value.is_unresolved():
        raise InvalidArgumentError(
            where, f"{argument} is a Duration of a token, not known at synthesis", example
        )
    milliseconds = value.to_milliseconds()
    units, rest = divmod(milliseconds, _MILLISECONDS[unit])
    if rest:
        raise InvalidArgumentError(
            where, f"{argument}={milliseconds / 1000:g} seconds is not whole {unit}", example
        )
    if not at_least <= units <= at_most:
        raise InvalidArgumentError(
            where,
            f"{argument}={units:g} {unit} is not between {at_least} and {at_most} {unit}",
            example,
        )
    return int(units)


def shown(value: object) -> str:
    """Return a value for a message: short, and the same in every run."""
    text_of_value = repr(value)
    if " at 0x" in text_of_value:
        return f"<{type(value).__name__}>"
    return text_of_value if len(text_of_value) <= 60 else f"{text_of_value[:57]}..."
