"""The commands `dpra rehearse` and `dpra bootstrap`."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from dpra_constructs.errors import DpraError

if TYPE_CHECKING:
    from dpra_constructs.rehearsal.rehearsal import Emulation

_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)
_INTERRUPTED = 130
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--directory",
    type=_EXISTING,
    default=".",
    show_default=True,
    help="The folder of the app's cdk.json.",
)
@click.option(
    "--assembly",
    type=_EXISTING,
    help="A cloud assembly (cdk.out) to deploy the pipeline from, instead of synthesizing the app.",
)
@click.option("--commit", default="HEAD", show_default=True, help="The commit to rehearse.")
@click.option("--pipeline", help="The pipeline's name, where an app has several.")
@click.option(
    "--from-stage",
    metavar="STAGE",
    help="Start at this stage, from the state that the last rehearsal saved in front of it.",
)
@click.option("--approve", "answer", flag_value="approve", help="Approve without asking.")
@click.option("--reject", "answer", flag_value="reject", help="Reject without asking.")
@click.option("--fault", metavar="NAME", help="Rehearse a fault; `list` lists them.")
@click.option("--json", "json_file", type=_FILE, help="Write the result to this file.")
@click.option("--html", "html_file", type=_FILE, help="Write a report to this file.")
@click.option(
    "--log-folder",
    type=_FOLDER,
    default="rehearsal.out",
    show_default=True,
    help="Where logs and saved states go.",
)
@click.option("--keep", is_flag=True, help="Leave the emulator up until Ctrl-C.")
@click.option(
    "--time-scale",
    type=click.FloatRange(min=1, max=1200),
    default=600,
    show_default=True,
    help="How many minutes of a bake pass in one.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="When the release comes to deployment windows and change calendars, like "
    "2026-06-05T17:30+02:00; without it they count as open.",
)
def rehearse(
    directory: Path,
    assembly: Path | None,
    commit: str,
    pipeline: str | None,
    from_stage: str | None,
    answer: str | None,
    fault: str | None,
    time_scale: float,
    at: str | None,
    json_file: Path | None,
    html_file: Path | None,
    log_folder: Path,
    keep: bool,
) -> None:
    """Take a commit through the app's pipeline on an emulator on this machine.

    Deploys the pipeline with the CDK CLI to an emulator of AWS, with IAM enforced; starts it with
    the commit, and follows it through every stage: builds, self-mutation, assets, deployments to
    all accounts and regions, tests, approval and waves. Then reads back from each region what runs
    there. Nothing is sent to AWS, and no credentials are used.

    Exits with 0 when the commit runs everywhere, with 1 when it does not, with 2 when the command
    is wrong, and with 130 after Ctrl-C.

    Needs git, the CDK CLI on PATH, and the extra `rehearsal`.
    """
    _need_the_extra()
    from dpra_constructs import rehearsal
    from dpra_constructs.cli.rehearsal_display import RehearsalDisplay
    from dpra_constructs.rehearsal import faults
    from dpra_constructs.rehearsal.html_report import html_report
    from dpra_constructs.rehearsal.summary import (
        as_json,
        fault_json,
        fault_lines,
        summary_lines,
    )

    console = Console(highlight=False, soft_wrap=True)
    if fault == "list":
        for each in faults.FAULTS.values():
            console.print(f"{each.name:<28} {each.description}")
        return
    if fault and html_file:
        raise click.UsageError("--html is for a rehearsal without a fault; --json tells of faults")
    if from_stage and commit != "HEAD":
        raise click.UsageError(
            "--from-stage goes on with the commit of the saved state; leave --commit out"
        )
    if fault and at:
        raise click.UsageError("--at is for a rehearsal without a fault; faults set the time")
    if at:
        _check_time(at)
    _end_as_by_ctrl_c()
    display = RehearsalDisplay(console, {"approve": True, "reject": False}.get(answer or ""))
    try:
        if fault:
            outcome = faults.rehearse_fault(
                fault,
                folder=directory,
                output=log_folder,
                watcher=display,
                commit=commit,
                pipeline=pipeline,
            )
            lines, shown = fault_lines(fault, outcome), fault_json(fault, outcome)
        else:
            result = rehearsal.rehearse(
                folder=directory,
                output=log_folder,
                watcher=display,
                commit=commit,
                pipeline=pipeline,
                assembly=assembly,
                from_stage=from_stage,
                time_scale=time_scale,
                at=at or "",
                keep=(lambda emulation, _: _keep(console, emulation)) if keep else None,
            )
            lines, shown = summary_lines(result), as_json(result)
            if html_file:
                html_file.write_text(html_report(result), "utf-8")
    except DpraError as error:
        display.close()
        raise click.ClickException(str(error)) from None
    except (KeyboardInterrupt, click.Abort):
        display.close()
        console.print("Stopped: the emulator and all builds have ended.")
        raise SystemExit(_INTERRUPTED) from None
    finally:
        display.close()
    console.print()
    for line in lines:
        console.print(line, markup=False)
    if json_file:
        json_file.write_text(json.dumps(shown, indent=2) + "\n", "utf-8")
    if shown["problems"]:
        raise SystemExit(1)


def _need_the_extra() -> None:
    """Miss what the rehearsal needs now, and not in the middle of it or in another process."""
    for name in ("boto3", "ministack"):
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _check_time(at: str) -> None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError(
            f"--at {at} is no time with an offset; write it like 2026-06-05T17:30+02:00"
        )


def _end_as_by_ctrl_c() -> None:
    """Let a plain `kill` end what a rehearsal has started, too."""

    def end(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


def _keep(console: Console, emulation: Emulation) -> None:
    api = emulation.api
    variables = (
        f"AWS_ACCESS_KEY_ID={api.place.account} AWS_SECRET_ACCESS_KEY=rehearsal "
        f"AWS_DEFAULT_REGION={api.place.region} AWS_ENDPOINT_URL={api.endpoint}"
    )
    lines = (
        "",
        "The emulator is up until Ctrl-C. Look at it from another shell, an account's number being "
        "its access key id:",
        f"  export {variables}",
        f"  aws codepipeline get-pipeline-state --name {api.name}",
        f"  aws codepipeline list-pipeline-executions --pipeline-name {api.name}",
        "  aws cloudformation describe-stacks",
    )
    try:
        for line in lines:
            console.print(line, markup=False)
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("Ending the emulator.")


@click.command()
@click.option("--print", "shows", is_flag=True, help="Print the commands; nothing is run.")
@click.option(
    "--directory",
    type=_EXISTING,
    default=".",
    show_default=True,
    help="The folder of the app's cdk.json.",
)
@click.option("--assembly", type=_EXISTING, help="A cloud assembly (cdk.out) to read instead.")
@click.option(
    "--execution-policies",
    metavar="ARNS",
    default="POLICY-ARN",
    show_default=True,
    help="What CloudFormation may do in the accounts: ARNs of IAM policies, by commas.",
)
def bootstrap(shows: bool, directory: Path, assembly: Path | None, execution_policies: str) -> None:
    """Print the `cdk bootstrap` commands for every account and region of the app.

    Each is to be run once, with credentials of its account.
    """
    from dpra_constructs.rehearsal.bootstrap import bootstrap_commands
    from dpra_constructs.rehearsal.rehearsal import read_app

    if not shows:
        raise click.UsageError(
            "say --print: bootstrapping needs credentials of each account, so the commands are "
            "for you to run"
        )
    try:
        app = read_app(directory, assembly)
    except DpraError as error:
        raise click.ClickException(str(error)) from None
    for line in bootstrap_commands(app, execution_policies):
        click.echo(line)
