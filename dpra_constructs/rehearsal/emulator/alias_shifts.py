"""Shifts the traffic of a Lambda alias as CodeDeploy does, which MiniStack lacks.

An update of an alias with a `CodeDeployLambdaAliasUpdate` takes its steps on the scaled clock. The
alarms of the deployment group are looked at all the while; one in ALARM takes the traffic back,
and fails the update. Hooks before and after are not called.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, cloudwatch, lambda_svc
from ministack.services.cloudformation import changesets, handlers, provisioners, stacks

from dpra_constructs.rehearsal.emulator.alarms import minutes
from dpra_constructs.rehearsal.emulator.resource_types import RECORDED

_TYPE = "AWS::Lambda::Alias"
_POLL_SECONDS = 0.1
_PREDEFINED = re.compile(
    r"CodeDeployDefault\.Lambda(?P<kind>Canary|Linear)(?P<percent>\d+)Percent(Every)?"
    r"(?P<minutes>\d+)Minutes?"
)
_TEMPLATES: dict[tuple[str, str, str], Mapping[str, Any]] = {}


def register() -> None:
    """Take the place of the update of an alias, and send calls by the alias's weights."""
    _keep_templates()
    handler: Any = provisioners._RESOURCE_HANDLERS[_TYPE]
    update = handler["update"]
    handler["update"] = lambda physical_id, old, new, stack_name, logical_id=None: _update(
        update, physical_id, old, new, stack_name, logical_id
    )
    engine: Any = stacks
    on_a_thread = engine._runs_on_worker_thread
    # It waits, and the requests that it shifts have to be answered meanwhile.
    engine._runs_on_worker_thread = lambda kind: kind == _TYPE or on_a_thread(kind)
    _send_by_weights()


def _send_by_weights() -> None:
    functions: Any = lambda_svc
    effective, invoke = functions._effective_func_record_for_qualifier, functions._invoke

    async def invoke_by_weights(
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Any:
        given = path_qualifier or functions._qp_first(query_params or {}, "Qualifier")
        version = _version(functions._functions.get(name), given)
        qualifier = path_qualifier if version == given else version
        return await invoke(name, event, headers, qualifier, query_params)

    functions._effective_func_record_for_qualifier = lambda func, qualifier: effective(
        func, _version(func, qualifier)
    )
    functions._invoke = invoke_by_weights


def steps(routing: Mapping[str, Any]) -> Iterator[tuple[float, int]]:
    """Yield the percentages of the new version, each with the minutes that are waited after it.

    >>> list(steps({"kind": "Linear", "percent": 40, "minutes": 1}))
    [(40, 1), (80, 1), (100, 0)]
    """
    shifted = routing["percent"]
    while shifted < 100:
        yield shifted, routing["minutes"]
        shifted = 100 if routing["kind"] == "Canary" else shifted + routing["percent"]
    yield 100, 0


def _keep_templates() -> None:
    """Keep the template of each deployment: a handler gets a resource's properties alone."""
    deploy: Any = stacks._deploy_stack_async

    async def deploy_stack(
        stack_name: str, stack_id: str, template: dict[str, Any], *more: Any, **named: Any
    ) -> Any:
        _TEMPLATES[get_account_id(), get_region(), stack_name] = template
        return await deploy(stack_name, stack_id, template, *more, **named)

    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = deploy_stack


def _update(
    update: Any,
    physical_id: str,
    old: dict[str, Any],
    new: dict[str, Any],
    stack_name: str,
    logical_id: str | None,
) -> Any:
    name = str(new.get("FunctionName", "")).rpartition(":function:")[2]
    alias = ((lambda_svc._functions.get(name) or {}).get("aliases") or {}).get(new.get("Name"))
    group = _group(stack_name, logical_id)
    if alias and group and alias.get("FunctionVersion") != new.get("FunctionVersion"):
        _shift(name, alias, str(new["FunctionVersion"]), group)
    return update(physical_id, old, new, stack_name, logical_id)


def _group(stack_name: str, logical_id: str | None) -> Mapping[str, Any] | None:
    """Return the properties of the deployment group that shifts an alias, if it has one."""
    template = _TEMPLATES.get((get_account_id(), get_region(), stack_name), {})
    resource = template.get("Resources", {}).get(logical_id, {})
    policy = resource.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
    given = policy.get("DeploymentGroupName")
    if isinstance(given, Mapping):
        resources = cloudformation._stacks[stack_name].get("_resources", {})
        given = resources.get(given.get("Ref"), {}).get("PhysicalResourceId")
    record = RECORDED["AWS::CodeDeploy::DeploymentGroup"].records.get(given) if given else None
    return record["properties"] if record else None


def _shift(name: str, alias: dict[str, Any], version: str, group: Mapping[str, Any]) -> None:
    routing = _routing(str(group.get("DeploymentConfigName", "")))
    alarms = [
        str(each["Name"])
        for each in group.get("AlarmConfiguration", {}).get("Alarms", [])
        if group["AlarmConfiguration"].get("Enabled")
    ]
    for percent, waited in steps(routing):
        if percent < 100:
            _set(alias, {version: percent / 100})
        deadline = time.monotonic() + waited * 60 / minutes.SCALE
        while True:
            if red := next((each for each in alarms if _state(each) == "ALARM"), None):
                _set(alias, {})
                raise ValueError(
                    f"CodeDeploy (emulated): the deployment of {name}:{alias['Name']} was stopped "
                    f"at {percent:g} percent and rolled back, as the alarm {red} is in ALARM"
                )
            if time.monotonic() >= deadline:
                break
            time.sleep(min(_POLL_SECONDS, waited * 60 / minutes.SCALE))
    # All of it goes with the new version, which the update writes.
    _set(alias, {})


def _routing(name: str) -> Mapping[str, Any]:
    if found := _PREDEFINED.fullmatch(name):
        return {
            "kind": found["kind"],
            "percent": int(found["percent"]),
            "minutes": int(found["minutes"]),
        }
    record = RECORDED["AWS::CodeDeploy::DeploymentConfig"].records.get(name)
    config = (record or {"properties": {}})["properties"].get("TrafficRoutingConfig", {})
    for kind in ("Canary", "Linear"):
        if terms := config.get(f"TimeBased{kind}"):
            return {
                "kind": kind,
                "percent": int(terms[f"{kind}Percentage"]),
                "minutes": int(terms[f"{kind}Interval"]),
            }
    return {"kind": "AllAtOnce", "percent": 100, "minutes": 0}


def _set(alias: dict[str, Any], weights: dict[str, float]) -> None:
    if weights:
        alias["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    else:
        alias.pop("RoutingConfig", None)


def _state(name: str) -> str | None:
    alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name) or {}
    state = alarm.get("StateValue")
    return str(state) if state else None


def _version(func: dict[str, Any] | None, qualifier: str | None) -> str | None:
    """Return which version a call of an alias gets; any other qualifier as it is."""
    alias = ((func or {}).get("aliases") or {}).get(qualifier)
    weights = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    drawn = random.random()
    for version, weight in weights.items():
        if drawn < float(weight):
            return str(version)
        drawn -= float(weight)
    return qualifier
