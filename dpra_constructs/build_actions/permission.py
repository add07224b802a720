"""What the role of a build action may do beyond reading its source and writing its results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

_OPERATOR = re.compile(r"((ForAnyValue|ForAllValues):)?[A-Z][A-Za-z]+")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_KEY = re.compile(r"[a-z0-9-]+:\S+")
_RESOURCE = re.compile(r"arn:[^:\s]+:[a-z0-9-]+:[^:\s]*:[^:\s]*:\S+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """An IAM statement that allows something, without wildcards in its actions.

    Args:
        actions: like `ecr:PutImage`, each by its whole name.
        resources: ARNs, in which `{partition}`, `{region}` and `{account}` stand for those of the
            pipeline; or `*` alone, for actions that know no resources.
        reason: why a resource has a `*`; needed then, and shown with the acknowledgement of
            cdk-nag's finding.
        conditions: under which it holds, by operator and key, as in IAM:
            `{"StringEquals": {"sts:AWSServiceName": ["codeartifact.amazonaws.com"]}}`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Permission(actions=["ecr:PutImage"],
    ...     resources=["arn:{partition}:ecr:{region}:{account}:repository/fruit"]).actions
    ('ecr:PutImage',)
    """

    actions: Sequence[str]
    resources: Sequence[str]
    reason: str = ""
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = "Permission"
        actions = arguments.some_texts(where, "actions", self.actions)
        for action in actions:
            if not _ACTION.fullmatch(action):
                raise InvalidArgumentError(
                    where,
                    f"actions has {action!r}, which is not the whole name of one action",
                    'write each out, like "ecr:PutImage"',
                )
        resources = arguments.some_texts(where, "resources", self.resources)
        for resource in resources:
            if resource != "*" and not _RESOURCE.fullmatch(resource):
                raise InvalidArgumentError(
                    where,
                    f"resources has {resource!r}, which is not an ARN",
                    'write it like "arn:{partition}:ecr:{region}:{account}:repository/fruit"',
                )
            if "*" in resource and not self.reason.strip():
                raise InvalidArgumentError(
                    where,
                    f"resources has {resource!r}, and no reason is given for its *",
                    "name the resource, or give a reason why it cannot be named",
                )
        object.__setattr__(self, "actions", actions)
        object.__setattr__(self, "resources", resources)
        object.__setattr__(self, "conditions", _conditions(where, self.conditions))


def _conditions(where: str, given: object) -> Mapping[str, Mapping[str, Sequence[str]]]:
    example = '{"StringEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d"]}}'
    if not isinstance(given, Mapping) or not all(
        isinstance(operator, str) and _OPERATOR.fullmatch(operator) and isinstance(keys, Mapping)
        for operator, keys in given.items()
    ):
        raise InvalidArgumentError(
            where,
            f"conditions={arguments.shown(given)} is not a mapping of IAM's operators to keys",
            f"write it like conditions={example}",
        )
    checked: dict[str, Mapping[str, Sequence[str]]] = {}
    for operator, keys in given.items():
        values: dict[str, Sequence[str]] = {}
        for key, value in keys.items():
            if not isinstance(key, str) or not _KEY.fullmatch(key):
                raise InvalidArgumentError(
                    where,
                    f"conditions[{operator!r}] has {arguments.shown(key)}, which is not a key of "
                    "IAM",
                    f"write it like conditions={example}",
                )
            values[key] = arguments.some_texts(where, f"conditions[{operator!r}][{key!r}]", value)
        checked[operator] = MappingProxyType(values)
    return MappingProxyType(checked)
