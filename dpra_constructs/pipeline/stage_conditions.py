"""The conditions of one stage, together: what excludes each other is refused. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release import ChangeCalendar, DeploymentWindow
from dpra_constructs.release.stage_conditions import (
    EntryCondition,
    FailureCondition,
    LambdaInvoke,
    OpenWindow,
    Rule,
    StageCondition,
    SuccessCondition,
)
from dpra_constructs.release.stage_conditions.service_terms import MOST_RULES

SOURCE_ARTIFACT = "Source"
CALENDAR_FUNCTION = "ChangeCalendar"
ROLLBACK = FailureCondition()


@dataclass(frozen=True, kw_only=True, slots=True)
class StageConditions:
    """What has to hold before a stage and after it; nothing has to without them."""

    before_entry: EntryCondition | None = None
    on_success: SuccessCondition | None = None
    on_failure: FailureCondition | None = None

    def __iter__(self) -> Iterator[StageCondition]:
        """Go over those that are there."""
        given = (self.before_entry, self.on_success, self.on_failure)
        return (each for each in given if each is not None)

    @property
    def properties(self) -> dict[str, Any]:
        """The stage's properties of CloudFormation."""
        return {each.KIND: each.properties for each in self}

    def reading(self, artifacts: Mapping[str, str]) -> StageConditions:
        """Return them with the names that the pipeline has for artifacts."""
        changed: dict[str, Any] = {
            field: replace(condition, rules=[rule.reading(artifacts) for rule in condition.rules])
            for field in ("before_entry", "on_success", "on_failure")
            if (condition := getattr(self, field)) is not None
        }
        return replace(self, **changed)


NO_CONDITIONS = StageConditions()


def read_conditions(
    where: str,
    *,
    before_entry: object = None,
    on_success: object = None,
    on_failure: object = None,
) -> StageConditions:
    """Return the conditions that a stage is given.

    Raises:
        InvalidArgumentError: one is of another kind, or a stage that rolls back has an entry
            condition.
    """
    check_entry(where, before_entry)
    check_success(where, on_success)
    if on_failure is not None:
        example = 'FailureCondition(result="RETRY")'
        arguments.instance(where, "on_failure", on_failure, FailureCondition, example)
    assert isinstance(before_entry, EntryCondition | None)  # narrows the types; checked above
    assert isinstance(on_success, SuccessCondition | None)
    assert isinstance(on_failure, FailureCondition | None)
    made = StageConditions(before_entry=before_entry, on_success=on_success, on_failure=on_failure)
    rolling = [
        name
        for name, condition in (("on_success", on_success), ("on_failure", on_failure))
        if condition is not None and condition.result == "ROLLBACK"
    ]
    if before_entry is not None and rolling:
        raise InvalidArgumentError(
            where,
            f"it has before_entry, and {' and '.join(rolling)} with the result ROLLBACK; a "
            "rollback would have to pass the entry condition too",
            "give the condition to the stage before as on_success, or take another result",
        )
    return made


def check_entry(where: str, condition: object) -> None:
    """Refuse what is no entry condition of a stage of the DPRA."""
    if condition is None:
        return
    example = 'EntryCondition([LambdaInvoke("Ready", function="ready")])'
    arguments.instance(where, "before_entry", condition, EntryCondition, example)
    assert isinstance(condition, EntryCondition)  # narrows the type
    if condition.result == "SKIP":
        raise InvalidArgumentError(
            where,
            "before_entry has the result SKIP, with which a release goes on without the stage",
            'use result="FAIL"; the stage can be retried',
        )


def check_success(where: str, condition: object) -> None:
    """Refuse what is no condition of a stage's success."""
    if condition is not None:
        example = 'SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])'
        arguments.instance(where, "on_success", condition, SuccessCondition, example)


def check_entry_rules(
    where: str,
    condition: EntryCondition | None,
    window: DeploymentWindow | None,
    calendar: ChangeCalendar | None,
) -> None:
    """Refuse more rules than fit beside a window and a calendar."""
    others = [name for name, each in (("window", window), ("calendar", calendar)) if each]
    count = len(condition.rules) if condition else 0
    if count + len(others) > MOST_RULES:
        raise InvalidArgumentError(
            where,
            f"before_entry has {count} rules, beside {' and '.join(others)}, and CodePipeline "
            f"takes {MOST_RULES} together",
            "check several things in one function",
        )


def production_entry(
    *,
    pipeline: str,
    stage: str,
    condition: EntryCondition | None,
    window: DeploymentWindow | None,
    calendar: ChangeCalendar | None,
) -> EntryCondition | None:
    """Return what has to hold before a stage that lets a release into production.

    The rules carry the stage's name too, because a rule's name stands only once in a pipeline.
    """
    rules: list[Rule] = [OpenWindow(f"Window-{stage}", window=window)] if window else []
    if calendar:
        rules.append(
            LambdaInvoke(
                f"{calendar.name}-{stage}",
                function=f"{pipeline}-{CALENDAR_FUNCTION}",
                user_parameters=calendar.user_parameters,
            )
        )
    for rule in condition.rules if condition else ():
        rules.append(replace(rule, name=f"{rule.name}-{stage}"))
    return EntryCondition(rules) if rules else None


def check_all(
    where: str, stages: Mapping[str, StageConditions], artifacts: Collection[str]
) -> None:
    """Refuse what does not fit together in a pipeline.

    Args:
        where: the pipeline.
        stages: the conditions of each pipeline stage, by its name.
        artifacts: the names that rules can read: the source, and the build's outputs.
    """
    seen: dict[str, str] = {}
    for stage, conditions in stages.items():
        for condition, rule in ((each, rule) for each in conditions for rule in each.rules):
            if rule.name in seen:
                raise InvalidArgumentError(
                    where,
                    f"the rule {rule.name!r} stands in {seen[rule.name]} and in {stage}, and a "
                    "rule's name stands once in a pipeline",
                    "rename one of them",
                )
            seen[rule.name] = stage
            # Before the build has succeeded there are no outputs.
            early = stage == "Build" and condition.KIND != SuccessCondition.KIND
            _check_artifacts(where, stage, rule, [SOURCE_ARTIFACT] if early else artifacts)


def _check_artifacts(where: str, stage: str, rule: Rule, known: Collection[str]) -> None:
    for name in rule.input_artifacts:
        if name not in known:
            raise InvalidArgumentError(
                where,
                f"{rule.where} of {stage} reads the artifact {name!r}, which is none of "
                f"{', '.join(sorted(known))}",
                "name the source, or an output of a build action",
            )
