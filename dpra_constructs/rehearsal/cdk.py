"""Runs the CDK CLI for a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dpra_constructs.cdk_cli import CdkError, run_cdk
from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.isolation import child_environment


def cdk(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run the CDK CLI and return what it prints.

    Raises:
        RehearsalError: it is not installed, fails, or runs for more than ten minutes.
    """
    try:
        return run_cdk(arguments, environment or child_environment(), folder)
    except CdkError as error:
        raise RehearsalError(str(error)) from None
