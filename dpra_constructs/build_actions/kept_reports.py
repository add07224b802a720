"""Keeps the reports of a build as evidence of the execution that it is part of."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

#: Where a build finds its bucket of evidence, with the prefix of the pipeline; `dpra build` gives
#: it no value, as a workstation keeps none.
EVIDENCE = "DPRA_EVIDENCE"
#: Where a build finds the id of the execution that it runs in.
EXECUTION = "DPRA_EXECUTION"
#: What CodePipeline puts in there.
EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"
#: What an object's key begins with; the pipeline, the execution and the project follow.
PREFIX = "executions"


def evidence_of_build() -> str:
    """Return the address of a build's own evidence, as a word of the shell.

    CodeBuild begins a build's id with the name of its project.
    """
    return f'"${EVIDENCE}/${EXECUTION}/${{CODEBUILD_BUILD_ID%%:*}}"'


def keep_reports(patterns: Iterable[str]) -> str:
    """Return the command that keeps report files, after a build that succeeded or failed.

    What cannot be kept is said, and fails no build: the report group has the results too.

    Args:
        patterns: files, as CodeBuild reads them: paths from the source's root, `*`, and `**` for
            any number of folders.

    >>> print(keep_reports(["reports/junit.xml"]).splitlines()[2])
    find . -type f \\( -path ./reports/junit.xml \\) | while read -r file; do
    """
    paths = dict.fromkeys(
        path for each in patterns for path in (f"./{each}", f"./{each.replace('**/', '')}")
    )
    found = " -o ".join(f"-path {shlex.quote(path)}" for path in paths)
    return "\n".join(
        [
            f'if [ -n "${{{EVIDENCE}:-}}" ]; then (',
            f'cd "$CODEBUILD_SRC_DIR"; to={evidence_of_build()}',
            f"find . -type f \\( {found} \\) | while read -r file; do",
            'aws s3api put-object --bucket "${to%%/*}" --key "${to#*/}/${file#./}" '
            '--body "$file" --checksum-algorithm SHA256 >/dev/null </dev/null ||',
            'echo "$file is not kept as evidence" >&2',
            "done ); fi",
        ]
    )
