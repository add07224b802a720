"""CodeBuild: runs the project's buildspec on this machine, under the project's role.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.local_run.build import Build, BuildResult, Variable, run_build
from dpra_constructs.local_run.buildspec import Buildspec, parse_buildspec
from dpra_constructs.local_run.tools import ActionTools, ToolsError, action_tools
from dpra_constructs.rehearsal.emulator.codepipeline import artifacts, build_host
from dpra_constructs.rehearsal.emulator.codepipeline.actions import build_record
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actions.source import (
    clone,
    clone_reference,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actors import Actor, as_service, root
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import (
    ActionFailedError,
    failure_of,
)
from dpra_constructs.rehearsal.emulator.codepipeline.variables import namespaces, resolve

_SERVICE = "codebuild.amazonaws.com"
_DEFAULT_MINUTES = 60
# A test of each region of a wave, and rehearsals beside this one.
_PLACES = 8


@dataclass(frozen=True, slots=True)
class RoleSecrets:
    """Looks parameters and secrets up with the project's role."""

    actor: Actor

    def parameter(self, name: str) -> str:
        """Return a parameter of the Parameter Store, decrypted."""
        try:
            found = self.actor.client("ssm").get_parameter(Name=name, WithDecryption=True)
        except ClientError as error:
            raise failure_of(error) from error
        return str(found["Parameter"]["Value"])

    def secret(self, reference: str) -> str:
        """Return a secret, or one key of it: `id:json-key:version-stage:version-id`."""
        parts = reference.split(":")
        # An ARN has seven parts of its own.
        own = 7 if reference.startswith("arn:") else 1
        secret_id = ":".join(parts[:own])
        key, stage, version = (*parts[own:], "", "", "")[:3]
        options = {"VersionStage": stage} if stage else {}
        options |= {"VersionId": version} if version else {}
        try:
            found = self.actor.client("secretsmanager").get_secret_value(
                SecretId=secret_id, **options
            )
        except ClientError as error:
            raise failure_of(error) from error
        text = str(found["SecretString"])
        if not key:
            return text
        values = json.loads(text)
        if key not in values:
            raise ActionFailedError(
                "ConfigurationError", f"the secret {secret_id} has no key {key}"
            )
        return str(values[key])


def _build(context: ActionContext) -> Result:
    name = context.configuration["ProjectName"]
    codebuild = context.actor.client("codebuild")
    started = codebuild.start_build(projectName=name)["build"]
    record = build_record.BuildRecord(context.actor.account, context.action.region, started["id"])
    record.begin()
    context.run.external_id = started["id"]
    try:
        result = _run(context, started, record)
    except BaseException:
        record.end("FAILED")
        raise
    record.end(result.status)
    # As CodePipeline follows a build; it needs the permission too.
    codebuild.batch_get_builds(ids=[started["id"]])
    if context.run.abandoned.is_set():
        codebuild.stop_build(id=started["id"])
    if result.status != "SUCCEEDED":
        raise build_failed(f"build {started['id']}", result, context.log)
    return Result(external_id=started["id"], variables=dict(result.exported_variables))


def build_failed(what: str, result: BuildResult, log: Path) -> ActionFailedError:
    """Return the error of an action whose build has not succeeded."""
    return ActionFailedError(
        "TimeoutError" if result.status == "TIMED_OUT" else "JobFailed",
        f"{what} is {result.status}: {result.message}; log: {log}",
    )


def _run(
    context: ActionContext, started: Mapping[str, Any], record: build_record.BuildRecord
) -> BuildResult:
    project = _project(context)
    _, _, number = started["id"].rpartition(":")
    actor = as_service(
        _SERVICE, project["serviceRole"], f"AWSCodeBuild-{number}", context.action.region
    )
    logs = build_record.LogStream(actor, f"/aws/codebuild/{project['name']}", number)
    logs.create()
    context.run.log_stream_arn = logs.arn
    primary = context.configuration.get("PrimarySource") or next(iter(context.inputs))
    if primary not in context.inputs:
        raise ActionFailedError(
            "ConfigurationError", f"PrimarySource {primary} is no input artifact"
        )
    sources = source_folders(context, actor)
    buildspec = _buildspec(project, sources[primary])
    build_record.require_reports(actor, project["name"], buildspec, context.pipeline.account)
    with tools_of(context, buildspec, sources[primary]) as tools:
        build = Build(
            buildspec=buildspec,
            source=sources[primary],
            secondary_sources={name: path for name, path in sources.items() if name != primary},
            variables=_variables(context, project),
            environment={
                **build_host.environment(context.folder, context.settings, tools),
                **actor.environment(),
                **_codebuild_variables(context, started, primary),
            },
            secrets=RoleSecrets(actor),
            folder=context.folder / "build",
            log=context.log,
            timeout_seconds=_minutes(project) * 60 / context.settings.time_scale,
            on_phase=record.enter,
            stopped=context.run.abandoned,
        )
        build.folder.mkdir()
        try:
            result = run_build(build)
            if result.status == "SUCCEEDED":
                _write(context, actor, result)
        finally:
            logs.write(context.log)
    return result


@contextmanager
def tools_of(context: ActionContext, buildspec: Buildspec, source: Path) -> Iterator[ActionTools]:
    """Give the action its tools: those that the same commands installed before, as locally."""
    try:
        with action_tools(
            context.settings.cache_folder,
            owner=context.pipeline.name,
            action=context.action.name,
            buildspec=buildspec,
            source=source,
            stopped=context.run.abandoned,
            places=_PLACES,
        ) as tools:
            yield tools
            if not context.run.abandoned.is_set():
                tools.installed()
    except ToolsError as error:
        raise ActionFailedError("JobFailed", str(error)) from error


def _project(context: ActionContext) -> Mapping[str, Any]:
    # CodeBuild itself knows its projects.
    codebuild = root(context.actor.account, context.action.region).client("codebuild")
    name = context.configuration["ProjectName"]
    found = codebuild.batch_get_projects(names=[name])["projects"]
    if not found:
        raise ActionFailedError("ConfigurationError", f"there is no CodeBuild project {name}")
    project: Mapping[str, Any] = found[0]
    return project


def _minutes(project: Mapping[str, Any]) -> int:
    return int(project.get("timeoutInMinutes") or _DEFAULT_MINUTES)


def source_folders(context: ActionContext, actor: Actor) -> dict[str, Path]:
    """Return a folder for each input artifact, with what is in it or what it says to clone."""
    sources = {}
    for index, name in enumerate(context.inputs):
        folder = context.folder / f"src{index}"
        body = context.read(name, actor)
        if reference := clone_reference(body):
            actor.require(reference.permission, reference.resource)
            clone(reference, folder)
        else:
            artifacts.extract(body, folder)
        sources[name] = folder
    return sources


def _buildspec(project: Mapping[str, Any], source: Path) -> Buildspec:
    given = project["source"].get("buildspec") or "buildspec.yml"
    if "\n" in given or given.lstrip().startswith("{"):
        return parse_buildspec(given)
    path = source / given
    if not path.is_file():
        raise ActionFailedError(
            "ConfigurationError", f"YAML_FILE_ERROR: the source has no file {given}"
        )
    return parse_buildspec(path.read_text("utf-8"))


def _variables(context: ActionContext, project: Mapping[str, Any]) -> dict[str, Variable]:
    known = namespaces(context.execution)
    of_project = project.get("environment", {}).get("environmentVariables") or []
    of_action = json.loads(context.configuration.get("EnvironmentVariables", "[]"))
    for variable in of_action:
        variable["value"] = resolve(variable["value"], known)
    return {
        variable["name"]: Variable(
            value=variable["value"], type=variable.get("type") or "PLAINTEXT"
        )
        for variable in [*of_project, *of_action]
    }


def _codebuild_variables(
    context: ActionContext, started: Mapping[str, Any], primary: str
) -> dict[str, str]:
    artifact = context.inputs[primary]
    revisions = context.execution.revisions.values()
    revision = next((each.id for each in revisions if each.artifact == primary), "")
    project, _, number = started["id"].partition(":")
    bucket = artifact.buckets[context.action.region]
    return {
        "CODEBUILD_BUILD_ARN": started["arn"],
        "CODEBUILD_BUILD_ID": started["id"],
        "CODEBUILD_BUILD_NUMBER": str(started.get("buildNumber", 1)),
        "CODEBUILD_BUILD_IMAGE": started.get("environment", {}).get("image", ""),
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": f"codepipeline/{context.pipeline.name}",
        "CODEBUILD_LOG_PATH": number,
        "CODEBUILD_PROJECT_NAME": project,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": revision,
        "CODEBUILD_SOURCE_VERSION": f"arn:aws:s3:::{bucket}/{artifact.key}",
        "CODEBUILD_START_TIME": str(int(context.run.started * 1000)),
    }


def _write(context: ActionContext, actor: Actor, result: BuildResult) -> None:
    for name in context.action.outputs:
        # A build with one output gives its primary artifact; else they go by identifier.
        made = result.artifacts.get(name)
        if made is None and len(context.action.outputs) == 1:
            made = result.artifacts.get("")
        if made is None:
            raise ActionFailedError(
                "JobFailed", f"the buildspec has no artifact {name}, which the action declares"
            )
        context.write(name, made.read_bytes(), actor)


def _check(action: Action) -> Iterable[str]:
    for key in ("BatchEnabled", "CombineArtifacts"):
        if action.configuration.get(key, "false").lower() != "false":
            yield f"{key}"
    if len(action.inputs) > 1 and "PrimarySource" not in action.configuration:
        yield "several input artifacts without PrimarySource"
    if not action.inputs:
        yield "that it has no input artifact"


CODEBUILD = ActionType(
    run=_build,
    keys=frozenset(
        {
            *("ProjectName", "EnvironmentVariables", "PrimarySource", "BatchEnabled"),
            "CombineArtifacts",
        }
    ),
    required=frozenset({"ProjectName"}),
    check=_check,
)
