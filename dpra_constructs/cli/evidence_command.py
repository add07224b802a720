"""The command `dpra evidence`."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from dpra_constructs.cli.asking_aws import asking_aws, place
from dpra_constructs.release.kept_evidence import (
    Evidence,
    EvidenceFile,
    download,
    evidence_of,
    pipeline_of,
)

_EXECUTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@click.command()
@click.argument("execution")
@click.option("--pipeline", help="The pipeline; without it all of the region are asked.")
@click.option(
    "--download",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files into this new or empty folder, each checked with its SHA-256.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@place
def evidence(
    execution: str,
    pipeline: str | None,
    folder: Path | None,
    as_json: bool,
    region: str | None,
    profile: str | None,
) -> None:
    """List the evidence of EXECUTION: provenance, signature, SBOMs and reports.

    EXECUTION is the id of a pipeline execution, as `aws codepipeline list-pipeline-executions` or
    the console shows it. Each line has a file's SHA-256 as Amazon S3 has stored it (- where it
    stores none), its size in bytes, and its path.

    It takes codepipeline:GetPipeline and GetPipelineExecution, codebuild:BatchGetProjects, what
    pipeline.evidence_bucket.grant_read(role) gives, and without --pipeline also
    codepipeline:ListPipelines.

    \b
    Exit codes:
      0  the evidence is listed, and downloaded where --download says so
      1  there is none, or it cannot be read or written
      2  wrong usage
    """
    if not _EXECUTION.fullmatch(execution):
        raise click.UsageError(
            f"EXECUTION={execution!r} is no id of a pipeline execution; write it like "
            "8c5f1a52-0000-4000-8000-000000000000"
        )
    with asking_aws(region, profile) as client:
        codepipeline, s3 = client("codepipeline"), client("s3")
        found = evidence_of(
            execution,
            pipeline or pipeline_of(execution, codepipeline),
            codepipeline=codepipeline,
            codebuild=client("codebuild"),
            s3=s3,
        )
        if folder:
            try:
                _download(found, folder, s3)
            except OSError as error:
                raise click.ClickException(f"{folder} cannot be written: {error}") from None
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    click.echo(
        f"{found.pipeline}, execution {found.execution}: {len(found.files)} files in "
        f"s3://{found.bucket}/{found.prefix}"
    )
    width = max(len(str(file.size)) for file in found.files)
    for file in found.files:
        click.echo(f"{file.sha256 or '-':<64}  {file.size:>{width}}  {file.path}")


def _download(found: Evidence, folder: Path, s3: object) -> None:
    """Download, with a bar on a terminal and nothing elsewhere; the list is what is printed."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("downloading", total=len(found.files))

        def on_file(file: EvidenceFile) -> None:
            progress.update(task, advance=1, description=file.path)

        download(found, folder, s3=s3, on_file=on_file)
