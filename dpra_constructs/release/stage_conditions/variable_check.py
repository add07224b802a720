"""The rule that compares a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.release.stage_conditions.rule import Rule, matching, short_text
from dpra_constructs.release.stage_conditions.service_terms import OPERATORS

_VARIABLE = re.compile(r"#\{[A-Za-z0-9@_-]+\.[A-Za-z0-9@_.-]+\}")


@dataclass(frozen=True, slots=True)
class VariableCheck(Rule):
    """A variable of the pipeline or of an action has, or has not, a value.

    Args:
        variable: like `#{SourceVariables.BranchName}`.
        value: a text, or with MATCHES a regular expression of Java.
        operator: EQ, NE, CONTAINS or MATCHES.

    >>> VariableCheck("Trunk", variable="#{Source.BranchName}", value="main").properties["Name"]
    'Trunk'
    """

    PROVIDER: ClassVar[str] = "VariableCheck"

    _: KW_ONLY
    variable: str
    value: str
    operator: str = "EQ"

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        matching(
            self.where, "variable", self.variable, _VARIABLE, "a variable like #{Source.BranchName}"
        )
        short_text(self.where, "value", self.value)
        arguments.one_of(self.where, "operator", self.operator, OPERATORS)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {"Variable": self.variable, "Value": self.value, "Operator": self.operator}
