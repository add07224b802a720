"""A short text of a synthesized pipeline: what a snapshot test keeps and a person reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dpra_constructs.release.stage_conditions.condition_text import condition_lines

_PIPELINE = "AWS::CodePipeline::Pipeline"
_ACCOUNT_IN_ROLE = re.compile(r":iam::(\d{12}):role/")


def pipeline_outline(template: Mapping[str, Any]) -> str:
    """Return the pipelines of a template as text: stages, conditions, actions and places.

    It is made from the template alone, so it shows what would be deployed, for any pipeline.
    Names that only CloudFormation knows are left out; account ids are not masked.

    Args:
        template: a CloudFormation template, like `Template.from_stack(stack).to_json()`.

    >>> print(pipeline_outline({"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline",
    ...     "Properties": {"Name": "fruit", "PipelineType": "V2", "Stages": [
    ...         {"Name": "Source", "Actions": [{"Name": "Source", "RunOrder": 1,
    ...             "ActionTypeId": {"Provider": "S3"}}]}]}}}}), end="")
    fruit: V2
    Source
      1 Source: S3
    """
    pipelines = [
        resource["Properties"]
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == _PIPELINE
    ]
    return "".join(f"{line}\n" for pipeline in pipelines for line in _lines(pipeline))


def _lines(pipeline: Mapping[str, Any]) -> Iterator[str]:
    modes = [pipeline.get("PipelineType", "V1"), pipeline.get("ExecutionMode")]
    yield f"{pipeline.get('Name', 'unnamed')}: {', '.join(filter(None, modes))}"
    for trigger in pipeline.get("Triggers", ()):
        for push in trigger["GitConfiguration"].get("Push", ()):
            yield f"starts on a push: {_filters(push)}"
    for stage in pipeline["Stages"]:
        yield stage["Name"]
        yield from (f"  {line}" for line in condition_lines(stage))
        for action in sorted(stage["Actions"], key=lambda each: (each["RunOrder"], each["Name"])):
            yield f"  {action['RunOrder']} {action['Name']}: {_what(action)}"


def _filters(push: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{kind.lower()} {how.lower()} {' '.join(patterns)}"
        for kind, filters in sorted(push.items())
        for how, patterns in sorted(filters.items())
    )


def _notes(action: Mapping[str, Any], configuration: Mapping[str, Any]) -> Iterator[str]:
    # What CloudFormation fills in is no text yet, and a function of others may be told no JSON.
    with suppress(TypeError, ValueError, KeyError):
        yield f"for {json.loads(configuration['UserParameters'])['bake_minutes']} minutes"
    if "TimeoutInMinutes" in action:
        yield f"at most {action['TimeoutInMinutes']} minutes"


def _what(action: Mapping[str, Any]) -> str:
    configuration = action.get("Configuration", {})
    mode = {
        "CHANGE_SET_REPLACE": "change set of",
        "CHANGE_SET_EXECUTE": "deploy",
    }.get(str(configuration.get("ActionMode")))
    if not mode:
        provider = str(action["ActionTypeId"]["Provider"])
        return ", ".join([provider, *_notes(action, configuration)])
    account = _ACCOUNT_IN_ROLE.search(str(action.get("RoleArn", "")))
    place = [account[1] if account else "own account", action.get("Region", "own region")]
    return f"{mode} {configuration['StackName']} in {'/'.join(place)}"
