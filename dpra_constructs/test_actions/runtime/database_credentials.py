"""Runs a command with the credentials of a database, which nothing else sees.

They come from a secret of the environment's account, or are a token of IAM for a database user.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

import argparse
import json
import os
import re
import subprocess
import sys
from typing import Any

if __package__:
    from .environment_cli import CallError, EnvironmentCli

_ADDRESS = re.compile(r"jdbc:(?:[\w-]+:)?(\w+)://([^:/?;]+)(?::(\d+))?")
_PORTS = {"postgresql": "5432", "mysql": "3306", "mariadb": "3306"}


class NoCredentialsError(Exception):
    """There are none; its text says why."""


def from_secret(cli: Any, secret: str) -> tuple[str, str]:
    """Return user and password of a secret."""
    text = cli("secretsmanager", "get-secret-value", "--secret-id", secret)["SecretString"]
    try:
        values = json.loads(text)
        return str(values["username"]), str(values["password"])
    except (ValueError, KeyError, TypeError):
        # Without its cause, which shows the secret.
        raise NoCredentialsError(
            f"the secret {secret} is not a JSON object with username and password"
        ) from None


def from_iam(cli: Any, address: str, user: str, region: str) -> tuple[str, str]:
    """Return a user and a token with which it logs in for 15 minutes."""
    found = _ADDRESS.match(address)
    port = found and (found[3] or _PORTS.get(found[1]))
    if not found or not port:
        raise NoCredentialsError(
            f"the address {address} has no host and port; write it like "
            "jdbc:postgresql://host:5432/name"
        )
    token = cli.text(
        *("rds", "generate-db-auth-token", "--hostname", found[2]),
        *("--port", port, "--username", user, "--output", "text"),
    )
    return user, token


def main(argv: list[str], run: Any = subprocess.run, make_cli: Any = None) -> int:
    """Run the command of this build; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--user")
    parser.add_argument("--variables", required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(argv)
    address, user, password = options.variables.split(",")
    cli = (make_cli or EnvironmentCli)(options.role, options.region)
    try:
        if options.user:
            found = from_iam(cli, os.environ[address], options.user, options.region)
        else:
            found = from_secret(cli, os.environ["DATABASE_ACCESS"])
    except (CallError, NoCredentialsError) as error:
        print(f"There are no credentials for the database: {error}", file=sys.stderr)
        return 1
    environment = {**os.environ, user: found[0], password: found[1]}
    return int(
        run(options.command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
