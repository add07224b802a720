"""Finds the build stage of a pipeline in a cloud assembly, of any CDK pipeline.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dpra_constructs.build_actions.kept_reports import EVIDENCE
from dpra_constructs.cloud_assembly import AssemblyError, assembled_stacks
from dpra_constructs.local_run.build import Variable
from dpra_constructs.local_run.template_values import TemplateValues, UnknownValueError
from dpra_constructs.local_run.working_copy import Repository, SourceError

_PIPELINE = "AWS::CodePipeline::Pipeline"
_PROJECT = "AWS::CodeBuild::Project"
# The tag by which BuildStage marks the project of an action that writes where others read.
PUBLISHES = "dpra:publishes"
# The key of the template's metadata that a DeploymentPipeline writes, without the pipeline's name.
_METADATA = "DPRA::"
_DEFAULT_MINUTES = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAction:
    """An action of the source stage: the artifact that it makes, and what it takes it from."""

    name: str
    artifact: str
    namespace: str
    repository: str
    branch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StageAction:
    """An action of the build stage, as CodePipeline and CodeBuild would run it.

    Args:
        name: the action's name.
        provider: `CodeBuild`; others cannot be run here.
        run_order: actions start after all of a lower order have succeeded.
        project: the CodeBuild project's name.
        buildspec: the text of the buildspec, or its path in the source; None is `buildspec.yml`.
        variables: of project and action; texts may hold `#{namespace.name}`.
        unknown_variables: variables whose values are only known in AWS, with the reason.
        inputs: names of artifacts; the first is the primary source.
        outputs: names of artifacts.
        namespace: under which later actions find its exported variables.
        timeout_minutes: of the project.
        image: the project's image, for `CODEBUILD_BUILD_IMAGE`.
        publishes: whether its project is marked with the tag `dpra:publishes`.
        problem: why it cannot be run here, or empty.
    """

    name: str
    provider: str
    run_order: int
    project: str = ""
    buildspec: str | None = None
    variables: Mapping[str, Variable] = field(default_factory=dict)
    unknown_variables: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    namespace: str = ""
    timeout_minutes: int = _DEFAULT_MINUTES
    image: str = ""
    publishes: bool = False
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildStageView:
    """The build stage of a pipeline: its actions by run order and name.

    Args:
        app_directory: where `cdk.json` is in the source, as a `DeploymentPipeline` says; None
            for other pipelines.
    """

    pipeline: str
    stage: str
    account: str
    region: str
    partition: str
    sources: tuple[SourceAction, ...]
    actions: tuple[StageAction, ...]
    app_directory: str | None = None


def read_build_stage(
    folder: Path, *, pipeline: str | None = None, stage: str | None = None
) -> BuildStageView:
    """Return the build stage of a pipeline.

    Args:
        folder: the cloud assembly.
        pipeline: the pipeline's name or its stack's; needed when there are several.
        stage: the stage's name; without it the first one after the source that has CodeBuild
            actions.

    Raises:
        AssemblyError: there is no such pipeline or stage, or there are several pipelines.
    """
    found = [
        (_pipeline_name(values, id, resource), values, resource)
        for each in assembled_stacks(folder)
        for values in [TemplateValues(each, each.template())]
        for id, resource in values.template.get("Resources", {}).items()
        if resource["Type"] == _PIPELINE
    ]
    names = ", ".join(f"{name} (stack {values.stack.path})" for name, values, _ in found)
    if not found:
        raise AssemblyError(f"{folder} has no pipeline; build an app that has a DeploymentPipeline")
    chosen = [
        each
        for each in found
        if pipeline is None or pipeline in {each[0], each[1].stack.path, each[1].stack.name}
    ]
    if not chosen:
        raise AssemblyError(f"there is no pipeline {pipeline}; there are: {names}")
    if len(chosen) > 1:
        raise AssemblyError(f"there are several pipelines: {names}; say which: --pipeline NAME")
    name, values, resource = chosen[0]
    stages = resource["Properties"]["Stages"]
    actions = _stage(name, stages, stage)
    return BuildStageView(
        pipeline=name,
        stage=actions["Name"],
        account=values.account,
        region=values.region,
        partition=values.partition,
        sources=tuple(_sources(values, stages)),
        actions=tuple(
            sorted(
                (_action(values, each) for each in actions["Actions"]),
                key=lambda action: (action.run_order, action.name),
            )
        ),
        app_directory=values.template.get("Metadata", {})
        .get(f"{_METADATA}{name}", {})
        .get("AppDirectory"),
    )


def source_root(app: Path, repository: Repository, view: BuildStageView) -> Path:
    """Return the folder that the pipeline would have as its source.

    It is the app's folder without the part that the pipeline itself says, so that an example that
    is laid out as a repository is built as one. Pipelines that say nothing, and assemblies that
    stand alone, build the whole repository.

    Args:
        app: the folder of `cdk.json`.
        repository: where it is.
        view: the build stage.

    Raises:
        SourceError: the app is not where its pipeline says.
    """
    app = app.resolve()
    if view.app_directory is None or not (app / "cdk.json").is_file():
        return repository.root
    parts = tuple(part for part in Path(view.app_directory).parts if part != ".")
    if not parts:
        return app
    if app.parts[-len(parts) :] != parts:
        raise SourceError(
            f"pipeline {view.pipeline} has its cdk.json in {view.app_directory} of its source, and "
            f"{app} is another folder; say what is built: --source DIR"
        )
    return app.parents[len(parts) - 1]


def _pipeline_name(values: TemplateValues, id: str, resource: Mapping[str, Any]) -> str:
    try:
        return values.text(resource["Properties"]["Name"])
    except (KeyError, UnknownValueError):
        return id


def _stage(pipeline: str, stages: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    names = ", ".join(each["Name"] for each in stages)
    for stage in stages:
        if wanted is None and any(_is_code_build(each) for each in stage["Actions"]):
            return stage
        if stage["Name"] == wanted:
            return stage
    if wanted is not None:
        raise AssemblyError(f"pipeline {pipeline} has no stage {wanted}; it has: {names}")
    raise AssemblyError(f"no stage of pipeline {pipeline} has a CodeBuild action: {names}")


def _is_code_build(action: Mapping[str, Any]) -> bool:
    kind = action["ActionTypeId"]
    return bool(kind["Provider"] == "CodeBuild" and kind["Category"] in {"Build", "Test"})


def _sources(values: TemplateValues, stages: list[dict[str, Any]]) -> Iterator[SourceAction]:
    for action in (each for stage in stages for each in stage["Actions"]):
        if action["ActionTypeId"]["Category"] != "Source":
            continue
        given = action.get("Configuration", {})
        parts = [given.get("Owner"), given.get("Repo")]
        repository = given.get("FullRepositoryId") or given.get("RepositoryName")
        if repository is None and all(parts):
            repository = {"Fn::Join": ["/", parts]}
        branch = given.get("BranchName") or given.get("Branch")
        for artifact in action.get("OutputArtifacts", []):
            yield SourceAction(
                name=action["Name"],
                artifact=artifact["Name"],
                namespace=action.get("Namespace", ""),
                repository=_known(values, repository),
                branch=_known(values, branch),
            )


def _known(values: TemplateValues, value: object) -> str:
    try:
        return values.text(value) if value is not None else ""
    except UnknownValueError:
        return ""


def _action(values: TemplateValues, action: Mapping[str, Any]) -> StageAction:
    name, provider = action["Name"], action["ActionTypeId"]["Provider"]
    order = int(action.get("RunOrder", 1))
    outputs = tuple(each["Name"] for each in action.get("OutputArtifacts", []))
    configuration = action.get("Configuration", {})
    inputs = [each["Name"] for each in action.get("InputArtifacts", [])]
    # Without PrimarySource there is one input only.
    inputs.sort(key=lambda each: each != configuration.get("PrimarySource"))
    basic = {
        "name": name,
        "provider": provider,
        "run_order": order,
        "inputs": tuple(inputs),
        "outputs": outputs,
        "namespace": action.get("Namespace", ""),
    }
    if not _is_code_build(action):
        return StageAction(**basic)
    found = values.resource(configuration.get("ProjectName"), _PROJECT)
    if found is None:
        shown = json.dumps(configuration.get("ProjectName"))
        problem = f"its CodeBuild project {shown} is not in the template of the pipeline's stack"
        return StageAction(**basic, problem=problem)
    id, project = found
    properties = project["Properties"]
    try:
        variables, unknown = _variables(values, properties, configuration)
        buildspec = _buildspec(values, properties)
        problem = _unsupported(properties, configuration)
    except (UnknownValueError, ValueError) as error:
        variables, unknown, buildspec, problem = {}, {}, None, str(error)
    # Without it the build's commands keep no evidence, which is the pipeline's.
    unknown.pop(EVIDENCE, None)
    return StageAction(
        **basic,
        project=_known(values, properties.get("Name")) or id,
        buildspec=buildspec,
        variables=variables,
        unknown_variables=unknown,
        timeout_minutes=int(properties.get("TimeoutInMinutes", _DEFAULT_MINUTES)),
        image=_known(values, properties.get("Environment", {}).get("Image")),
        publishes=any(
            tag.get("Key") == PUBLISHES and str(tag.get("Value")).lower() == "true"
            for tag in properties.get("Tags", [])
        ),
        problem=problem,
    )


def _buildspec(values: TemplateValues, properties: Mapping[str, Any]) -> str | None:
    given = properties.get("Source", {}).get("BuildSpec")
    if given is None:
        return None
    try:
        return values.text(given)
    except UnknownValueError as error:
        raise UnknownValueError(f"buildspec: {error}") from None


def _variables(
    values: TemplateValues, properties: Mapping[str, Any], configuration: Mapping[str, Any]
) -> tuple[dict[str, Variable], dict[str, str]]:
    """Return variables with their values, and those that are only known in AWS."""
    given = [
        (each["Name"], each["Value"], each.get("Type", "PLAINTEXT"))
        for each in properties.get("Environment", {}).get("EnvironmentVariables", [])
    ]
    known: dict[str, Variable] = {}
    unknown: dict[str, str] = {}
    for name, value, type_name in given:
        try:
            known[name] = Variable(value=values.text(value), type=type_name)
        except UnknownValueError as error:
            unknown[name] = str(error)
    of_action = configuration.get("EnvironmentVariables")
    if of_action is not None:
        try:
            text = values.text(of_action)
        except UnknownValueError as error:
            raise UnknownValueError(f"the action's EnvironmentVariables: {error}") from None
        for each in json.loads(text):
            unknown.pop(each["name"], None)
            known[each["name"]] = Variable(value=each["value"], type=each.get("type", "PLAINTEXT"))
    return known, unknown


def _unsupported(properties: Mapping[str, Any], configuration: Mapping[str, Any]) -> str:
    """Name the first feature that this machine does not have."""
    environment = properties.get("Environment", {})
    kind = str(environment.get("Type", ""))
    if kind.startswith("WINDOWS"):
        return f"its project runs on Windows ({kind}), and this is a POSIX shell"
    if str(configuration.get("BatchEnabled", "false")).lower() == "true":
        return "batch builds (BatchEnabled) are not supported here"
    if properties.get("FileSystemLocations"):
        return "its project mounts file systems (FileSystemLocations), which are only in AWS"
    if environment.get("Certificate"):
        return "its project takes a certificate from S3 (Environment.Certificate)"
    return ""
