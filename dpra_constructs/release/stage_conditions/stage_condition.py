"""Rules that have to hold before a stage, or after it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions.rule import Rule
from dpra_constructs.release.stage_conditions.service_terms import (
    MOST_RULES,
    RESULTS,
    RETRY_MODES,
    SKIP_RULES,
)


@dataclass(frozen=True, slots=True)
class StageCondition(ABC):
    """Rules that all have to hold; use `EntryCondition`, `SuccessCondition`, `FailureCondition`."""

    KIND: ClassVar[str]

    rules: Sequence[Rule]
    _: KW_ONLY
    result: str = ""

    def __post_init__(self) -> None:
        """Check the values and freeze the rules."""
        where = type(self).__name__
        object.__setattr__(self, "result", self.result or RESULTS[self.KIND][0])
        arguments.one_of(where, "result", self.result, RESULTS[self.KIND])
        if isinstance(self.rules, str) or not isinstance(self.rules, Sequence):
            raise InvalidArgumentError(
                where,
                f"rules={arguments.shown(self.rules)} is no sequence of rules",
                'write it like rules=[LambdaInvoke("Ready", function="ready")]',
            )
        for rule in self.rules:
            arguments.instance(where, "rules", rule, Rule, 'LambdaInvoke("Ready", function="f")')
        object.__setattr__(self, "rules", tuple(self.rules))
        self.check(where)

    def check(self, where: str) -> None:
        """Refuse numbers and kinds of rules that the service does not take."""
        if not 1 <= len(self.rules) <= MOST_RULES:
            raise InvalidArgumentError(
                where,
                f"it has {len(self.rules)} rules, and CodePipeline takes 1 to {MOST_RULES}",
                "check several things in one function",
            )
        arguments.unique(where, "the names of rules", [rule.name for rule in self.rules])

    @property
    def properties(self) -> dict[str, Any]:
        """The stage's property of CloudFormation that is named by `KIND`."""
        return _properties(self.result, self.rules)

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the pipeline's role needs, and no more."""
        return tuple(
            dict.fromkeys(each for rule in self.rules for each in rule.permissions(pipeline))
        )


@dataclass(frozen=True, slots=True)
class EntryCondition(StageCondition):
    """What has to hold before a stage begins; never for a stage that rolls back.

    Args:
        rules: 1 to 5 rules.
        result: what happens otherwise: FAIL, or SKIP with `LambdaInvoke` and `VariableCheck`
            alone.

    >>> from dpra_constructs.release.stage_conditions import Commands
    >>> EntryCondition([Commands("Ready", run=["./ready.sh"])]).result
    'FAIL'
    """

    KIND: ClassVar[str] = "BeforeEntry"

    def check(self, where: str) -> None:
        """Refuse rules with which the service does not skip."""
        # Not super(): dataclasses with slots are made anew, and it would be of the first one.
        StageCondition.check(self, where)
        other = [rule.name for rule in self.rules if rule.PROVIDER not in SKIP_RULES]
        if self.result == "SKIP" and other:
            raise InvalidArgumentError(
                where,
                f"result=SKIP with {', '.join(other)}, and CodePipeline skips by "
                f"{' and '.join(SKIP_RULES)} alone",
                'let a function decide, or use result="FAIL"',
            )


@dataclass(frozen=True, slots=True)
class SuccessCondition(StageCondition):
    """What has to hold after a stage has succeeded.

    Args:
        rules: 1 to 5 rules.
        result: what happens otherwise: ROLLBACK or FAIL.

    >>> from dpra_constructs.release.stage_conditions import CloudWatchAlarm
    >>> SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")]).result
    'ROLLBACK'
    """

    KIND: ClassVar[str] = "OnSuccess"


@dataclass(frozen=True, slots=True)
class FailureCondition(StageCondition):
    """What happens when a stage fails.

    Args:
        rules: up to 5 rules; without any the result holds for every failure.
        result: ROLLBACK, or RETRY without rules.
        retry_mode: for RETRY, FAILED_ACTIONS or ALL_ACTIONS.

    >>> FailureCondition().properties
    {'Result': 'ROLLBACK'}
    """

    KIND: ClassVar[str] = "OnFailure"

    rules: Sequence[Rule] = ()
    _: KW_ONLY
    retry_mode: str | None = None

    def check(self, where: str) -> None:
        """Refuse what excludes each other."""
        if self.rules:
            StageCondition.check(self, where)
        if self.result != "RETRY":
            if self.retry_mode is not None:
                raise InvalidArgumentError(
                    where,
                    f"retry_mode={self.retry_mode!r} is given, and the result is {self.result}",
                    'leave it out, or use result="RETRY"',
                )
            return
        if self.rules:
            raise InvalidArgumentError(
                where,
                "result=RETRY with rules, and CodePipeline retries without conditions alone",
                "leave the rules out",
            )
        arguments.one_of(where, "retry_mode", self.retry_mode or RETRY_MODES[0], RETRY_MODES)

    @property
    def properties(self) -> dict[str, Any]:
        """The stage's property `OnFailure` of CloudFormation."""
        if self.result == "RETRY":
            mode = self.retry_mode or RETRY_MODES[0]
            return {"Result": "RETRY", "RetryConfiguration": {"RetryMode": mode}}
        if not self.rules:
            return {"Result": self.result}
        return _properties(self.result, self.rules)


def _properties(result: str, rules: Sequence[Rule]) -> dict[str, Any]:
    return {"Conditions": [{"Result": result, "Rules": [rule.properties for rule in rules]}]}
