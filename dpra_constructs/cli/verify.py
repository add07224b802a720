"""`dpra verify`: says whether a downloaded artifact is what was sealed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dpra_constructs.artifact_integrity.offline import verified_offline
from dpra_constructs.errors import DpraError


@click.command()
@click.argument("assembly", metavar="DIR", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--public-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key of the pipeline's signing key, in PEM or DER format.",
)
def verify(assembly: Path, public_key: Path) -> None:
    """Verify the sealed cloud assembly in DIR, offline.

    DIR is the folder of the artifact that the action Seal made, or its archive as CodePipeline
    stored it. The signature is checked with the public key, the manifest with the signature, and
    every file with the manifest. Nothing is asked of AWS.

    \b
    The public key of a pipeline's signing key:
      aws kms get-public-key --key-id ARN --query PublicKey --output text |
        base64 --decode >key.der

    Exit code 0: it is what was sealed. 1: it is not, and each difference is a line. 2: it cannot
    be read.
    """
    try:
        found = verified_offline(assembly, public_key)
    except DpraError as error:
        raise click.UsageError(str(error)) from None
    for line in found.differences:
        click.echo(line)
    if found.differences:
        sys.exit(1)
    assert found.statement is not None  # there is one where nothing differs
    repository, revision = found.statement.source
    click.echo(
        f"{assembly} is what was sealed at {found.statement.finished.isoformat()} from "
        f"{repository}, revision {revision}"
    )
