"""How a migration logs in, with a stand-in for AWS and for the tool."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.build_actions import CodeBuildProject
from dpra_constructs.test_actions import DatabaseMigration
from dpra_constructs.test_actions.runtime import database_credentials
from dpra_constructs.test_actions.runtime.environment_cli import CallError

PASSWORD = "not-to-be-seen"
LOGIN = {"username": "migrator", "password": PASSWORD}


class Aws:
    def __init__(self, secret: str = json.dumps(LOGIN)) -> None:
        self.secret, self.calls = secret, []  # type: ignore[var-annotated]

    def __call__(self, *arguments: str) -> dict[str, Any]:
        self.calls.append(arguments)
        return {"SecretString": self.secret}

    def text(self, *arguments: str) -> str:
        self.calls.append(arguments)
        return "token"


def test_a_secret_has_user_and_password() -> None:
    assert database_credentials.from_secret(Aws(), "arn:s") == ("migrator", PASSWORD)


@pytest.mark.parametrize("secret", [PASSWORD, f'["{PASSWORD}"]', f'{{"password": "{PASSWORD}"}}'])
def test_a_secret_of_another_shape_is_not_shown(secret: str) -> None:
    with pytest.raises(database_credentials.NoCredentialsError) as raised:
        database_credentials.from_secret(Aws(secret), "arn:s")
    assert str(raised.value) == "the secret arn:s is not a JSON object with username and password"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("jdbc:postgresql://db.example:6000/fruit?sslmode=verify-full", "db.example", "6000"),
        ("jdbc:postgresql://db.example/fruit", "db.example", "5432"),
        ("jdbc:mysql://db.example/fruit", "db.example", "3306"),
        ("jdbc:mariadb://db.example", "db.example", "3306"),
        ("jdbc:aws-wrapper:postgresql://db/fruit", "db", "5432"),
    ],
)
def test_a_token_is_for_the_host_and_port_of_the_address(
    address: str, host: str, port: str
) -> None:
    aws = Aws()
    found = database_credentials.from_iam(aws, address, "migrator", "us-east-1")
    assert found == ("migrator", "token")
    [call] = aws.calls
    assert call == (
        *("rds", "generate-db-auth-token", "--hostname", host, "--port", port),
        *("--username", "migrator", "--output", "text"),
    )


@pytest.mark.parametrize("address", ["", "jdbc:oracle:thin:@db", "jdbc:db2://db/x", "postgres://d"])
def test_an_address_without_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(database_credentials.NoCredentialsError, match="has no host and port"):
        database_credentials.from_iam(Aws(), address, "migrator", "us-east-1")


@given(
    host=st.from_regex(r"[a-z0-9.-]{1,40}", fullmatch=True),
    port=st.integers(1, 65535),
    rest=st.sampled_from(["", "/fruit", "/fruit?ssl=true", "?ssl=true", ";a=b"]),
)
def test_every_host_and_port_is_found(host: str, port: int, rest: str) -> None:
    aws = Aws()
    database_credentials.from_iam(aws, f"jdbc:postgresql://{host}:{port}{rest}", "u", "us-east-1")
    assert aws.calls[0][3:6:2] == (host, str(port))


def test_without_credentials_the_tool_does_not_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: str) -> dict[str, Any]:
        raise CallError("aws sts assume-role: AccessDenied")

    monkeypatch.setenv("DATABASE_ACCESS", "arn:s")
    status = database_credentials.main(
        ["--role=r", "--region=x", "--variables=U,N,P", "--", "flyway", "migrate"],
        run=lambda *given, **options: pytest.fail("the tool ran"),
        make_cli=lambda role, region: denied,
    )
    assert status == 1
    assert "There are no credentials for the database: aws sts" in capsys.readouterr().err


@pytest.mark.parametrize("user", [None, "migrator"])
def test_the_tool_gets_them_as_variables_as_the_buildspec_says(
    tmp_path: Path, user: str | None
) -> None:
    for name, script in {
        "aws": 'echo "$@" >>calls\ncase "$2" in\n'
        'assume-role) echo \'{"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "S", '
        '"SessionToken": "T"}}\' ;;\n'
        f"get-secret-value) echo '{json.dumps({'SecretString': json.dumps(LOGIN)})}' ;;\n"
        f"generate-db-auth-token) echo {PASSWORD} ;;\nesac",
        "flyway": 'echo "$@" "$FLYWAY_URL" "$FLYWAY_USER" "$FLYWAY_PASSWORD" >tool\nexit 3',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    action = DatabaseMigration(
        "flyway",
        changes="my database",
        url_output="Url",
        access="Access",
        project=CodeBuildProject(image="flyway/flyway:11"),
    ).with_access(
        "us-east-1",
        role_arn="arn:{partition}:iam::3:role/r",
        secret_output=None if user else "AccessSecretArn",
        user=user,
    )
    done = subprocess.run(
        ["bash", "-c", action.command[0]],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin",
            "FLYWAY_URL": "jdbc:postgresql://db:5432/fruit",
            "DATABASE_ACCESS": "arn:s",
            "CODEBUILD_BUILD_ARN": "arn:aws:codebuild:us-west-2:1:build/project:12ab",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "tool").read_text() == (
        "-locations=filesystem:my database migrate jdbc:postgresql://db:5432/fruit migrator "
        f"{PASSWORD}\n"
    )
    assert PASSWORD not in done.stdout + done.stderr + (tmp_path / "calls").read_text()
    assert "--role-arn arn:aws:iam::3:role/r" in (tmp_path / "calls").read_text()
