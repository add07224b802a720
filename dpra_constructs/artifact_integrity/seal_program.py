"""The command that seals: its program stands in the build's commands, pinned by its SHA-256.

It is packed, as CodeBuild takes no more than 25,600 characters of a project's buildspec. Source:
https://github.com/aws/aws-cdk/pull/14974
"""

from __future__ import annotations

import io
import shlex
import zipfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dpra_constructs.build_actions.kept_reports import EXECUTION, evidence_of_build
from dpra_constructs.build_actions.locked_tools import pip_install
from dpra_constructs.build_actions.packed_file import packed_file

#: The variable with the ARNs of the versions of profiles that sign functions, if any do.
PROFILES = "FUNCTION_PROFILES"
_RUNTIME = Path(__file__).parent / "runtime"
_MODULES = (
    *("__init__", "files", "manifest", "statement", "assets", "signed_functions"),
    *("object_keys", "evidence", "seal"),
)
# The earliest time that an archive can have: the same program is always the same text.
_TIME = (1980, 1, 1, 0, 0, 0)
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sealing.seal import main; main()"


def seal_install() -> str:
    """Return the command that installs what signs, in versions that are checked by their hash."""
    return pip_install("securesystemslib")


def seal_command(
    *, pipeline: str, repository: str, branch: str, sboms: Sequence[str], others: Sequence[str]
) -> str:
    """Return the command that seals the assembly in the working directory.

    It reads the key, the revision, the execution, the profiles that sign functions and where
    evidence is kept from the build's environment.

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
    program = seal_program()
    return "\n".join(
        [
            'sealing="$(mktemp -d)/sealing.zip" &&',
            *packed_file('"$sealing"', program),
            f'python3 -I -c {shlex.quote(_START)} "$sealing" {shlex.join(options)} '
            f'--key "$SIGNING_KEY" --revision "$REVISION" --execution "${EXECUTION}" '
            f'--function-profiles "${{{PROFILES}:-}}" '
            '--builder "$CODEBUILD_BUILD_ARN" --started "$CODEBUILD_START_TIME" '
            f"--evidence {evidence_of_build()}",
        ]
    )


@cache
def seal_program() -> bytes:
    """Return the archive of the modules that seal, from which Python imports them.

    Its bytes are those of the modules in every build: nothing in it is compressed, and bzip2, which
    packs it for the command, has one form, unlike zlib.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for module in _MODULES:
            entry = zipfile.ZipInfo(f"sealing/{module}.py", _TIME)
            entry.create_system = 3
            archive.writestr(entry, (_RUNTIME / f"{module}.py").read_bytes())
    return written.getvalue()
