"""Finds what CodePipeline would refuse in the conditions of a pipeline's stages.

Reads the properties of an `AWS::CodePipeline::Pipeline` in a template, so that it sees overrides
too, and any pipeline. cfn-lint and `aws_cdk` let through what is found here. What is no literal,
like a reference, is taken as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.deployment_window import check_cron, check_time_zone
from dpra_constructs.release.stage_conditions.service_terms import (
    ALARM_STATES,
    LONGEST_COMMAND,
    LONGEST_VALUE,
    MOST_COMMANDS,
    MOST_RULES,
    OPERATORS,
    RESULTS,
    RETRY_MODES,
    SKIP_RULES,
)

# Provider -> its configuration, the needed part first.
_PROVIDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CloudWatchAlarm": (("AlarmName",), ("AlarmStates", "WaitTime")),
    "CodeBuild": (
        ("ProjectName",),
        ("BatchEnabled", "CombineArtifacts", "EnvironmentVariables", "PrimarySource"),
    ),
    "Commands": ((), ()),
    "DeploymentWindow": (("Cron",), ("TimeZone",)),
    "LambdaInvoke": (("FunctionName",), ("UserParameters",)),
    "VariableCheck": (("Operator", "Value", "Variable"), ()),
}
_NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")


def problems(pipeline: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong, each with the stage; empty is what a pipeline needs.

    Args:
        pipeline: the resource's properties.

    >>> problems({"PipelineType": "V2", "Stages": [
    ...     {"Name": "Prod", "OnFailure": {"Result": "FAIL"}}]})
    ('Prod OnFailure: Result is FAIL, and ROLLBACK or RETRY is needed',)
    """
    return tuple(_problems(pipeline))


def _problems(pipeline: Mapping[str, Any]) -> Iterator[str]:
    names: list[str] = []
    for stage in pipeline.get("Stages", ()):
        for kind in RESULTS:
            if kind not in stage:
                continue
            where = f"{stage.get('Name')} {kind}"
            if pipeline.get("PipelineType") != "V2":
                yield (
                    f"{where}: the pipeline is of type {pipeline.get('PipelineType', 'V1')}, and "
                    "conditions need V2"
                )
            yield from _kind(where, kind, stage[kind], names)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the rule name {name} stands {names.count(name)} times in the pipeline"


def _kind(where: str, kind: str, given: Any, names: list[str]) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield f"{where}: it is no object"
        return
    known = {"Conditions"} | ({"Result", "RetryConfiguration"} if kind == "OnFailure" else set())
    for other in sorted(given.keys() - known):
        yield f"{where}: {other} is not known there"
    conditions = given.get("Conditions")
    if kind == "OnFailure":
        yield from _failure(where, given)
    if conditions is None:
        if kind != "OnFailure":
            yield f"{where}: Conditions is missing"
        return
    if not isinstance(conditions, Sequence) or len(conditions) != 1:
        count = len(conditions) if isinstance(conditions, Sequence) else "no list of"
        yield f"{where}: it has {count} conditions, and exactly 1 is taken"
    for condition in conditions if isinstance(conditions, Sequence) else ():
        yield from _condition(where, kind, condition, names)


def _failure(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    result, retry = given.get("Result"), given.get("RetryConfiguration")
    conditions = given.get("Conditions")
    if result is None and not conditions:
        yield f"{where}: it has neither Result nor Conditions"
    if isinstance(result, str) and result not in RESULTS["OnFailure"]:
        yield f"{where}: Result is {result}, and {_one_of(RESULTS['OnFailure'])} is needed"
    if result == "RETRY" and conditions:
        yield f"{where}: RETRY excludes Conditions"
    if retry is None:
        return
    if result != "RETRY":
        yield f"{where}: RetryConfiguration needs the Result RETRY"
    mode = retry.get("RetryMode") if isinstance(retry, Mapping) else retry
    if not isinstance(mode, Mapping) and mode not in RETRY_MODES:
        yield f"{where}: RetryMode is {mode}, and {_one_of(RETRY_MODES)} is needed"


def _condition(where: str, kind: str, condition: Any, names: list[str]) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        yield f"{where}: a condition is no object"
        return
    result = condition.get("Result")
    allowed = RESULTS[kind] if kind != "OnFailure" else ("ROLLBACK",)
    if not isinstance(result, Mapping) and result not in allowed:
        yield f"{where}: a condition's Result is {result}, and {_one_of(allowed)} is needed"
    rules = condition.get("Rules")
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        yield f"{where}: a condition has no Rules"
        return
    if not 1 <= len(rules) <= MOST_RULES:
        yield f"{where}: a condition has {len(rules)} rules, and 1 to {MOST_RULES} are taken"
    for rule in rules:
        yield from _rule(where, rule, result, names)


def _rule(where: str, rule: Any, result: Any, names: list[str]) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield f"{where}: a rule is no object"
        return
    name, kind = rule.get("Name"), rule.get("RuleTypeId")
    if name is None:
        yield f"{where}: a rule has no Name"
    elif isinstance(name, str):
        if not _NAME.fullmatch(name):
            yield f"{where}: {name!r} is not the name of a rule"
        names.append(name)
    where = f"{where} {name}"
    if not isinstance(kind, Mapping):
        yield f"{where}: RuleTypeId is missing"
        return
    for key, needed in (("Category", "Rule"), ("Owner", "AWS"), ("Version", "1")):
        if kind.get(key, needed) != needed or (key == "Category" and key not in kind):
            yield f"{where}: its {key} is {kind.get(key)}, and {needed} is needed"
    provider = kind.get("Provider")
    if provider not in _PROVIDERS:
        yield f"{where}: its Provider is {provider}, and {_one_of(tuple(_PROVIDERS))} is needed"
        return
    if result == "SKIP" and provider not in SKIP_RULES:
        yield f"{where}: {provider} cannot SKIP, only {' and '.join(SKIP_RULES)}"
    yield from _configuration(where, provider, rule.get("Configuration", {}))
    yield from _commands(where, provider, rule.get("Commands"))


def _configuration(where: str, provider: str, given: Any) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield f"{where}: its Configuration is no object"
        return
    needed, optional = _PROVIDERS[provider]
    for key in needed:
        if key not in given:
            yield f"{where}: {provider} needs {key}"
    for key, value in given.items():
        if key not in (*needed, *optional):
            yield f"{where}: {provider} does not know {key}"
        elif isinstance(value, Mapping):
            continue
        elif not isinstance(value, str):
            yield f"{where}: {key} is {value!r}, and text is needed"
        elif not 1 <= len(value) <= LONGEST_VALUE:
            yield f"{where}: {key} has {len(value)} characters, and 1 to {LONGEST_VALUE} are taken"
        else:
            yield from _value(where, key, value)


def _value(where: str, key: str, value: str) -> Iterator[str]:
    if key == "AlarmStates":
        for state in re.split(r"\s*,\s*", value):
            if state not in ALARM_STATES:
                yield f"{where}: {key} has {state}, and {_one_of(ALARM_STATES)} is needed"
    elif key == "WaitTime" and not re.fullmatch(r"[1-9]\d{0,4}", value):
        yield f"{where}: {key} is {value!r}, and whole minutes are needed"
    elif key == "Operator" and value not in OPERATORS:
        yield f"{where}: {key} is {value}, and {_one_of(OPERATORS)} is needed"
    elif key in ("Cron", "TimeZone"):
        try:
            (check_cron if key == "Cron" else check_time_zone)(where, value)
        except InvalidArgumentError as error:
            yield str(error)


def _commands(where: str, provider: str, given: Any) -> Iterator[str]:
    if provider != "Commands":
        if given:
            yield f"{where}: {provider} takes no Commands"
        return
    if not isinstance(given, Sequence) or not 1 <= len(given) <= MOST_COMMANDS:
        count = len(given) if isinstance(given, Sequence) else 0
        yield f"{where}: it has {count} Commands, and 1 to {MOST_COMMANDS} are taken"
        return
    for command in given:
        if isinstance(command, str) and (
            "\n" in command or not 1 <= len(command) <= LONGEST_COMMAND
        ):
            yield f"{where}: a command is more than one line of {LONGEST_COMMAND} characters"


def _one_of(values: Sequence[str]) -> str:
    return " or ".join(values)
