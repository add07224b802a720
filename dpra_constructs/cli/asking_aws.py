"""What commands that ask AWS share: options, clients, and errors as messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from dpra_constructs.errors import DpraError

_Command = TypeVar("_Command", bound=Callable[..., None])


def place(command: _Command) -> _Command:
    """Give a command the options `--region` and `--profile`."""
    command = click.option("--profile", help="The profile of the AWS credentials.")(command)
    return click.option("--region", help="The pipeline's region; without it, the profile's.")(
        command
    )


@contextmanager
def asking_aws(region: str | None, profile: str | None) -> Iterator[Callable[[str], Any]]:
    """Give a function that makes clients, and turn errors into messages."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session: Any = boto3.Session(region_name=region, profile_name=profile)
        yield session.client
    except (BotoCoreError, ClientError, DpraError) as error:
        raise click.ClickException(str(error)) from error
