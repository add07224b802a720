"""Checks of options that several typed actions have."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

_PATTERN = re.compile(r"[A-Za-z0-9_./*?@+-]+")

_NAME = r"[A-Za-z][A-Za-z0-9-]{0,39}"

#: The name of an output that is also the folder for it.
output_name = arguments.matching(
    _NAME, "a name of 1 to 40 letters, digits and hyphens, beginning with a letter", "sbom"
)

#: A runtime of the CodeBuild image, like `corretto21` or `8.0`.
#: https://docs.aws.amazon.com/codebuild/latest/userguide/runtime-versions.html
runtime_version = arguments.optional(
    arguments.matching(r"[a-z]*\d+(\.(\d+|x))*", "a runtime version of the image", "corretto21")
)


def file_patterns(where: str, argument: str, values: object) -> tuple[str, ...]:
    """Return at least one path or pattern that the shell expands as it is."""
    checked = arguments.some_relative_paths(where, argument, values)
    for value in checked:
        if not _PATTERN.fullmatch(value) or value.startswith("-"):
            raise InvalidArgumentError(
                where,
                f"{argument} has {value!r}, which is not a pattern of letters, digits and "
                "_ . / * ? @ + -",
                f'write it like {argument}=["dist/*.whl"]',
            )
    return checked


def path_segments(where: str, argument: str, value: object) -> str:
    """Return a path that stands in an address as it is."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", value):
        return arguments.relative_path(where, argument, value)
    raise InvalidArgumentError(
        where,
        f"{argument}={arguments.shown(value)} is not a path of letters, digits and . _ -",
        f'write it like {argument}="com/acme/fruit"',
    )


def only_with_coverage(where: str, minimum: int | None, coverage: bool) -> None:
    """Refuse a minimum of a coverage that is not measured."""
    if minimum is not None and not coverage:
        raise InvalidArgumentError(
            where,
            f"minimum_coverage_percent={minimum} is given, and coverage is not measured",
            "write coverage=True",
        )


def score(at_most: float) -> Any:
    """Make a check for a number from 0 to a limit that is allowed itself."""

    def check(where: str, argument: str, value: object) -> float:
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and 0 <= value <= at_most
        ):
            return value
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(value)} is not a number from 0 to {at_most:g}",
            f"write it like {argument}=7",
        )

    return check


def choices(*allowed: str) -> Any:
    """Make a check for at least one of several texts."""

    def check(where: str, argument: str, values: object) -> tuple[str, ...]:
        checked = arguments.some_texts(where, argument, values)
        for value in checked:
            arguments.one_of(where, argument, value, allowed)
        arguments.unique(where, argument, checked)
        return checked

    return check


def within(directory: str, path: str) -> str:
    """Return a path of a directory, as seen from the repository.

    >>> within(".", "target"), within("service/", "target")
    ('target', 'service/target')
    """
    return path if directory == "." else f"{directory.rstrip('/')}/{path}"


def at_or_above(order: Sequence[str], lowest: str) -> tuple[str, ...]:
    """Return the levels from one upward.

    >>> at_or_above(["low", "medium", "high"], "medium")
    ('medium', 'high')
    """
    return tuple(order[order.index(lowest) :])
