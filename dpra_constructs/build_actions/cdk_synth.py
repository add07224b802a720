"""Synthesizes the CDK app, and so packages the application once."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.locked_tools import npm_install
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

CLOUD_ASSEMBLY = "cdk.out"


@dataclass(frozen=True, kw_only=True, slots=True)
class CdkSynth(TypedAction):
    """`cdk synth` after the build actions, with their outputs (DPRA-BUILD-PACKAGE).

    The pinned CDK CLI is installed from npm, the app's own packages by pip.

    Args:
        requirements: pip requirement files of the CDK app; where they have hashes, pip checks
            them.
        app_directory: the folder of `cdk.json`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> CdkSynth().to_build_action().commands
    ('cdk synth --quiet --output cdk.out',)
    """

    DEFAULT_NAME: ClassVar[str] = "Synth"

    requirements: Sequence[str] = option(("requirements.txt",), arguments.relative_paths)
    app_directory: str = option(".", arguments.relative_path)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        output, prefix = CLOUD_ASSEMBLY, ""
        if self.app_directory != ".":
            # The cloud assembly stands at the root for every app, so later actions find it.
            root = "/".join(".." for _ in self.app_directory.strip("/").split("/"))
            output, prefix = f"{root}/{output}", f"cd {shlex.quote(self.app_directory)} && "
        synth = command("cdk synth --quiet --output", [output], self.extra_arguments)
        return self.action(
            install=[
                npm_install("aws-cdk"),
                *(
                    command("python -m pip install --quiet --requirement", [path])
                    for path in self.requirements
                ),
            ],
            commands=[prefix + synth],
            meets=[Requirement.BUILD_PACKAGE],
        )
