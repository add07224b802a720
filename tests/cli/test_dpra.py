"""The command `dpra`: help, errors and exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dpra_constructs.cli.commands import dpra


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(dpra, arguments, env=variables)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["rehearse", "--help"]])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert "emulator" in result.output


def test_version() -> None:
    assert run("--version").output == "dpra, version 0.1.0\n"


def test_an_endpoint_elsewhere_is_refused(tmp_path: Path) -> None:
    result = run("rehearse", AWS_ENDPOINT_URL_S3="https://s3.amazonaws.com")
    assert result.exit_code == 1
    assert result.output == (
        "Error: AWS_ENDPOINT_URL_S3=https://s3.amazonaws.com is not on this machine, and a "
        "rehearsal must not leave it; unset AWS_ENDPOINT_URL_S3\n"
    )


@pytest.mark.parametrize("given", ["tomorrow", "2026-06-05T17:30"])
def test_a_time_that_is_none_is_refused(given: str) -> None:
    result = run("rehearse", "--at", given)
    assert result.exit_code == 2
    assert (
        f"--at {given} is no time with an offset; write it like 2026-06-05T17:30+02:00"
        in result.output
    )


def test_a_fault_takes_no_time() -> None:
    result = run("rehearse", "--at", "2026-06-05T17:30+02:00", "--fault", "failing-region")
    assert result.exit_code == 2
    assert "--at is for a rehearsal without a fault; faults set the time" in result.output


def test_a_folder_without_a_cloud_assembly_is_refused(tmp_path: Path) -> None:
    result = run("rehearse", "--assembly", str(tmp_path))
    assert result.exit_code == 1
    assert "is no cloud assembly: it has no manifest.json" in result.output


def test_what_cdk_says_about_an_app_that_fails_is_shown(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"app": "echo this app is broken && exit 3"}')
    logs = tmp_path / "logs"
    result = run("rehearse", "--directory", str(tmp_path), "--log-folder", str(logs))
    assert result.exit_code == 1
    assert "this app is broken" in result.output


@pytest.mark.parametrize(
    ("missing", "extra"),
    [("click", "cli"), ("rich", "cli"), ("boto3", "rehearsal"), ("ministack", "rehearsal")],
)
def test_a_missing_extra_is_named(missing: str, extra: str, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['dpra', 'rehearse']\n"
        "from dpra_constructs.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"error: {missing} is not installed; run: pip install 'dpra-constructs[{extra}]'"
    )
