"""Synthesizes the CDK app, and so packages the application once."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.locked_tools import npm_install
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

CLOUD_ASSEMBLY = "cdk.out"


def context(where: str, argument: str, value: object) -> Mapping[str, str]:
    """Return values of the CDK's context as a read-only mapping of text to text."""
    if not isinstance(value, Mapping) or not all(
        isinstance(each, str) and each for pair in value.items() for each in pair
    ):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(value)} is not a mapping of texts to texts",
            f'write it like {argument}={{"stage": "beta"}}',
        )
    return MappingProxyType(dict(value))


@dataclass(frozen=True, kw_only=True, slots=True)
class CdkSynth(TypedAction):
    """`cdk synth` after the build actions, with their outputs (DPRA-BUILD-PACKAGE).

    The pinned CDK CLI is installed from npm, the app's own packages by pip.

    Args:
        requirements: pip requirement files of the CDK app; where they have hashes, pip checks
            them.
        app_directory: the folder of `cdk.json`.
        context: values of the CDK's context, as text; they stand in the template.
        strict: fail on warnings too.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> CdkSynth().to_build_action().commands
    ('cdk synth --quiet --output cdk.out',)
    """

    DEFAULT_NAME: ClassVar[str] = "Synth"

    requirements: Sequence[str] = option(("requirements.txt",), arguments.relative_paths)
    app_directory: str = option(".", arguments.relative_path)
    context: Mapping[str, str] = field(default_factory=dict, metadata={"check": context})
    strict: bool = option(False, arguments.flag)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        output, prefix = CLOUD_ASSEMBLY, ""
        if self.app_directory != ".":
            # The cloud assembly stands at the root for every app, so later actions find it.
            root = "/".join(".." for _ in self.app_directory.strip("/").split("/"))
            output, prefix = f"{root}/{output}", f"cd {shlex.quote(self.app_directory)} && "
        options = [
            *(["--strict"] if self.strict else []),
            *(
                word
                for key, value in self.context.items()
                for word in ("--context", f"{key}={value}")
            ),
        ]
        synth = command("cdk synth --quiet --output", [output], options, self.extra_arguments)
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
