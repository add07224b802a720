"""The command that seals: its program stands in the build's commands, as it is in this library."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dpra_constructs.build_actions.locked_tools import pip_install

_RUNTIME = Path(__file__).parent / "runtime"
_MODULES = ("__init__", "files", "manifest", "statement", "assets", "object_keys", "seal")
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sealing.seal import main; main()"


def seal_install() -> str:
    """Return the command that installs what signs, in versions that are checked by their hash."""
    return pip_install("securesystemslib")


def seal_command(
    *, pipeline: str, repository: str, branch: str, sboms: Sequence[str], others: Sequence[str]
) -> str:
    """Return the command that seals the assembly in the working directory.

    It reads the key, the revision and the execution from the build's environment.

    Args:
        pipeline: the pipeline's name.
        repository: the source's address.
        branch: of the repository; empty for S3.
        sboms: `name=folder` of the outputs that hold SBOMs.
        others: folders of outputs of actions that publish, which may name images.
    """
    options = [
        *("--pipeline", pipeline, "--repository", repository, "--branch", branch),
        *("--builder-version", version("dpra-constructs")),
        *(word for each in sboms for word in ("--sbom", each)),
        *(word for each in others for word in ("--image", each)),
    ]
    return "\n".join(
        [
            'sealing="$(mktemp -d)"',
            'mkdir "$sealing/sealing"',
            *(_file(module) for module in _MODULES),
            f'python3 -I -c {shlex.quote(_START)} "$sealing" {shlex.join(options)} '
            '--key "$SIGNING_KEY" --revision "$REVISION" --execution "$EXECUTION" '
            '--builder "$CODEBUILD_BUILD_ARN" --started "$CODEBUILD_START_TIME"',
        ]
    )


@cache
def _file(module: str) -> str:
    source = (_RUNTIME / f"{module}.py").read_text("utf-8")
    return f"cat >\"$sealing/sealing/{module}.py\" <<'PYTHON'\n{source}PYTHON"
