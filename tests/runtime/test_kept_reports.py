"""The command that keeps reports as evidence, in real shells with a stand-in for the AWS CLI."""

import os
import subprocess
from pathlib import Path

import pytest

from dpra_constructs.build_actions.kept_reports import EVIDENCE, EXECUTION, keep_reports

FAKE_CLI = """\
#!/bin/sh
[ "$2" = put-object ] || exit 9
echo "$@" >>"$CALLS"
[ -z "$DENIED" ] || { echo "AccessDenied" >&2; exit 254; }
echo '{"ETag": "1"}'
"""
RUN = "1c2d3e4f-0000-4000-8000-000000000000"
TOLD = {
    EVIDENCE: "bucket/executions/fruit",
    EXECUTION: RUN,
    "CODEBUILD_BUILD_ID": "fruit-Build-UnitTests:5a6b",
}


def run(
    folder: Path, *patterns: str, shell: str = "sh", **variables: str
) -> tuple[int, str, list[str]]:
    """Run it in another folder than the source's, as commands may have gone there."""
    cli = folder / "bin" / "aws"
    cli.parent.mkdir(exist_ok=True)
    cli.write_text(FAKE_CLI)
    cli.chmod(0o755)
    calls = folder / "calls"
    calls.write_text("")
    done = subprocess.run(
        [shell, "-c", keep_reports(patterns)],
        cwd=folder,
        env={
            "PATH": f"{cli.parent}:{os.environ['PATH']}",
            "CODEBUILD_SRC_DIR": str(folder / "source"),
            "CALLS": str(calls),
            **variables,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, done.stdout + done.stderr, sorted(calls.read_text().splitlines())


def keys(calls: list[str]) -> list[str]:
    words = [call.split(" ") for call in calls]
    return [each[each.index("--key") + 1] for each in words]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in (
        *("reports/junit.xml", "reports/more/junit.xml", "reports/log.txt", "junit.xml"),
        *("a/target/one.xml", "a/b/target/two.xml", "target/three.xml"),
    ):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<testsuite/>")
    return tmp_path


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_report_is_kept_by_execution_project_and_path(source: Path, shell: str) -> None:
    status, output, calls = run(source, "reports/junit.xml", shell=shell, **TOLD)
    assert (status, output) == (0, "")
    assert calls == [
        f"s3api put-object --bucket bucket --key executions/fruit/{RUN}/fruit-Build-UnitTests"
        "/reports/junit.xml --body ./reports/junit.xml --checksum-algorithm SHA256"
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("reports/*.xml", ["reports/junit.xml", "reports/more/junit.xml"]),
        ("**/target/*.xml", ["a/b/target/two.xml", "a/target/one.xml", "target/three.xml"]),
        ("reports/**/*", ["reports/junit.xml", "reports/log.txt", "reports/more/junit.xml"]),
        ("it's/$(missing).xml", []),
    ],
)
def test_patterns_are_those_of_codebuild(source: Path, pattern: str, found: list[str]) -> None:
    status, output, calls = run(source, pattern, **TOLD)
    assert (status, output) == (0, "")
    begin = f"executions/fruit/{RUN}/fruit-Build-UnitTests/"
    assert [key.removeprefix(begin) for key in keys(calls)] == found


def test_on_a_workstation_nothing_is_kept(source: Path) -> None:
    assert run(source, "reports/*.xml") == (0, "", [])


def test_what_cannot_be_kept_is_said_and_fails_nothing(source: Path) -> None:
    status, output, calls = run(source, "reports/*.xml", DENIED="yes", **TOLD)
    assert status == 0
    assert "AccessDenied" in output
    assert "./reports/junit.xml is not kept as evidence" in output
    # The others are tried.
    assert len(calls) == 2
