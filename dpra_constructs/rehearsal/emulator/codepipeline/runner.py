"""Runs one action: its roles, its input artifacts in its region, its outcome."""

from __future__ import annotations

import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from dpra_constructs.errors import DpraError
from dpra_constructs.rehearsal.emulator.codepipeline import artifacts
from dpra_constructs.rehearsal.emulator.codepipeline.actions import ACTION_TYPES
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actors import Actor, as_service
from dpra_constructs.rehearsal.emulator.codepipeline.clock import Clock
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import (
    ActionFailedError,
    failure_of,
)
from dpra_constructs.rehearsal.emulator.codepipeline.rules import RULE_TYPES
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    FAILED,
    SUCCEEDED,
    ActionRun,
    Artifact,
    Execution,
)
from dpra_constructs.rehearsal.emulator.codepipeline.variables import namespaces, resolve
from dpra_constructs.rehearsal.settings import Settings

_SERVICE = "codepipeline.amazonaws.com"
# Resolved in each variable's value by the action itself.
_LATER = "EnvironmentVariables"


def log_file(settings: Settings, execution: Execution, run: ActionRun) -> Path:
    """Return where an action's log stands."""
    action = run.action
    folder = settings.work / execution.id
    return folder / f"{action.stage}.{action.name}.{run.id[:8]}.log"


def perform(
    execution: Execution,
    run: ActionRun,
    settings: Settings,
    clock: Clock,
    changed: Callable[[], None],
) -> None:
    """Run an action to its end, and write the outcome into its run.

    Args:
        changed: called when there is something new to show of it, while it runs.
    """
    log = log_file(settings, execution, run)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Short, and without the execution's id: npm hides what looks like one in what it prints.
    # In the emulator's own folder, and not beside logs that may stand in a repository: tools look
    # for their configuration in the folders above.
    folder = Path(tempfile.gettempdir()) / "builds" / run.id[:8]
    try:
        result = _perform(execution, run, settings, clock, log, folder, changed)
    except ActionFailedError as error:
        _fail(run, error, log)
    except (ClientError, BotoCoreError) as error:
        _fail(run, failure_of(error), log)
    except DpraError as error:
        _fail(run, ActionFailedError("ConfigurationError", str(error)), log)
    except Exception as error:
        # A defect of this rehearsal must end the action, and never let it pass.
        with log.open("a", encoding="utf-8") as lines:
            traceback.print_exc(file=lines)
        message = f"the rehearsal itself failed: {type(error).__name__}: {error}; see {log}"
        _fail(run, ActionFailedError("JobFailed", message), log)
    else:
        run.summary = result.summary or run.summary
        run.external_id = result.external_id or run.external_id
        run.external_url = result.external_url or run.external_url
        run.output_variables = result.variables
        if result.revision:
            execution.revisions[run.action.name] = result.revision
        # Before the status, which is read at any time.
        run.updated = clock.now()
        run.status = SUCCEEDED
    finally:
        # Nothing waits for the removal of a build's thousands of files.
        threading.Thread(
            target=shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, daemon=True
        ).start()
    run.updated = clock.now()


def _fail(run: ActionRun, error: ActionFailedError, log: Path) -> None:
    with log.open("a", encoding="utf-8") as lines:
        lines.write(f"{error.code}: {error}\n")
    run.error_code, run.error_message, run.updated = error.code, str(error), Clock().now()
    run.status = FAILED


def _perform(
    execution: Execution,
    run: ActionRun,
    settings: Settings,
    clock: Clock,
    log: Path,
    folder: Path,
    changed: Callable[[], None],
) -> Result:
    action, pipeline = run.action, execution.pipeline
    run.configuration = _resolved(action, execution)
    service_role = as_service(_SERVICE, pipeline.role_arn, execution.id, pipeline.region)
    inputs = _inputs(service_role, execution, action)
    run.inputs = tuple(inputs.values())
    changed()
    actor = (
        service_role.assume(action.role_arn, execution.id, action.region)
        if action.role_arn
        else service_role
    )
    context = ActionContext(
        pipeline=pipeline,
        execution=execution,
        run=run,
        configuration=run.configuration,
        inputs=inputs,
        actor=actor,
        settings=settings,
        clock=clock,
        log=log,
        folder=folder,
    )
    context.note(f"{action.stage}/{action.name} as {actor.role_arn} in {action.region}")
    folder.mkdir(parents=True)
    types = {**ACTION_TYPES, **RULE_TYPES}
    result = types[action.owner, action.category, action.provider].run(context)
    missing = set(action.outputs) - {artifact.name for artifact in run.outputs}
    if missing:
        raise ActionFailedError(
            "JobFailed", f"the action made no output artifact {', '.join(sorted(missing))}"
        )
    run.outputs = tuple(
        artifacts.copy(service_role, pipeline, artifact, pipeline.region)
        for artifact in run.outputs
    )
    return result


def _resolved(action: Action, execution: Execution) -> dict[str, str]:
    known = namespaces(execution)
    return {
        key: value if key == _LATER else resolve(value, known)
        for key, value in action.configuration.items()
    }


def _inputs(actor: Actor, execution: Execution, action: Action) -> dict[str, Artifact]:
    inputs = {}
    for name in action.inputs:
        artifact = execution.artifacts.get(name)
        if artifact is None:
            raise ActionFailedError(
                "ConfigurationError", f"no action before this one has made the artifact {name}"
            )
        inputs[name] = artifacts.copy(actor, execution.pipeline, artifact, action.region)
    return inputs
