"""The commands of `dpra`."""

from __future__ import annotations

import click

from dpra_constructs.cli.build_command import build
from dpra_constructs.cli.evidence_command import evidence
from dpra_constructs.cli.metrics_command import metrics
from dpra_constructs.cli.pre_commit_command import pre_commit
from dpra_constructs.cli.rehearse import bootstrap, rehearse
from dpra_constructs.cli.release_commands import override, resume
from dpra_constructs.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dpra-constructs")
def dpra() -> None:
    """Deployment pipelines after the Deployment Pipeline Reference Architecture."""


for command in (
    *(build, metrics, pre_commit, rehearse, bootstrap),
    *(resume, override, verify, evidence),
):
    dpra.add_command(command)
