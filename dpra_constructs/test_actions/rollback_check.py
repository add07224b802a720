"""Commands that do nothing in the rollback of a pipeline stage.

CodePipeline runs every action of a stage again in its rollback. No variable of CodePipeline or
CodeBuild tells an action so: it has to ask for the type of its execution.
Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineExecution.html
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dpra_constructs.build_actions.kept_reports import EXECUTION

_ROLLBACK = "DPRA_ROLLBACK"


def skip_in_rollback(pipeline: str, name: str) -> str:
    """Return the command that asks whether this is a rollback; first of all commands.

    Where that cannot be read, it is none, so that the test runs.
    """
    return "\n".join(
        [
            _read(pipeline),
            'case "$type" in',
            f'  ROLLBACK) export {_ROLLBACK}=yes; echo "{name} does nothing in a rollback." ;;',
            "  STANDARD) ;;",
            f'  *) echo "It cannot be read whether this is a rollback, so {name} runs." >&2 ;;',
            "esac",
        ]
    )


def fail_unless_known(pipeline: str, name: str) -> str:
    """Return the command that asks the same, and fails where it cannot be read."""
    return "\n".join(
        [
            _read(pipeline),
            'case "$type" in',
            f'  ROLLBACK) export {_ROLLBACK}=yes; echo "{name} does nothing in a rollback." ;;',
            "  STANDARD) ;;",
            f'  *) echo "It cannot be read whether this is a rollback, in which {name} would '
            'change the database of the software that is brought back; retry the stage." >&2',
            "     false ;;",
            "esac",
        ]
    )


def unless_rollback(commands: Sequence[str]) -> list[str]:
    """Return commands that run only where it is no rollback.

    >>> print(unless_rollback(["make test"])[0])
    if [ -z "${DPRA_ROLLBACK:-}" ]; then
    make test
    fi
    """
    return [f'if [ -z "${{{_ROLLBACK}:-}}" ]; then\n{each}\nfi' for each in commands]


def _read(pipeline: str) -> str:
    """Older versions of the AWS CLI do not know the type, and print None."""
    return (
        "type=$(aws codepipeline get-pipeline-execution"
        f" --pipeline-name {shlex.quote(pipeline)}"
        f' --pipeline-execution-id "${EXECUTION}"'
        " --query pipelineExecution.executionType --output text) || type=unknown"
    )
