"""The commands of `dpra`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from dpra_constructs.cli.build_command import build
from dpra_constructs.cli.pre_commit_command import pre_commit
from dpra_constructs.errors import DpraError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dpra-constructs")
def dpra() -> None:
    """Deployment pipelines after the Deployment Pipeline Reference Architecture."""


dpra.add_command(build)
dpra.add_command(pre_commit)


@dpra.command()
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder of the app's cdk.json.",
)
@click.option(
    "--assembly",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A cloud assembly (cdk.out) to take instead of synthesizing the app.",
)
def rehearse(directory: Path, assembly: Path | None) -> None:
    """Deploy the app's pipelines to an emulator on this machine.

    Synthesizes the CDK app, starts the emulator on loopback with IAM enforced, bootstraps every
    account and region, runs `cdk deploy` of each pipeline stack and its support stacks, reads the
    pipelines back and shows their stages and actions. Nothing is sent to AWS, and no credentials
    are used. Exits with 1 when a step fails.

    Needs the CDK CLI on PATH and the extra `rehearsal`.
    """
    from dpra_constructs import rehearsal

    console = Console(highlight=False)
    try:
        result = rehearsal.rehearse(
            folder=directory,
            assembly=assembly,
            progress=lambda step: console.print(f"{step} ..."),
        )
    except DpraError as error:
        raise click.ClickException(str(error)) from None
    for pipeline in result.pipelines:
        table = Table(
            title=f"{pipeline.name}: {pipeline.type}, {pipeline.execution_mode}",
            title_justify="left",
        )
        for heading in ("Stage", "Order", "Action", "Provider", "Account", "Region"):
            table.add_column(heading, no_wrap=True)
        stage = ""
        for action in pipeline.actions:
            new = action.stage != stage
            if new and stage:
                table.add_section()
            table.add_row(
                action.stage if new else "",
                str(action.run_order),
                action.name,
                action.provider,
                action.account,
                action.region,
            )
            stage = action.stage
        # A table that a pipe cuts at 80 columns would hide the regions.
        Console(highlight=False, width=max(console.width, 150)).print(table)
    console.print("Not checked by the emulator:")
    for line in rehearsal.NOT_CHECKED:
        console.print(f"  - {line}")
    console.print(
        "Seconds: " + ", ".join(f"{name} {took:.1f}" for name, took in result.seconds.items())
    )
