"""Builds with Gradle, which is part of the build image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import runtime_version, within
from dpra_constructs.build_actions.maven import pinned_wrapper
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

# strict: where the build has gradle/verification-metadata.xml, it decides about each download.
_OPTIONS = "--no-daemon --console=plain --dependency-verification=strict"


def gradle(directory: str, wrapper: bool) -> str:
    """Return how Gradle begins, with the options that every build needs."""
    tool = command("", [f"./{within(directory, 'gradlew')}" if wrapper else "gradle"]).strip()
    return command(f"{tool} {_OPTIONS} --project-dir", [directory])


def pinned_gradle_wrapper(directory: str) -> str:
    """Return the command that refuses a wrapper which does not check what it downloads."""
    return pinned_wrapper(within(directory, "gradle/wrapper/gradle-wrapper.properties"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Gradle(TypedAction):
    """A build by Gradle (DPRA-BUILD-CODE).

    Unit tests run in an action of their own, beside this one: see `JUnit`. Checked against
    Gradle's documentation, not run. Source:
    https://docs.gradle.org/current/userguide/command_line_interface.html

    Args:
        directory: the folder of the build.
        tasks: tasks to run, at least one.
        wrapper: run the folder's `gradlew`, whose properties have to state
            `distributionSha256Sum`, instead of the image's Gradle.
        java: the image's Java, like `corretto21`; without it the image's own default.
        outputs: directories with what was built, by name; without it `build/libs`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Gradle().to_build_action().commands:
    ...     print(command)
    gradle --no-daemon --console=plain --dependency-verification=strict --project-dir . assemble
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    directory: str = option(".", arguments.relative_path)
    tasks: Sequence[str] = option(("assemble",), arguments.some_texts)
    wrapper: bool = option(False, arguments.flag)
    java: str | None = option(None, runtime_version)
    outputs: Mapping[str, str] | None = None

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        return self.action(
            install=[pinned_gradle_wrapper(self.directory)] if self.wrapper else [],
            commands=[
                command(gradle(self.directory, self.wrapper), self.extra_arguments, self.tasks)
            ],
            outputs=(
                {"libs": within(self.directory, "build/libs")}
                if self.outputs is None
                else self.outputs
            ),
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_CODE],
        )
