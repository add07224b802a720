"""Builds .NET projects with the build image's SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import output_name, runtime_version
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Dotnet(TypedAction):
    """A .NET project, published once to a folder (DPRA-BUILD-CODE).

    Checked against the SDK's documentation, not run. Source:
    https://learn.microsoft.com/dotnet/core/tools/dotnet-publish

    Args:
        path: the project or solution, a file or its folder.
        configuration: the build configuration.
        output: the folder for what is published; also the name of the output.
        locked: restore exactly the packages of `packages.lock.json`, with their hashes.
        dotnet: the image's SDK, like `8.0`; without it the image's own default.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Dotnet(path="src/Fruit").to_build_action().commands:
    ...     print(command)
    dotnet restore --locked-mode src/Fruit
    dotnet publish --no-restore --configuration Release --output publish src/Fruit
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    path: str = option(".", arguments.relative_path)
    configuration: str = option("Release", arguments.matching(r"\w+", "a configuration", "Release"))
    output: str = option("publish", output_name)
    locked: bool = option(True, arguments.flag)
    dotnet: str | None = option(None, runtime_version)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        return self.action(
            commands=[
                command("dotnet restore", ["--locked-mode"] if self.locked else [], [self.path]),
                command(
                    "dotnet publish --no-restore --configuration",
                    [self.configuration, "--output", self.output],
                    self.extra_arguments,
                    [self.path],
                ),
            ],
            environment={"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1"},
            outputs={self.output: self.output},
            runtime_versions={"dotnet": self.dotnet} if self.dotnet else {},
            meets=[Requirement.BUILD_CODE],
        )
