"""What the commands of tests and migrations do in a rollback, in a real shell."""

import os
import subprocess
from pathlib import Path

import pytest
from botocore.loaders import Loader

from dpra_constructs.build_actions.kept_reports import EXECUTION
from dpra_constructs.test_actions import rollback_check

FAKE_CLI = """\
#!/bin/sh
echo "$@" >>"$CALLS"
[ "$ANSWER" != denied ] || { echo "AccessDenied" >&2; exit 254; }
echo "$ANSWER"
"""


def run(tmp_path: Path, answer: str, check: str, commands: list[str]) -> tuple[int, str, str]:
    """Run all in one shell, as CodeBuild does; return its status, output and calls."""
    cli = tmp_path / "aws"
    cli.write_text(FAKE_CLI)
    cli.chmod(0o755)
    calls = tmp_path / "calls"
    # CodeBuild ends a phase at the first command that fails.
    all_commands = [check, *rollback_check.unless_rollback(commands)]
    script = "\n".join(f"{each}\n[ $? -eq 0 ] || exit 9" for each in all_commands)
    done = subprocess.run(
        ["bash", "-c", script],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "ANSWER": answer,
            EXECUTION: "1c2d3e4f",
        },
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, done.stdout + done.stderr, calls.read_text()


TESTING = rollback_check.skip_in_rollback("fruit", "LoadTest")
MIGRATING = rollback_check.fail_unless_known("fruit", "Migration")
DOCUMENT = "cat <<'END'\nran\nEND"


@pytest.mark.parametrize("check", [TESTING, MIGRATING])
def test_in_a_rollback_nothing_runs_and_nothing_fails(tmp_path: Path, check: str) -> None:
    status, output, _ = run(tmp_path, "ROLLBACK", check, ["false", DOCUMENT, "export A=b"])
    assert status == 0
    assert "ran" not in output
    assert "does nothing in a rollback." in output


@pytest.mark.parametrize("check", [TESTING, MIGRATING])
def test_a_release_runs_every_command_in_one_shell(tmp_path: Path, check: str) -> None:
    status, output, _ = run(tmp_path, "STANDARD", check, ["A=b", DOCUMENT, 'echo "A is $A"'])
    assert (status, output) == (0, "ran\nA is b\n")


@pytest.mark.parametrize("check", [TESTING, MIGRATING])
def test_a_command_that_fails_still_fails(tmp_path: Path, check: str) -> None:
    status, output, _ = run(tmp_path, "STANDARD", check, ["false", "echo ran"])
    assert (status, output) == (9, "")


@pytest.mark.parametrize("answer", ["denied", "None", ""])
def test_what_cannot_be_read_lets_the_test_run(tmp_path: Path, answer: str) -> None:
    status, output, _ = run(tmp_path, answer, TESTING, [DOCUMENT])
    assert status == 0
    assert "It cannot be read whether this is a rollback, so LoadTest runs." in output
    assert "ran\n" in output


@pytest.mark.parametrize("answer", ["denied", "None", ""])
def test_what_cannot_be_read_fails_the_migration(tmp_path: Path, answer: str) -> None:
    status, output, _ = run(tmp_path, answer, MIGRATING, [DOCUMENT])
    assert status == 9
    assert "It cannot be read whether this is a rollback, in which Migration would" in output
    assert "ran\n" not in output


def test_it_asks_for_its_own_execution_of_its_own_pipeline(tmp_path: Path) -> None:
    _, _, calls = run(tmp_path, "STANDARD", TESTING, ["true"])
    assert calls.split() == [
        *("codepipeline", "get-pipeline-execution", "--pipeline-name", "fruit"),
        *("--pipeline-execution-id", "1c2d3e4f"),
        *("--query", "pipelineExecution.executionType", "--output", "text"),
    ]


def test_the_service_has_that_type_with_both_values() -> None:
    model = Loader().load_service_model("codepipeline", "service-2")
    assert "executionType" in model["shapes"]["PipelineExecution"]["members"]
    assert model["shapes"]["ExecutionType"]["enum"] == ["STANDARD", "ROLLBACK"]
