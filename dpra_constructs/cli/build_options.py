"""What `dpra build` and `dpra pre-commit` share: which pipeline, and the exit code 2."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run.assembly_cache import synthesized_assembly
from dpra_constructs.local_run.build_stage import BuildStageView, read_build_stage, source_root
from dpra_constructs.local_run.cache_folder import CacheFolder
from dpra_constructs.local_run.working_copy import Repository, find_repository

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class CannotStartError(click.ClickException):
    """The command cannot start: wrong usage, or an app that does not synthesize."""

    exit_code = 2


@contextmanager
def starting() -> Iterator[None]:
    """Turn the library's errors into a message and the exit code 2."""
    try:
        yield
    except DpraError as error:
        raise CannotStartError(str(error)) from None


def stage_options(command: _Command) -> _Command:
    """Add the options that say which build stage."""
    options = (
        click.option(
            "--directory",
            type=_FOLDER,
            default=".",
            show_default=True,
            help="The folder of the app's cdk.json, in the git repository that is built.",
        ),
        click.option(
            "--source",
            type=_FOLDER,
            help="The top folder of what is built; without it, as the pipeline says, or the whole "
            "git repository.",
        ),
        click.option(
            "--assembly",
            type=_FOLDER,
            help="A cloud assembly (cdk.out) to take instead of synthesizing the app.",
        ),
        click.option("--pipeline", metavar="NAME", help="Which pipeline, if there are several."),
        click.option(
            "--stage",
            metavar="NAME",
            help="Which stage; without it the first after the source that has CodeBuild actions.",
        ),
        click.option(
            "--synth",
            is_flag=True,
            help="Synthesize the app even if none of its files changed since the last time.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_stage(
    *,
    directory: Path,
    source: Path | None,
    assembly: Path | None,
    pipeline: str | None,
    stage: str | None,
    synth: bool,
    say: Callable[[str], None],
) -> tuple[BuildStageView, Repository]:
    """Return the build stage, and the repository that it builds with the source's folder.

    Raises:
        DpraError: there is none.
    """
    repository = find_repository(directory)
    if assembly is None:
        say("Synthesizing the app, if it changed ...")
        cache = CacheFolder.of(os.environ)
        assembly = synthesized_assembly(directory, repository, cache, os.environ, afresh=synth)
    view = read_build_stage(assembly, pipeline=pipeline, stage=stage)
    return view, repository.at(source or source_root(directory, repository, view))
