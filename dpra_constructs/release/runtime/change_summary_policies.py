"""What a new template grants through IAM that the old one did not. Pure.

A grant is broader when nothing of the old template covers it: a new action, resource or principal,
a condition that is gone, a denial that is gone. What cannot be compared is shown, never hidden.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

Template = dict[str, Any]

_IDENTITIES = ("Roles", "Users", "Groups")
_POLICIES = {
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::GroupPolicy",
}
_PRINCIPALS = {"AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"}
_OWN = "itself"


@dataclass(frozen=True, slots=True)
class _Grant:
    """One principal, action and resource of a statement, each as text."""

    principal: str
    action: str
    resource: str
    conditions: frozenset[str]

    def covers(self, other: "_Grant") -> bool:
        """Return whether all that the other grants is granted by this too."""
        return (
            self.conditions <= other.conditions
            and _covers(self.principal, other.principal)
            and _covers(self.action.lower(), other.action.lower())
            and _covers(self.resource, other.resource)
        )

    def __str__(self) -> str:
        text = f"{self.action} on {self.resource}"
        if self.principal != _OWN:
            text += f" for {self.principal}"
        if self.conditions:
            text += f" if {', '.join(sorted(self.conditions))}"
        return text


def broadened(old: Template, new: Template) -> list[str]:
    """Return what the new template grants and the old did not, a line each, in a stable order.

    Args:
        old: the deployed template; an empty one for a stack that is new.
        new: the template to deploy.
    """
    before, after = _Holders(old), _Holders(new)
    lines: list[str] = []
    for holder in sorted(before.names | after.names):
        had = before.allowed.get(holder, set())
        lines += [
            f"{holder}: allows {grant}"
            for grant in _uncovered(after.allowed.get(holder, set()), had)
        ]
        # What is gone itself can do nothing.
        if holder not in before.principals or holder in after.principals:
            lines += [
                f"{holder}: no longer denies {grant}"
                for grant in _uncovered(
                    before.denied.get(holder, set()), after.denied.get(holder, set())
                )
            ]
        lines += [
            f"{holder}: has {arn}"
            for arn in sorted(
                after.attached.get(holder, set()) - before.attached.get(holder, set())
            )
        ]
        bounded = before.bounded.get(holder)
        if bounded and holder in after.principals and after.bounded.get(holder) != bounded:
            lines.append(f"{holder}: is no longer bounded by {bounded}")
    return lines


class _Holders:
    """What a template says of each holder of permissions: a role, or a resource's own policy."""

    def __init__(self, template: Template) -> None:
        self.allowed: dict[str, set[_Grant]] = {}
        self.denied: dict[str, set[_Grant]] = {}
        self.attached: dict[str, set[str]] = {}
        self.bounded: dict[str, str] = {}
        self.principals: set[str] = set()
        for name, resource in (template.get("Resources") or {}).items():
            if isinstance(resource, dict):
                self._read(name, resource.get("Type", ""), resource.get("Properties") or {})

    @property
    def names(self) -> set[str]:
        return {*self.allowed, *self.denied, *self.attached, *self.bounded}

    def _read(self, name: str, kind: str, properties: Any) -> None:
        if not isinstance(properties, dict):
            return
        if kind in _PRINCIPALS:
            self.principals.add(name)
            self._attach(name, properties.get("ManagedPolicyArns"))
            if boundary := properties.get("PermissionsBoundary"):
                self.bounded[name] = text_of(boundary)
            for policy in _list(properties.get("Policies")):
                if isinstance(policy, dict):
                    self._add([name], policy.get("PolicyDocument"))
            self._add([f"trust of {name}"], properties.get("AssumeRolePolicyDocument"))
        elif kind in _POLICIES:
            self._add(_holders(name, properties), properties.get("PolicyDocument"))
        elif kind == "AWS::Lambda::Permission":
            conditions = {
                key: text_of(properties[key])
                for key in (
                    *("SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken"),
                    *("FunctionUrlAuthType", "InvokedViaFunctionUrl"),
                )
                if key in properties
            }
            self.allowed.setdefault(
                f"policy of {text_of(properties.get('FunctionName'))}", set()
            ).add(
                _Grant(
                    text_of(properties.get("Principal")),
                    text_of(properties.get("Action")),
                    "it",
                    frozenset(f"{key} {value}" for key, value in conditions.items()),
                )
            )
        else:
            for path, document in _documents(properties):
                self._add([f"{name}.{path}"], document)

    def _attach(self, name: str, arns: Any) -> None:
        if arns:
            self.attached.setdefault(name, set()).update(text_of(arn) for arn in _list(arns))

    def _add(self, holders: Iterable[str], document: Any) -> None:
        if not isinstance(document, dict):
            return
        for statement in _list(document.get("Statement")):
            grants = set(_grants(statement))
            denies = isinstance(statement, dict) and statement.get("Effect") == "Deny"
            for holder in holders:
                (self.denied if denies else self.allowed).setdefault(holder, set()).update(grants)


def _holders(name: str, properties: dict[str, Any]) -> list[str]:
    """Return to whom a policy is attached, by their logical names where they have one."""
    found = [
        _logical(each)
        for key in (*_IDENTITIES, "RoleName", "UserName", "GroupName")
        for each in _list(properties.get(key))
    ]
    return found or [name]


def _logical(reference: Any) -> str:
    if isinstance(reference, dict) and isinstance(reference.get("Ref"), str):
        return str(reference["Ref"])
    return text_of(reference)


def _documents(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Find what looks like a policy anywhere in the properties of a resource."""
    if isinstance(value, dict):
        if "Statement" in value and any(
            isinstance(each, dict) and "Effect" in each for each in _list(value["Statement"])
        ):
            yield path or "policy", value
            return
        for key in value:
            yield from _documents(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _documents(each, f"{path}.{number}")
    elif isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        # Some resources take a document as text.
        with contextlib.suppress(ValueError):
            yield from _documents(json.loads(value), path)


def _grants(statement: Any) -> Iterator[_Grant]:
    if not isinstance(statement, dict) or not {"Action", "NotAction"} & statement.keys():
        # An intrinsic function decides what it says.
        yield _Grant(_OWN, text_of(statement), "what it names", frozenset())
        return
    conditions = frozenset(_conditions(statement.get("Condition")))
    for principal in _principals(statement):
        for action in _either(statement, "Action"):
            for resource in _either(statement, "Resource"):
                yield _Grant(principal, action, resource, conditions)


def _either(statement: dict[str, Any], key: str) -> list[str]:
    """Return the values of `Action`, or all of `NotAction` as one that equals only itself."""
    if f"Not{key}" in statement:
        values = sorted(text_of(each) for each in _list(statement[f"Not{key}"]))
        return [f"all but {', '.join(values)}"]
    return [text_of(each) for each in _list(statement.get(key, "it"))]


def _principals(statement: dict[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return [f"all but {text_of(statement['NotPrincipal'])}"]
    given = statement.get("Principal", _OWN)
    if isinstance(given, dict) and not _is_intrinsic(given):
        return [
            "*" if kind == "AWS" and each == "*" else f"{kind} {text_of(each)}"
            for kind, values in given.items()
            for each in _list(values)
        ]
    return [text_of(given)]


def _conditions(given: Any) -> Iterator[str]:
    if isinstance(given, dict) and not _is_intrinsic(given):
        for operator, keys in given.items():
            if isinstance(keys, dict) and not _is_intrinsic(keys):
                for key, values in keys.items():
                    shown = sorted(text_of(each) for each in _list(values))
                    yield f"{operator} {key} {' or '.join(shown)}"
            else:
                yield f"{operator} {text_of(keys)}"
    elif given:
        yield text_of(given)


def _uncovered(grants: set[_Grant], by: set[_Grant]) -> list[_Grant]:
    patterns = [each for each in by if "*" in str(each)]
    # A statement without conditions covers the same one with them.
    exact: dict[tuple[str, str, str], list[_Grant]] = {}
    for each in by:
        exact.setdefault((each.principal, each.action.lower(), each.resource), []).append(each)
    return sorted(
        (
            grant
            for grant in grants
            if not any(
                each.covers(grant)
                for each in (
                    *exact.get((grant.principal, grant.action.lower(), grant.resource), ()),
                    *patterns,
                )
            )
        ),
        key=str,
    )


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(each) for each in text.split("*")), re.DOTALL)


def _covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    if wide.startswith("all but ") or narrow.startswith("all but "):
        return wide == "*"
    # An asterisk of the wide one stands also for those of the narrow one.
    return "*" in wide and "?" not in wide and bool(_pattern(wide).fullmatch(narrow))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is_intrinsic(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and all(
        isinstance(key, str) and (key in ("Ref", "Condition") or key.startswith("Fn::"))
        for key in value
    )


def text_of(value: Any) -> str:
    """Return a value of a template as text: what refers to something as `${...}`.

    >>> text_of({"Fn::Join": ["", [{"Fn::GetAtt": ["Fruits", "Arn"]}, "/*"]]})
    '${Fruits.Arn}/*'
    """
    match value:
        case str():
            return value
        case {"Ref": str(name), **rest} if not rest:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)], **rest} if not rest:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [str(separator), list(parts)], **rest} if not rest:
            return separator.join(text_of(part) for part in parts)
        case {"Fn::Sub": str(text), **rest} if not rest:
            return text
        case _:
            return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
