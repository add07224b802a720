"""Reads back which version runs in every account and region, through each region's own API.

What a pipeline says of itself is not believed: the template that the stack has now is compared
with the one in the execution's artifact, the code of its functions with the published asset, and
its HTTP addresses are asked.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import is_loopback
from dpra_constructs.rehearsal.pipeline_api import PipelineApi

ABSENT = "ABSENT"
_EXECUTE = "CHANGE_SET_EXECUTE"
_AT_ONCE = 6
_SECONDS = 30
_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedVersion:
    """A stack in an account and region, and which commit's version runs there.

    Args:
        stage: the pipeline stage that deploys it.
        status: of the stack; `ABSENT` when there is none.
        commit: whose template the stack has; empty when it is nobody's.
        template: SHA-256 of the template.
        code: SHA-256 of the code of each Lambda function, by logical id.
        outputs: of the stack.
        answers: the HTTP status of a GET of each output that is an address.
        problems: what contradicts that the commit's version runs here.
    """

    stage: str
    place: Place
    stack: str
    status: str
    commit: str = ""
    template: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """What an execution deploys: a stack, by an action of a stage."""

    stage: str
    place: Place
    stack: str


def read_versions(
    api: PipelineApi, known: Mapping[str, str] | None = None
) -> tuple[DeployedVersion, ...]:
    """Read every stack that a pipeline deploys, in the order of its stages.

    Args:
        api: the pipeline.
        known: commits by the SHA-256 of templates, from an earlier reading: the artifacts that
            say it may have expired since.
    """
    deployments = _Deployments(api, known or {})
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        return tuple(executor.map(deployments.read, _targets(api)))


def _targets(api: PipelineApi) -> list[_Target]:
    targets: dict[tuple[Place, str], _Target] = {}
    for stage in api.declaration()["stages"]:
        for action in stage["actions"]:
            configuration = action.get("configuration", {})
            if action["actionTypeId"]["provider"] != "CloudFormation":
                continue
            role = action.get("roleArn", "")
            account = role.split(":")[4] if role else api.place.account
            place = Place(account, action.get("region", api.place.region))
            stack = configuration["StackName"]
            targets.setdefault(
                (place, stack), _Target(stage=stage["name"], place=place, stack=stack)
            )
    return list(targets.values())


class _Deployments:
    """Which executions deployed what, from the pipeline's history and its artifacts."""

    def __init__(self, api: PipelineApi, known: Mapping[str, str]) -> None:
        self._api = api
        self._known = known
        self._commits: dict[str, str] = {}
        self._runs: list[dict[str, Any]] = []
        for summary in api.executions():
            execution_id = summary["pipelineExecutionId"]
            revisions = summary.get("sourceRevisions", [])
            self._commits[execution_id] = revisions[0]["revisionId"] if revisions else ""
            self._runs.extend(api.actions(execution_id))
        # The last one that began is the one that counts.
        self._runs.sort(key=lambda run: run["startTime"], reverse=True)
        self._archives: dict[tuple[str, str], Mapping[str, bytes]] = {}

    def read(self, target: _Target) -> DeployedVersion:
        """Read one stack."""
        cloudformation = client("cloudformation", self._api.endpoint, target.place)
        try:
            [stack] = cloudformation.describe_stacks(StackName=target.stack)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return DeployedVersion(
                stage=target.stage, place=target.place, stack=target.stack, status=ABSENT
            )
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        template = _template(cloudformation, target.stack)
        digest = _digest(template)
        commit = self._commit(target, template) or self._known.get(digest, "")
        code, problems = self._code(target, cloudformation, template)
        if not commit:
            problems.append("its template is that of no execution of the pipeline")
        answers = {
            name: answer
            for name, url in outputs.items()
            if (answer := _get(url, problems)) is not None
        }
        return DeployedVersion(
            stage=target.stage,
            place=target.place,
            stack=target.stack,
            status=stack["StackStatus"],
            commit=commit,
            template=digest,
            code=code,
            outputs=outputs,
            answers=answers,
            problems=tuple(problems),
        )

    def _commit(self, target: _Target, template: Any) -> str:
        """Return the commit whose template the stack has, as the last deployment says first."""
        deployed = [
            run["pipelineExecutionId"]
            for run in self._runs
            if run["status"] == "Succeeded" and _is(run, target, _EXECUTE, "CREATE_UPDATE")
        ]
        for execution_id in dict.fromkeys([*deployed, *self._commits]):
            if template is not None and self._template_of(execution_id, target) == template:
                return self._commits[execution_id]
        return ""

    def _template_of(self, execution_id: str, target: _Target) -> Any:
        for run in self._runs:
            path = run.get("input", {}).get("configuration", {}).get("TemplatePath", "")
            if run["pipelineExecutionId"] == execution_id and path and _is(run, target):
                name, _, file = path.partition("::")
                body = self._archive(run, name).get(file)
                return json.loads(body) if body else None
        return None

    def _archive(self, run: Mapping[str, Any], name: str) -> Mapping[str, bytes]:
        for artifact in run["input"].get("inputArtifacts", []):
            if artifact["name"] != name:
                continue
            location = artifact["s3location"]
            place = (location["bucket"], location["key"])
            if place not in self._archives:
                self._archives[place] = self._read_archive(*place)
            return self._archives[place]
        return {}

    def _read_archive(self, bucket: str, key: str) -> Mapping[str, bytes]:
        try:
            body = self._api.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError:
            # Expired, as the fault of that name makes it.
            return {}
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".template.json")]
            return {name: archive.read(name) for name in names}

    def _code(
        self, target: _Target, cloudformation: Any, template: Any
    ) -> tuple[dict[str, str], list[str]]:
        functions = client("lambda", self._api.endpoint, target.place)
        resources = cloudformation.describe_stack_resources(StackName=target.stack)
        code: dict[str, str] = {}
        problems: list[str] = []
        for resource in resources["StackResources"]:
            if resource["ResourceType"] != "AWS::Lambda::Function":
                continue
            logical_id = resource["LogicalResourceId"]
            try:
                configuration = functions.get_function_configuration(
                    FunctionName=resource["PhysicalResourceId"]
                )
            except ClientError as error:
                problems.append(f"{logical_id}: {error}")
                continue
            code[logical_id] = configuration["CodeSha256"]
            published = self._published(target, template, logical_id)
            if published and published != configuration["CodeSha256"]:
                problems.append(f"{logical_id} runs other code than its template names")
        return code, problems

    def _published(self, target: _Target, template: Any, logical_id: str) -> str:
        """Return the SHA-256 of the asset that a function's template names."""
        resource = (template or {}).get("Resources", {}).get(logical_id, {})
        code = resource.get("Properties", {}).get("Code", {})
        bucket, key = code.get("S3Bucket"), code.get("S3Key")
        if isinstance(bucket, dict):
            bucket = bucket.get("Fn::Sub")
        if not isinstance(bucket, str) or not isinstance(key, str):
            return ""
        place = target.place
        for name, value in {"AccountId": place.account, "Region": place.region}.items():
            bucket = bucket.replace(f"${{AWS::{name}}}", value)
        s3 = client("s3", self._api.endpoint, place)
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError:
            return ""
        return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _is(run: Mapping[str, Any], target: _Target, *modes: str) -> bool:
    configuration = run.get("input", {}).get("configuration", {})
    if configuration.get("StackName") != target.stack or run["stageName"] != target.stage:
        return False
    if run["input"].get("region") not in (None, target.place.region):
        return False
    return not modes or configuration.get("ActionMode") in modes


def _template(cloudformation: Any, stack: str) -> Any:
    try:
        body = cloudformation.get_template(StackName=stack, TemplateStage="Original")
    except ClientError:
        return None
    text = body["TemplateBody"]
    return json.loads(text) if isinstance(text, str) else json.loads(json.dumps(text))


def _digest(template: Any) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()


def _get(url: str, problems: list[str]) -> int | None:
    if not url.startswith("http"):
        return None
    if not is_loopback(url):
        problems.append(f"{url} is not on this machine, and was not asked")
        return None
    # No proxy of the caller's environment may see it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with opener.open(url, timeout=_SECONDS) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return error.code
                if attempt == _ATTEMPTS:
                    problems.append(f"{url} answers {error.code}")
                    return error.code
        except OSError as error:
            problems.append(f"{url} does not answer: {error}")
            return None
        # A function that is started on a busy machine may be too late for its first request.
        time.sleep(1)
    return None
