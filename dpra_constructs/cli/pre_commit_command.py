"""The command `dpra pre-commit`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dpra_constructs.cli.build_options import read_stage, stage_options, starting
from dpra_constructs.local_run.pre_commit import (
    CONFIGURATION,
    PreCommitError,
    configuration,
    difference,
    hooks_of,
    install_hook,
)


@click.command("pre-commit")
@stage_options
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the file is not right.")
@click.option("--install", is_flag=True, help="Also set the git hook.")
@click.option("--force", is_flag=True, help="With --install: overwrite a hook of someone else.")
def pre_commit(
    directory: Path,
    source: Path | None,
    assembly: Path | None,
    pipeline: str | None,
    stage: str | None,
    synth: bool,
    check: bool,
    install: bool,
    force: bool,
) -> None:
    """Write .pre-commit-config.yaml from the build actions of the app's pipeline.

    Each action becomes a local hook that runs `dpra build --working-tree --only NAME`; the synth
    and actions that publish are left out. Hooks of others in the file stay: only the block
    between the two `dpra pre-commit` comments is written.

    The hooks see the working tree as pre-commit leaves it, which is what is staged.

    --install sets the git hook: `pre-commit install` where that program is on PATH, and else a
    hook of its own that runs `dpra build`; core.hooksPath is respected.

    \b
    Exit codes:
      0  the file is written, or was right
      1  --check: the file is not what the pipeline says; the difference is shown
      2  nothing was done: wrong usage, or the app does not synthesize
    """
    if check and (install or force):
        raise click.UsageError("--check writes nothing; leave out --install and --force")
    if force and not install:
        raise click.UsageError("--force is for --install")
    with starting():
        view, repository = read_stage(
            directory=directory,
            source=source,
            assembly=assembly,
            pipeline=pipeline,
            stage=stage,
            synth=synth,
            say=lambda text: click.echo(text, err=True),
        )
        arguments = _arguments(directory, repository.folder, pipeline, stage)
        hooks = hooks_of(view, [*arguments, *(["--source", "."] if source else [])])
        file = repository.folder / CONFIGURATION
        existing = file.read_text("utf-8") if file.is_file() else ""
        wanted = configuration(hooks, existing)
        changes = difference(existing, wanted)
        if check:
            if changes:
                click.echo(changes, nl=False)
                click.echo(f"{CONFIGURATION} is not what the pipeline says; run: dpra pre-commit")
                sys.exit(1)
            click.echo(f"{CONFIGURATION} is what the pipeline says")
            return
        if changes:
            file.write_text(wanted, "utf-8")
        done = "is written" if changes else "was right"
        click.echo(f"{file} {done}: {', '.join(hooks.actions)}")
        if install:
            click.echo(install_hook(repository, hooks, force=force))


def _arguments(directory: Path, root: Path, pipeline: str | None, stage: str | None) -> list[str]:
    """Return the arguments that the hooks need, which run at the top of the source."""
    arguments = []
    app = directory.resolve()
    if app != root:
        if not app.is_relative_to(root):
            raise PreCommitError(
                f"the app {app} is not in its source {root}; say another one: --source DIR"
            )
        arguments += ["--directory", app.relative_to(root).as_posix()]
    if pipeline:
        arguments += ["--pipeline", pipeline]
    if stage:
        arguments += ["--stage", stage]
    return arguments
