"""Synthesizes the CDK app, and so packages the application once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions import tool_versions
from dpra_constructs.build_actions.build_action import BuildAction

CLOUD_ASSEMBLY = "cdk.out"


@dataclass(frozen=True, kw_only=True, slots=True)
class CdkSynth:
    """`cdk synth` after the build actions, with their outputs (DPRA-BUILD-PACKAGE).

    The pinned CDK CLI is installed from npm, the app's own packages by pip.

    Args:
        requirements: pip requirement files of the CDK app.
        install: further commands that install what the app needs.
        app_directory: the folder of `cdk.json`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> CdkSynth().to_build_action().commands
    ('cdk synth --quiet --output cdk.out',)
    """

    requirements: Sequence[str] = ("requirements.txt",)
    install: Sequence[str] = ()
    app_directory: str = "."

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        requirements = arguments.texts("CdkSynth", "requirements", self.requirements)
        for path in requirements:
            arguments.relative_path("CdkSynth", "requirements", path)
        object.__setattr__(self, "requirements", requirements)
        object.__setattr__(self, "install", arguments.texts("CdkSynth", "install", self.install))
        arguments.relative_path("CdkSynth", "app_directory", self.app_directory)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        synth = f"cdk synth --quiet --output {CLOUD_ASSEMBLY}"
        if self.app_directory != ".":
            # The cloud assembly stands at the root for every app, so later actions find it.
            root = "/".join(".." for _ in self.app_directory.strip("/").split("/"))
            synth = f"cd {self.app_directory} && cdk synth --quiet --output {root}/{CLOUD_ASSEMBLY}"
        return BuildAction(
            "Synth",
            install=[
                f"npm install --global aws-cdk@{tool_versions.CDK_CLI}",
                *(f"python -m pip install --requirement {path}" for path in self.requirements),
                *self.install,
            ],
            commands=[synth],
        )
