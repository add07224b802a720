"""The command `dpra metrics`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from dpra_constructs.delivery_metrics.report import Report, html, svg
from dpra_constructs.delivery_metrics.runtime.history import (
    HistoryError,
    from_document,
    production_stages,
    read,
)
from dpra_constructs.delivery_metrics.shown_values import shown_values

_FILE = click.Path(dir_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, dir_okay=False, allow_dash=True)
_DAYS = re.compile(r"(\d{1,5})d")
_BEFORE = timedelta(days=60)
_REPORTS = {".svg": svg, ".html": html}


def _when(context: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    """Read a day, a time, or a number of days back from now."""
    if value is None:
        return None
    if days := _DAYS.fullmatch(value):
        return datetime.now(UTC) - timedelta(days=int(days[1]))
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time; write it like 2026-01-31, 2026-01-31T09:30:00Z or 30d"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@click.command()
@click.argument("pipeline", required=False)
@click.option(
    "--from",
    "file",
    type=_EXISTING,
    help="Read the history from this file instead of AWS; - is the standard input.",
)
@click.option(
    "--since",
    metavar="WHEN",
    callback=_when,
    help="Only executions that began then or later: a day, a time, or 30d.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
@click.option("--report", type=_FILE, help="Write a report with plots: a .html or .svg file.")
@click.option("--region", help="The region of the pipeline; without it, that of the AWS settings.")
def metrics(
    pipeline: str | None,
    file: str | None,
    since: datetime | None,
    as_json: bool,
    report: Path | None,
    region: str | None,
) -> None:
    """Show the delivery metrics of PIPELINE: lead time, deploy frequency, MTBF and MTTR.

    They are computed from the executions that CodePipeline remembers, a year of them, or from a
    file that `aws codepipeline list-pipeline-executions` has printed. Such a file says nothing of
    commits but their ids; it may have their times beside `pipelineExecutionSummaries`:
    "commitTimes": {"<commit>": "2026-01-31T09:30:00Z"}.

    In the output, "-" and null mean that there is no value: nothing has failed, for example.

    \b
    Exit codes:
      0  the metrics are shown
      1  the history cannot be read
      2  wrong usage
    """
    if report and report.suffix not in _REPORTS:
        raise click.UsageError(f"--report {report} is neither .html nor .svg; name it so")
    if file:
        shown = _from_file(file, pipeline, since)
    elif pipeline:
        shown = _from_aws(pipeline, since, region)
    else:
        raise click.UsageError("name a PIPELINE, or a history: --from FILE")
    if report:
        report.write_text(_REPORTS[report.suffix](shown), "utf-8")
    if as_json:
        click.echo(json.dumps(asdict(shown.metrics), indent=2))
        return
    click.echo(shown.heading())
    for name, value in shown_values(shown.metrics):
        click.echo(f"  {name:<20} {value}")


def _from_file(file: str, pipeline: str | None, since: datetime | None) -> Report:
    with click.open_file(file, encoding="utf-8") as opened:
        try:
            executions = from_document(json.load(opened))
        except (HistoryError, ValueError) as error:
            raise click.ClickException(f"{file}: {error}") from None
    return Report(
        pipeline=pipeline or ("stdin" if file == "-" else Path(file).stem),
        executions=executions,
        since=since,
    )


def _from_aws(pipeline: str, since: datetime | None, region: str | None) -> Report:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        raise click.ClickException(
            "boto3 is not installed; run: pip install 'dpra-constructs[metrics]'"
        ) from None
    try:
        codepipeline = boto3.client("codepipeline", region_name=region)
        stages = codepipeline.get_pipeline(name=pipeline)["pipeline"]["stages"]
        production = production_stages([stage["name"] for stage in stages])
        executions = read(
            codepipeline,
            pipeline,
            # What began earlier tells which commits were in production before the window.
            since=since - _BEFORE if since else None,
            production=production or (),
        )
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"the history of {pipeline} cannot be read: {error}") from None
    return Report(
        pipeline=pipeline,
        executions=executions,
        since=since,
        until=datetime.now(UTC),
        has_production=production is not None,
    )
