"""The rule in which a Lambda function decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.release.stage_conditions.rule import Rule, matching, short_text

_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class LambdaInvoke(Rule):
    """A Lambda function decides.

    Args:
        function: its name, in the pipeline's account.
        user_parameters: text that the function is given, up to 10,000 characters.

    >>> LambdaInvoke("Calendar", function="fruit-calendar").properties["Configuration"]
    {'FunctionName': 'fruit-calendar'}
    """

    PROVIDER: ClassVar[str] = "LambdaInvoke"

    _: KW_ONLY
    function: str
    user_parameters: str | None = None

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        matching(self.where, "function", self.function, _FUNCTION, "a Lambda function's name")
        if self.user_parameters is not None:
            short_text(self.where, "user_parameters", self.user_parameters)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"FunctionName": self.function}
        if self.user_parameters is not None:
            given["UserParameters"] = self.user_parameters
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        function = f"arn:{{partition}}:lambda:{self.place}:function:{self.function}"
        return (Permission(actions=["lambda:InvokeFunction"], resources=[function]),)
