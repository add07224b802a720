"""What a condition checks: the part that all rules share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Self

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions.service_terms import LONGEST_VALUE

_RULE_NAME = r"[A-Za-z0-9.@_-]{1,100}"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """What a condition checks; use `LambdaInvoke`, `VariableCheck` and the others.

    Args:
        name: 1 to 100 letters, digits and `. @ _ -`, only once in the pipeline.
        region: where the rule's resource is; without it the pipeline's.
        role_arn: the role that the check runs with; without it the pipeline's, which then gets
            the rule's permissions.
        input_artifacts: what the check reads: `Source`, and names of outputs of build actions.
    """

    PROVIDER: ClassVar[str]

    name: str
    _: KW_ONLY
    region: str | None = None
    role_arn: str | None = None
    input_artifacts: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = self.where
        if not isinstance(self.name, str) or not re.fullmatch(_RULE_NAME, self.name):
            raise InvalidArgumentError(
                where,
                f"name={arguments.shown(self.name)} is not the name of a rule: 1 to 100 of A-Z a-z "
                "0-9 . @ _ -",
                'write it like "Healthy"',
            )
        if self.region is not None:
            arguments.region(where, self.region)
        if self.role_arn is not None and not _ROLE_ARN.fullmatch(str(self.role_arn)):
            raise InvalidArgumentError(
                where,
                f"role_arn={arguments.shown(self.role_arn)} is not the ARN of a role",
                "write it like arn:aws:iam::ACCOUNT:role/NAME",
            )
        artifacts = arguments.texts(where, "input_artifacts", self.input_artifacts)
        object.__setattr__(self, "input_artifacts", artifacts)
        self.check()

    @property
    def where(self) -> str:
        """How messages name it."""
        return f'{type(self).__name__} "{self.name}"'

    @abstractmethod
    def check(self) -> None:
        """Refuse what the rule of the service does not take."""

    @property
    @abstractmethod
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What the rule runs."""
        return ()

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs, in a pipeline of that name."""
        return ()

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the pipeline's role needs for it, and no more."""
        if self.role_arn is not None:
            return (Permission(actions=["sts:AssumeRole"], resources=[self.role_arn]),)
        return self.own_permissions(pipeline)

    def reading(self, artifacts: Mapping[str, str]) -> Self:
        """Return it with the names that the pipeline has for its input artifacts."""
        return replace(self, input_artifacts=[artifacts[name] for name in self.input_artifacts])

    @property
    def place(self) -> str:
        """Region and account in an ARN of the rule's resource."""
        return f"{self.region or '{region}'}:{{account}}"

    @property
    def properties(self) -> dict[str, Any]:
        """The rule as CloudFormation's RuleDeclaration."""
        rendered = {
            "Name": self.name,
            "RuleTypeId": {
                "Category": "Rule",
                "Owner": "AWS",
                "Provider": self.PROVIDER,
                "Version": "1",
            },
            "Configuration": dict(self.configuration),
            "Commands": list(self.commands),
            "InputArtifacts": [{"Name": artifact} for artifact in self.input_artifacts],
            "Region": self.region,
            "RoleArn": self.role_arn,
        }
        return {key: value for key, value in rendered.items() if value}


def matching(where: str, argument: str, value: object, pattern: re.Pattern[str], what: str) -> None:
    """Refuse a text that is not of a form."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidArgumentError(
            where, f"{argument}={arguments.shown(value)} is not {what}", f"correct {argument}"
        )


def short_text(where: str, argument: str, value: object) -> None:
    """Refuse a text that is longer than a rule's configuration takes."""
    text = arguments.text(where, argument, value)
    if len(text) > LONGEST_VALUE:
        raise InvalidArgumentError(
            where,
            f"{argument} has {len(text)} characters, and CodePipeline takes {LONGEST_VALUE}",
            "shorten it",
        )
