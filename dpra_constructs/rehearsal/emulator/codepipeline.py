"""The reading part of CodePipeline's API, over the recorded pipelines.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipeline.html
"""

from __future__ import annotations

import json
from typing import Any

import ministack.app as app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json, json_response

from dpra_constructs.rehearsal.emulator.resource_types import PIPELINES

# Texts in the API, whatever CloudFormation was given.
_CONFIGURATION = "Configuration"
_NUMBERS = ("RunOrder", "TimeoutInMinutes")


def register() -> None:
    """Add the service to MiniStack; calls are checked by its IAM like any other."""
    router.SERVICE_PATTERNS["codepipeline"] = {
        "target_prefixes": ["CodePipeline_20150709"],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": "codepipeline",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    app.SERVICE_HANDLERS["codepipeline"] = _answer


async def _answer(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Any:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    request = json.loads(body or b"{}")
    match operation:
        case "ListPipelines":
            return json_response(
                {
                    "pipelines": [
                        {
                            "name": record["name"],
                            "version": record["version"],
                            "pipelineType": record["properties"].get("PipelineType", "V1"),
                        }
                        for record in PIPELINES.records.values()
                    ]
                }
            )
        case "GetPipeline":
            record = PIPELINES.records.get(request.get("name"))
            if record is None:
                return error_response_json(
                    "PipelineNotFoundException", f"no pipeline {request.get('name')}", 400
                )
            return json_response(
                {
                    "pipeline": declaration(record),
                    "metadata": {"pipelineArn": record["attributes"]["Arn"]},
                }
            )
        case _:
            return error_response_json(
                "InvalidAction", f"{operation} is not part of this rehearsal", 400
            )


def declaration(record: dict[str, Any]) -> dict[str, Any]:
    """Return a pipeline as the API shows it, from its CloudFormation properties."""
    properties = {
        name: value
        for name, value in record["properties"].items()
        if name not in ("ArtifactStores", "RestartExecutionOnUpdate", "Tags")
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
