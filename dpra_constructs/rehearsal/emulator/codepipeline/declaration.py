"""A pipeline's declaration: as the API shows it, and as the executor reads it.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

# Texts in the API, whatever CloudFormation was given.
_CONFIGURATION = "Configuration"
_NUMBERS = ("RunOrder", "TimeoutInMinutes")
_OF_CLOUDFORMATION_ONLY = (
    "ArtifactStores",
    "DisableInboundStageTransitions",
    "RestartExecutionOnUpdate",
    "Tags",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """An action; `region` is where it works, and `role_arn` empty for the pipeline's own role."""

    name: str
    stage: str
    category: str
    owner: str
    provider: str
    version: str
    run_order: int
    region: str
    role_arn: str
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str
    timeout_minutes: int | None
    unknown: tuple[str, ...]
    #: Of a Commands rule.
    commands: tuple[str, ...] = ()

    @property
    def type(self) -> dict[str, str]:
        """The action's type as the API spells it."""
        return {
            "category": self.category,
            "owner": self.owner,
            "provider": self.provider,
            "version": self.version,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A condition of a stage: `beforeEntry`, `onSuccess` or `onFailure`.

    Its rules are read as actions are, of the category `Rule`.
    """

    kind: str
    result: str
    rules: tuple[Action, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A pipeline stage, with what happens when it fails: `FAIL`, `ROLLBACK` or `RETRY`."""

    name: str
    actions: tuple[Action, ...]
    on_failure: str
    retry_mode: str
    conditions: Mapping[str, Condition]
    unsupported: tuple[str, ...]

    def by_run_order(self) -> Iterator[tuple[Action, ...]]:
        """Give the actions that run at the same time, one group after the other."""
        ordered = sorted(self.actions, key=lambda action: action.run_order)
        for _, group in groupby(ordered, key=lambda action: action.run_order):
            yield tuple(group)

    @property
    def is_source(self) -> bool:
        """Whether it has source actions."""
        return any(action.category == "Source" for action in self.actions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """An artifact store in a region."""

    bucket: str
    key_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """A version of a pipeline's structure."""

    name: str
    arn: str
    account: str
    region: str
    version: int
    type: str
    mode: str
    role_arn: str
    stores: Mapping[str, Store]
    stages: tuple[Stage, ...]
    variables: Mapping[str, str | None]
    restarts_on_update: bool

    def stage(self, name: str) -> Stage | None:
        """Return a stage by its name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def after(self, stage: Stage) -> Stage | None:
        """Return the stage that comes next."""
        following = self.stages[self.stages.index(stage) + 1 :]
        return following[0] if following else None


def declaration(record: dict[str, Any]) -> dict[str, Any]:
    """Return a pipeline as the API shows it, from its CloudFormation properties."""
    properties = {
        name: value
        for name, value in record["properties"].items()
        if name not in _OF_CLOUDFORMATION_ONLY
    }
    shown: dict[str, Any] = _lower({"PipelineType": "V1", **properties, "Name": record["name"]})
    shown["version"] = record["version"]
    if stores := record["properties"].get("ArtifactStores"):
        shown["artifactStores"] = {
            store["Region"]: _lower(store["ArtifactStore"]) for store in stores
        }
    return shown


def _lower(value: Any) -> Any:
    """Spell names as the API does: with a small first letter, except inside a configuration."""
    match value:
        case dict():
            return {
                name[:1].lower() + name[1:]: _configuration(each)
                if name == _CONFIGURATION
                else int(each)
                if name in _NUMBERS
                else _lower(each)
                for name, each in value.items()
            }
        case list():
            return [_lower(each) for each in value]
        case _:
            return value


def _configuration(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


def read_pipeline(record: dict[str, Any]) -> Pipeline:
    """Read the executor's view from a record of CloudFormation."""
    shown = declaration(record)
    arn = record["attributes"]["Arn"]
    _, _, _, region, account, _ = arn.split(":", 5)
    stores = {
        each: _store(store)
        for each, store in (shown.get("artifactStores") or {region: shown["artifactStore"]}).items()
    }
    return Pipeline(
        name=shown["name"],
        arn=arn,
        account=account,
        region=region,
        version=shown["version"],
        type=shown["pipelineType"],
        mode=shown.get("executionMode", "SUPERSEDED"),
        role_arn=shown["roleArn"],
        stores=stores,
        stages=tuple(_stage(stage, region) for stage in shown["stages"]),
        variables={
            variable["name"]: variable.get("defaultValue")
            for variable in shown.get("variables", [])
        },
        restarts_on_update=str(record["properties"].get("RestartExecutionOnUpdate")).lower()
        == "true",
    )


def _store(store: Mapping[str, Any]) -> Store:
    return Store(bucket=store["location"], key_id=store.get("encryptionKey", {}).get("id"))


CONDITIONS = ("beforeEntry", "onSuccess", "onFailure")


def _stage(stage: Mapping[str, Any], region: str) -> Stage:
    on_failure = stage.get("onFailure") or {}
    unsupported = ["blockers"] if stage.get("blockers") else []
    conditions = {}
    for kind in CONDITIONS:
        # Of several the service takes one alone.
        given = (stage.get(kind) or {}).get("conditions") or []
        if len(given) > 1:
            unsupported.append(f"{len(given)} conditions in {kind}")
        for condition in given[:1]:
            conditions[kind] = Condition(
                kind=kind,
                result=condition.get("result", ""),
                rules=tuple(
                    _rule(rule, stage["name"], region) for rule in condition.get("rules") or []
                ),
            )
    return Stage(
        name=stage["name"],
        actions=tuple(_action(action, stage["name"], region) for action in stage["actions"]),
        on_failure=on_failure.get("result", "FAIL"),
        retry_mode=on_failure.get("retryConfiguration", {}).get("retryMode", "FAILED_ACTIONS"),
        conditions=conditions,
        unsupported=tuple(unsupported),
    )


def _rule(rule: Mapping[str, Any], stage: str, region: str) -> Action:
    kind = rule["ruleTypeId"]
    type_id = {"owner": "AWS", "version": "1", **kind}
    given = {name: value for name, value in rule.items() if name != "ruleTypeId"}
    commands = given.pop("commands", ()) if type_id["provider"] == "Commands" else ()
    action = _action({**given, "actionTypeId": type_id}, stage, region)
    return replace(action, commands=tuple(commands))


_KNOWN = {
    *("name", "actionTypeId", "runOrder", "configuration", "inputArtifacts", "outputArtifacts"),
    *("roleArn", "region", "namespace", "timeoutInMinutes"),
}


def _action(action: Mapping[str, Any], stage: str, region: str) -> Action:
    kind = action["actionTypeId"]
    return Action(
        name=action["name"],
        stage=stage,
        category=kind["category"],
        owner=kind["owner"],
        provider=kind["provider"],
        version=str(kind["version"]),
        run_order=action.get("runOrder", 1),
        region=action.get("region", region),
        role_arn=action.get("roleArn", ""),
        configuration=action.get("configuration", {}),
        inputs=tuple(artifact["name"] for artifact in action.get("inputArtifacts", [])),
        outputs=tuple(artifact["name"] for artifact in action.get("outputArtifacts", [])),
        namespace=action.get("namespace", ""),
        timeout_minutes=action.get("timeoutInMinutes"),
        unknown=tuple(sorted(set(action) - _KNOWN)),
    )
