"""Runs one action of the build stage."""

from __future__ import annotations

import re
import shutil
import stat
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run.action_results import ActionResult, Status
from dpra_constructs.local_run.build import Build, BuildResult, Variable, run_build
from dpra_constructs.local_run.build_stage import BuildStageView, StageAction
from dpra_constructs.local_run.buildspec import Buildspec, parse_buildspec
from dpra_constructs.local_run.caller_secrets import CallerSecrets, secret_variables
from dpra_constructs.local_run.reports import summarize
from dpra_constructs.local_run.tools import action_tools
from dpra_constructs.local_run.working_copy import Repository, copy_tree

DEFAULT_BUILDSPEC = "buildspec.yml"
REFERENCE = re.compile(r"#\{([^}.]+)\.([^}]+)\}")


class ActionError(DpraError):
    """An action cannot be run; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionGround:
    """What all actions of a run share.

    Args:
        view: the build stage.
        repository: what is built.
        source: the prepared source, of which each action gets a copy.
        work: the folder for the actions' working copies.
        logs: the folder for their logs.
        cache: the cache folder.
        caller: the caller's variables, as the actions may see them.
        secrets: the caller's variables, with secrets.
        pipeline_variables: values of `#{namespace.name}` that are known from the beginning.
        stopped: set when everything must end.
    """

    view: BuildStageView
    repository: Repository
    source: Path
    work: Path
    logs: Path
    cache: Path
    caller: Mapping[str, str]
    secrets: Mapping[str, str]
    pipeline_variables: Mapping[str, str]
    stopped: threading.Event


def run_action(
    ground: ActionGround,
    action: StageAction,
    earlier: Mapping[str, ActionResult],
    on_phase: Callable[[str], None],
) -> ActionResult:
    """Run an action; whatever is wrong with it is in the result.

    Args:
        ground: what all actions share.
        action: what to run.
        earlier: results of earlier actions by their names.
        on_phase: called with the name of each phase of the build.
    """
    begin = time.monotonic()
    log = ground.logs / f"{action.name}.log"
    folder = ground.work / action.name
    result = ActionResult(
        name=action.name, run_order=action.run_order, status=Status.FAILED, log=log
    )
    try:
        built = _build(ground, action, earlier, on_phase, folder, log)
        result = replace(
            result,
            status=_status(built),
            reason=built.message,
            reports=tuple(summarize(report) for report in built.reports),
            variables=built.exported_variables,
        )
        if result.status is Status.SUCCEEDED:
            result = replace(result, artifacts=_outputs(action, built))
    except (DpraError, OSError, zipfile.BadZipFile) as error:
        stopped = ground.stopped.is_set()
        result = replace(
            result,
            status=Status.STOPPED if stopped else Status.FAILED,
            reason=str(error),
            log=log if log.is_file() else None,
        )
    finally:
        for name in ("source", "inputs"):
            shutil.rmtree(folder / name, ignore_errors=True)
    return replace(result, seconds=time.monotonic() - begin)


def read_buildspec(action: StageAction, source: Path) -> Buildspec:
    """Return the buildspec of an action, from its project or from a file of the source.

    Raises:
        ActionError: there is no such file, or it stands in S3.
        BuildspecError: it is malformed or has what is not supported here.
    """
    text = action.buildspec
    if text is None or _is_path(text):
        path = text or DEFAULT_BUILDSPEC
        if path.startswith("arn:"):
            raise ActionError(f"its buildspec stands in S3 ({path}), which is only in AWS")
        file = source / path
        if not file.is_file():
            raise ActionError(f"its buildspec {path} is not in the source; add it there")
        text = file.read_text("utf-8")
    return _parsed(text)


@cache
def _parsed(text: str) -> Buildspec:
    return parse_buildspec(text)


def referenced(action: StageAction) -> set[tuple[str, str]]:
    """Return the pipeline variables, as namespace and name, that an action refers to."""
    return {
        (found[1], found[2])
        for variable in action.variables.values()
        for found in REFERENCE.finditer(variable.value)
    }


def _is_path(text: str) -> bool:
    return "\n" not in text and not text.lstrip().startswith("{") and ": " not in text


def _build(
    ground: ActionGround,
    action: StageAction,
    earlier: Mapping[str, ActionResult],
    on_phase: Callable[[str], None],
    folder: Path,
    log: Path,
) -> BuildResult:
    if action.problem:
        raise ActionError(action.problem)
    inputs = {name: _input(ground, action, name, earlier, folder) for name in action.inputs}
    if not inputs:
        raise ActionError("it has no input artifact")
    primary = inputs[action.inputs[0]]
    buildspec = read_buildspec(action, primary)
    variables = _variables(ground, action, earlier)
    secrets = CallerSecrets(
        action=action.name,
        variables=secret_variables(buildspec, variables),
        caller=ground.secrets,
    )
    with action_tools(
        ground.cache,
        owner=f"{ground.repository.folder}\n{ground.view.pipeline}",
        action=action.name,
        buildspec=buildspec,
        source=primary,
        stopped=ground.stopped,
    ) as tools:

        def at_phase(name: str) -> None:
            if name in {"PRE_BUILD", "FINALIZING"} and not ground.stopped.is_set():
                tools.installed()
            on_phase(name)

        return run_build(
            Build(
                buildspec=buildspec,
                source=primary,
                secondary_sources={name: inputs[name] for name in action.inputs[1:]},
                variables=variables,
                environment=tools.environment(ground.caller) | _code_build(ground, action),
                secrets=secrets,
                folder=folder / "build",
                log=log,
                timeout_seconds=action.timeout_minutes * 60.0,
                on_phase=at_phase,
                stopped=ground.stopped,
            )
        )


def _input(
    ground: ActionGround,
    action: StageAction,
    name: str,
    earlier: Mapping[str, ActionResult],
    folder: Path,
) -> Path:
    """Return a folder with an input artifact, for this action alone."""
    number = action.inputs.index(name)
    target = folder / "source" if number == 0 else folder / "inputs" / name
    if name in _own_artifacts(ground):
        copy_tree(ground.source, target)
        return target
    for result in earlier.values():
        if name in result.artifacts:
            _unpack(result.artifacts[name], target)
            return target
    sources = [each.name for each in ground.view.sources if each.artifact == name]
    raise ActionError(
        f"its input {name} comes from the source action {sources[0]}, which is not this repository"
        if sources
        else f"its input {name} comes from an action of another stage, which is not run here"
    )


def _own_artifacts(ground: ActionGround) -> set[str]:
    """Return the source artifacts that are this repository: the only one, or by its name."""
    sources = ground.view.sources
    if len(sources) > 1:
        remote = ground.repository.remote.removesuffix("/").removesuffix(".git")
        sources = tuple(
            each
            for each in sources
            if each.repository
            and (
                remote.endswith((f"/{each.repository}", f":{each.repository}"))
                or (not remote and each.repository.endswith(ground.repository.folder.name))
            )
        )
    return {each.artifact for each in sources}


def _variables(
    ground: ActionGround, action: StageAction, earlier: Mapping[str, ActionResult]
) -> dict[str, Variable]:
    """Return the action's variables with pipeline variables and the caller's values filled in."""
    variables = dict(action.variables)
    for name, reason in action.unknown_variables.items():
        if name not in ground.caller:
            raise ActionError(
                f"the value of its variable {name} is not known here: {reason}; export {name}, "
                f"or leave the action out: --skip {action.name}"
            )
        variables[name] = Variable(value=ground.caller[name])
    known = dict(ground.pipeline_variables)
    for result in earlier.values():
        namespace = _namespace(ground.view, result.name)
        known |= {f"{namespace}.{name}": value for name, value in result.variables.items()}

    def filled_in(found: re.Match[str]) -> str:
        name = f"{found[1]}.{found[2]}"
        if name not in known:
            raise ActionError(
                f"the pipeline variable #{{{name}}} is not known here; "
                f"leave the action out: --skip {action.name}"
            )
        return known[name]

    return {
        name: replace(variable, value=REFERENCE.sub(filled_in, variable.value))
        for name, variable in variables.items()
    }


def _namespace(view: BuildStageView, action: str) -> str:
    return next((each.namespace for each in view.actions if each.name == action), "")


def _code_build(ground: ActionGround, action: StageAction) -> dict[str, str]:
    """Return the variables that CodeBuild gives to a build.

    Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    """
    view = ground.view
    build_id = f"{action.project}:{uuid.uuid4()}"
    return {
        "AWS_REGION": view.region,
        "AWS_DEFAULT_REGION": view.region,
        "CODEBUILD_BUILD_ARN": (
            f"arn:{view.partition}:codebuild:{view.region}:{view.account}:build/{build_id}"
        ),
        "CODEBUILD_BUILD_ID": build_id,
        "CODEBUILD_BUILD_IMAGE": action.image,
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": f"codepipeline/{view.pipeline}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": ground.repository.commit,
        "CODEBUILD_SOURCE_REPO_URL": ground.repository.remote,
        "CODEBUILD_SOURCE_VERSION": ground.repository.commit,
    }


def _outputs(action: StageAction, built: BuildResult) -> dict[str, Path]:
    """Return the artifacts by their names in the pipeline."""
    found: dict[str, Path] = {}
    for name in action.outputs:
        # One output is the primary artifact; several are secondary ones with the same names.
        path = built.artifacts.get(name) or (
            built.artifacts.get("") if len(action.outputs) == 1 else None
        )
        if path is None:
            raise ActionError(f"its buildspec has no artifact for the output {name}")
        found[name] = path
    return found


def _status(built: BuildResult) -> Status:
    match built.status:
        case "SUCCEEDED":
            return Status.SUCCEEDED
        case "STOPPED":
            return Status.STOPPED
    return Status.FAILED


def _unpack(archive: Path, target: Path) -> None:
    """Unpack an artifact with the permissions and links of its files."""
    target.mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            mode = entry.external_attr >> 16
            path = target / entry.filename
            if stat.S_ISLNK(mode):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(opened.read(entry).decode())
                continue
            opened.extract(entry, target)
            if stat.S_IMODE(mode):
                path.chmod(stat.S_IMODE(mode))
