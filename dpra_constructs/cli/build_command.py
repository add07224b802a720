"""The command `dpra build`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from dpra_constructs.cli.build_display import BuildDisplay, show_result
from dpra_constructs.cli.build_options import read_stage, stage_options, starting
from dpra_constructs.local_run.action_results import Status
from dpra_constructs.local_run.cache_folder import CacheFolder
from dpra_constructs.local_run.selection import Selection, select_actions
from dpra_constructs.local_run.stage_run import StageRun, default_jobs, run_stage

_STOPPED_CODE = 130


@click.command()
@stage_options
@click.option(
    "--working-tree",
    is_flag=True,
    help="Build the files as they are in the working tree, tracked or not ignored, instead of "
    "those of the last commit.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Run this action, and those whose artifacts or variables it needs; repeatable.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="NAME",
    help="Do not run this action, nor those that need something of it; the result says so; "
    "repeatable.",
)
@click.option("--list", "list_only", is_flag=True, help="Show the actions, and run nothing.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=default_jobs,
    show_default="number of processors",
    help="How many actions run at a time.",
)
@click.option(
    "--json",
    "json_target",
    metavar="FILE|-",
    help="Write the result as JSON to a file, or to standard output (all else then goes to "
    "standard error).",
)
@click.option(
    "--log-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the log of each action goes; without it into the cache.",
)
@click.option(
    "--find-links",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, path_type=Path),
    help="A folder with packages for pip, in addition to PIP_FIND_LINKS; repeatable.",
)
@click.option("--clear-cache", is_flag=True, help="Remove the cache with tools, logs, assembly.")
def build(
    directory: Path,
    source: Path | None,
    assembly: Path | None,
    pipeline: str | None,
    stage: str | None,
    synth: bool,
    working_tree: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    list_only: bool,
    jobs: int,
    json_target: str | None,
    log_folder: Path | None,
    find_links: tuple[Path, ...],
    clear_cache: bool,
) -> None:
    """Run the build stage of the app's pipeline on this machine, before a commit is pushed.

    Reads the cloud assembly of any CDK pipeline, and runs the buildspecs of the build stage's
    CodeBuild actions: the same commands, in the order of the pipeline, each action in a copy of
    the repository of its own. Tools that the commands install are kept in the cache
    (DPRA_CACHE, or ~/.cache/dpra). Nothing is sent to AWS, and no AWS credentials reach an
    action.

    A variable that the pipeline takes from Parameter Store or Secrets Manager is taken from the
    environment variable of the same name. Actions that publish, and actions other than
    CodeBuild's, are skipped, and the result says so.

    \b
    Exit codes:
      0    all actions succeeded, or were skipped
      1    an action failed
      2    nothing was run: wrong usage, or the app does not synthesize
      130  stopped by Ctrl-C; no process is left

    \b
    Examples:
      dpra build                                     the last commit
      dpra build --working-tree --only UnitTests     one action, on what is not committed
      dpra build --skip SonarQube --json result.json
    """
    cache = CacheFolder.of(os.environ)
    console = Console(highlight=False, stderr=json_target == "-")
    if clear_cache:
        with starting():
            removed = cache.clear()
        console.print(f"{'Removed' if removed else 'There is no'} {cache.path}", soft_wrap=True)
        return
    with _ended_by_signals(), starting():
        view, repository = read_stage(
            directory=directory,
            source=source,
            assembly=assembly,
            pipeline=pipeline,
            stage=stage,
            synth=synth,
            say=lambda text: console.print(text, style="dim"),
        )
        selection = select_actions(view, only=only, skip=skip)
        if list_only:
            _list(console, selection)
            return
        environment = dict(os.environ)
        if find_links:
            links = [
                environment.get("PIP_FIND_LINKS", ""),
                # As addresses: pip splits the variable at spaces.
                *(each.absolute().as_uri() for each in find_links),
            ]
            environment["PIP_FIND_LINKS"] = " ".join(filter(None, links))
        display = BuildDisplay(console, [action.name for action in selection.actions])
        with display:
            result = run_stage(
                StageRun(
                    view=view,
                    selection=selection,
                    repository=repository,
                    working_tree=working_tree,
                    cache=cache,
                    environment=environment,
                    jobs=jobs,
                    logs=log_folder,
                    on_change=display.change,
                )
            )
    show_result(console, result)
    if json_target:
        text = json.dumps(result.as_json(), indent=2) + "\n"
        if json_target == "-":
            click.echo(text, nl=False)
        else:
            Path(json_target).write_text(text, "utf-8")
    match result.status:
        case Status.FAILED:
            sys.exit(1)
        case Status.STOPPED:
            sys.exit(_STOPPED_CODE)


def _list(console: Console, selection: Selection) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("Order", "Action", "Provider", "Here"):
        table.add_column(heading, no_wrap=True)
    for action in selection.actions:
        reason = selection.skipped.get(action.name)
        here = f"skipped: {reason}" if reason else action.problem or "runs"
        table.add_row(str(action.run_order), action.name, action.provider, here)
    Console(highlight=False, stderr=console.stderr, width=max(console.width, 150)).print(table)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End as by Ctrl-C when the terminal goes away or something ends the process."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(_STOPPED_CODE)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
