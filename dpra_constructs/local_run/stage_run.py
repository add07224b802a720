"""Runs the build stage of a pipeline on this machine, in the order of CodePipeline."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import DpraError
from dpra_constructs.isolation import without_aws
from dpra_constructs.local_run.action_results import ActionResult, StageResult, Status
from dpra_constructs.local_run.action_run import ActionGround, read_buildspec, run_action
from dpra_constructs.local_run.build_stage import BuildStageView, StageAction
from dpra_constructs.local_run.cache_folder import CacheFolder
from dpra_constructs.local_run.caller_secrets import secret_variables
from dpra_constructs.local_run.selection import Selection
from dpra_constructs.local_run.tools import library_folder
from dpra_constructs.local_run.working_copy import (
    Repository,
    commit_message,
    commit_time,
    copy_repository,
    without_git,
)

_FIND_LINKS = "PIP_FIND_LINKS"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionState:
    """Where an action is while the stage runs.

    Args:
        name: the action's name.
        status: waiting, running, or how it ended.
        phase: the phase of its build, while it runs.
        began: when it began, by `time.monotonic()`.
        result: how it ended.
    """

    name: str
    status: Status
    phase: str = ""
    began: float = 0.0
    result: ActionResult | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRun:
    """What a run of the build stage needs.

    Args:
        view: the build stage.
        selection: which of its actions run.
        repository: what is built.
        working_tree: whether the files of the working tree are built, instead of the commit's.
        cache: the cache folder.
        environment: the caller's variables.
        jobs: how many actions run at a time, at least 1.
        logs: the folder for the logs; without it one in the cache.
        on_change: called, from any thread, when an action begins, enters a phase or ends.
    """

    view: BuildStageView
    selection: Selection
    repository: Repository
    working_tree: bool
    cache: CacheFolder
    environment: Mapping[str, str]
    jobs: int
    logs: Path | None = None
    on_change: Callable[[ActionState], None]


def run_stage(run: StageRun) -> StageResult:
    """Run the actions; each run order begins when the one before has succeeded.

    A `KeyboardInterrupt` ends the processes of all actions; the result then says `stopped`.

    Raises:
        SourceError: the source cannot be copied.
        CacheError: the cache folder cannot be used.
    """
    begin = time.monotonic()
    run.cache.make()
    folder = run.cache.new_run()
    work = folder / "work"
    stopped = threading.Event()
    results: dict[str, ActionResult] = {}
    try:
        source = work / "source"
        source.parent.mkdir()
        copy_repository(run.repository, source, working_tree=run.working_tree)
        logs = run.logs or folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        ground = ActionGround(
            view=run.view,
            repository=run.repository,
            source=source,
            work=work / "actions",
            logs=logs.absolute(),
            cache=run.cache.path,
            caller=_caller(run, source),
            secrets=run.environment,
            pipeline_variables=_pipeline_variables(run),
            stopped=stopped,
        )
        with ThreadPoolExecutor(max_workers=max(1, run.jobs)) as pool:
            for _, actions in itertools.groupby(
                run.selection.actions, key=lambda action: action.run_order
            ):
                _run_order(run, ground, list(actions), results, pool)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return StageResult(
        pipeline=run.view.pipeline,
        stage=run.view.stage,
        commit=run.repository.commit,
        working_tree=run.working_tree,
        actions=tuple(results[action.name] for action in run.selection.actions),
        seconds=time.monotonic() - begin,
    )


def _run_order(
    run: StageRun,
    ground: ActionGround,
    actions: list[StageAction],
    results: dict[str, ActionResult],
    pool: ThreadPoolExecutor,
) -> None:
    """Run the actions of one run order, to their end even when one fails, as in the service."""
    earlier = dict(results)
    failed = [each.name for each in earlier.values() if each.status is Status.FAILED]
    futures: list[Future[ActionResult]] = []
    for action in actions:
        if reason := run.selection.skipped.get(action.name):
            results[action.name] = _without_run(run, action, Status.SKIPPED, reason)
        elif ground.stopped.is_set():
            results[action.name] = _without_run(run, action, Status.NOT_RUN, "stopped before")
        elif failed:
            reason = f"{', '.join(failed)} failed"
            results[action.name] = _without_run(run, action, Status.NOT_RUN, reason)
        else:
            futures.append(pool.submit(_run_action, run, ground, action, earlier))
    _wait(futures, ground.stopped)
    results |= {result.name: result for result in (future.result() for future in futures)}


def _wait(futures: list[Future[ActionResult]], stopped: threading.Event) -> None:
    while True:
        try:
            wait(futures)
            return
        except KeyboardInterrupt:
            # Their processes are ended by the builds themselves; that is waited for.
            stopped.set()


def _run_action(
    run: StageRun,
    ground: ActionGround,
    action: StageAction,
    earlier: Mapping[str, ActionResult],
) -> ActionResult:
    if ground.stopped.is_set():
        return _without_run(run, action, Status.NOT_RUN, "stopped before")
    began = time.monotonic()

    def at_phase(phase: str) -> None:
        run.on_change(
            ActionState(name=action.name, status=Status.RUNNING, phase=phase, began=began)
        )

    at_phase("")
    result = run_action(ground, action, earlier, at_phase)
    run.on_change(ActionState(name=action.name, status=result.status, began=began, result=result))
    return result


def _without_run(run: StageRun, action: StageAction, status: Status, reason: str) -> ActionResult:
    result = ActionResult(
        name=action.name, run_order=action.run_order, status=status, reason=reason
    )
    run.on_change(ActionState(name=action.name, status=status, result=result))
    return result


def _caller(run: StageRun, source: Path) -> dict[str, str]:
    """Return the caller's variables without AWS, git, CodeBuild, and the secrets of any action.

    With this library as one more place where pip looks for packages.
    """
    secret: set[str] = set()
    for action in run.view.actions:
        secret |= {name for name, each in action.variables.items() if each.type != "PLAINTEXT"}
        try:
            secret |= secret_variables(read_buildspec(action, source), {}).keys()
        except (DpraError, OSError):
            continue  # said when the action runs
    caller = {
        name: value
        for name, value in without_aws(without_git(run.environment)).items()
        if name not in secret and not name.startswith("CODEBUILD_")
    }
    # As an address: pip splits the variable at spaces.
    links = [caller.get(_FIND_LINKS, ""), library_folder(run.cache.path).as_uri()]
    return caller | {_FIND_LINKS: " ".join(filter(None, links))}


def _pipeline_variables(run: StageRun) -> dict[str, str]:
    """Return the variables of the pipeline and its source action.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
    """
    variables = {"codepipeline.PipelineExecutionId": str(uuid.uuid4())}
    for source in run.view.sources:
        if source.namespace:
            values = {
                "AuthorDate": commit_time(run.repository),
                "BranchName": run.repository.branch or source.branch,
                "CommitId": run.repository.commit,
                "CommitMessage": commit_message(run.repository),
                "FullRepositoryName": source.repository,
                "RepositoryName": source.repository.rpartition("/")[2],
            }
            variables |= {f"{source.namespace}.{name}": each for name, each in values.items()}
    return variables


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
