"""The commands of `dpra`."""

from __future__ import annotations

import click

from dpra_constructs.cli.rehearse import bootstrap, rehearse


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dpra-constructs")
def dpra() -> None:
    """Deployment pipelines after the Deployment Pipeline Reference Architecture."""


dpra.add_command(rehearse)
dpra.add_command(bootstrap)
