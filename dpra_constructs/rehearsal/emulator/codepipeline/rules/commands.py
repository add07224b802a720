"""Commands: runs commands on this machine, under the rule's role; all have to succeed.

The service's reference does not say what a rule without input artifacts begins in, and here that
is an empty folder. With several, commands begin in the first.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-Commands.html
"""

from __future__ import annotations

from collections.abc import Iterable

from dpra_constructs.local_run.build import Build, run_build
from dpra_constructs.local_run.buildspec import Buildspec, Phase
from dpra_constructs.rehearsal.emulator.codepipeline import build_host
from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.actions.build_record import LogStream
from dpra_constructs.rehearsal.emulator.codepipeline.actions.codebuild import (
    RoleSecrets,
    build_failed,
    source_folders,
    tools_of,
)
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action

_MINUTES = 55


def _run(context: ActionContext) -> Result:
    actor = context.actor
    logs = LogStream(actor, f"/aws/codepipeline/{context.pipeline.name}", context.run.id)
    logs.create()
    context.run.log_stream_arn = logs.arn
    folders = source_folders(context, actor)
    empty = context.folder / "empty"
    empty.mkdir()
    primary = next(iter(folders), "")
    source = folders.pop(primary, empty)
    buildspec = Buildspec(
        version="0.2", phases={"build": Phase(name="build", commands=context.action.commands)}
    )
    with tools_of(context, buildspec, source) as tools:
        build = Build(
            buildspec=buildspec,
            source=source,
            secondary_sources=folders,
            variables={},
            environment={
                **build_host.environment(context.folder, context.settings, tools),
                **actor.environment(),
                "CODEBUILD_CI": "true",
                "CODEBUILD_INITIATOR": f"codepipeline/{context.pipeline.name}",
            },
            secrets=RoleSecrets(actor),
            folder=context.folder / "build",
            log=context.log,
            timeout_seconds=_MINUTES * 60 / context.settings.time_scale,
            on_phase=lambda phase: None,
            stopped=context.run.abandoned,
        )
        build.folder.mkdir()
        try:
            result = run_build(build)
        finally:
            logs.write(context.log)
    if result.status != "SUCCEEDED":
        raise build_failed("the build of the commands", result, context.log)
    return Result(summary="the commands succeeded")


def _problems(action: Action) -> Iterable[str]:
    if not action.commands:
        yield "that it has no commands"
    for command in action.commands:
        if "\n" in command:
            yield f"the command {command!r}, which has several lines"


COMMANDS = ActionType(run=_run, keys=frozenset(), check=_problems)
