"""Reads YAML or JSON as CodeBuild does, keeping where each value stands for the messages.

Scalars stay the text that was written: `version: 0.2` is "0.2", `1.10` stays "1.10", and `yes` is
no boolean until a field asks for one. Nothing, or `null`, is an empty text.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import yaml

from dpra_constructs.errors import DpraError


class BuildspecError(DpraError):
    """A buildspec is malformed, or has what cannot be run on this machine.

    Args:
        where: the path of the key, like `phases/build/commands/0`.
        problem: what was given, and what is allowed instead.
        fix: what to do, as an imperative.
    """

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__(f"buildspec {where}: {problem}; {fix}")
        self.where = where


class _Loader(yaml.BaseLoader):
    """Every scalar is text, and a key that stands twice is refused."""

    def construct_scalar(self, node: yaml.ScalarNode) -> str:
        plain = node.style is None
        return "" if plain and node.value in {"~", "null", "Null", "NULL"} else node.value

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        mapping: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise BuildspecError(f"line {line}", "a key is not text", "write a plain name")
            if key == "<<":
                raise BuildspecError(
                    f"line {line}", "merge keys (<<) are not supported here", "repeat the keys"
                )
            if key in mapping:
                raise BuildspecError(f"line {line}", f"{key} stands twice", "keep one of them")
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the buildspec and its path.

    >>> root = read("{version: 0.2, env: {variables: {A: 1.10}}}")
    >>> root.required("env").required("variables").required("A").text()
    '1.10'
    """

    path: tuple[str, ...]
    value: object

    @property
    def where(self) -> str:
        """The path as a message shows it."""
        return "/".join(self.path) or "(the whole text)"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1] if self.path else ""

    def error(self, problem: str, fix: str) -> BuildspecError:
        """Return an error at this place."""
        return BuildspecError(self.where, problem, fix)

    def allow(self, *names: str) -> None:
        """Refuse every other key."""
        for name in self._mapping():
            if name not in names:
                raise BuildspecError(
                    "/".join((*self.path, name)),
                    f"{name} is not a key that CodeBuild or this machine knows here: "
                    f"{', '.join(names)}",
                    "correct or remove it",
                )

    def get(self, name: str) -> Field | None:
        """Return the value of a key, or None where it is left out or says nothing."""
        value = self._mapping().get(name)
        return None if value is None or value == "" else Field((*self.path, name), value)

    def required(self, name: str) -> Field:
        """Return the value of a key that must be there."""
        found = self.get(name)
        if found is None:
            raise BuildspecError(
                "/".join((*self.path, name)), "is required and missing", f"write {name}"
            )
        return found

    def fields(self) -> Iterator[Field]:
        """Return the values of a mapping, in the order in which they stand."""
        for name, value in self._mapping().items():
            yield Field((*self.path, name), value)

    def item(self, index: int) -> Field:
        """Return a value of a sequence."""
        values = self.value if isinstance(self.value, list) else [self.value]
        return Field((*self.path, str(index)), values[index])

    def items(self) -> tuple[Field, ...]:
        """Return the values of a sequence."""
        if not isinstance(self.value, list):
            raise self.error(f"is {_kind(self.value)}, and a list is needed", "write a list")
        return tuple(self.item(index) for index in range(len(self.value)))

    def text(self) -> str:
        """Return a scalar as it was written."""
        if not isinstance(self.value, str):
            raise self.error(
                f"is {_kind(self.value)}, and text is needed",
                "put the text in quotation marks: a colon and a space make a mapping",
            )
        return self.value

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one, as the CDK writes it."""
        if isinstance(self.value, str):
            return (self.value,)
        return tuple(item.text() for item in self.items())

    def yes(self) -> bool:
        """Return what `yes` or `no` says."""
        text = self.text().lower()
        if text not in {"yes", "no", "true", "false"}:
            raise self.error(f"{self.text()!r} is neither yes nor no", "write yes or no")
        return text in {"yes", "true"}

    def _mapping(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            raise self.error(f"is {_kind(self.value)}, and a mapping is needed", "write keys")
        return self.value


def read(text: str) -> Field:
    """Return the root of a buildspec.

    Raises:
        BuildspecError: the text is not YAML, or a key stands twice.
    """
    # YAML reads most JSON, but not the pairs of escapes of characters like emoji.
    if text.lstrip().startswith("{"):
        try:
            return Field((), _scalars(json.loads(text, object_pairs_hook=_unique, parse_float=str)))
        except ValueError:
            pass  # YAML may begin with a brace, too
    try:
        # Every loader of ours makes text, lists and mappings only.
        return Field((), yaml.load(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "text"
        raise BuildspecError(where, f"is not YAML: {error.problem}", "correct it") from None
    except yaml.YAMLError as error:
        raise BuildspecError("text", f"is not YAML: {error}", "correct it") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key, value in pairs:
        if key in mapping:
            raise BuildspecError("text", f"{key} stands twice", "keep one of them")
        mapping[key] = value
    return mapping


def _scalars(value: object) -> object:
    """Return a value of JSON with each scalar as text."""
    if isinstance(value, dict):
        return {key: _scalars(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scalars(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "text" if value else "nothing"
