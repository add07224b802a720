"""Builds with Maven, which is part of the build image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import runtime_version, within
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

# --strict-checksums: a download whose checksum is wrong fails the build, and not only warns.
_OPTIONS = "--batch-mode --no-transfer-progress --strict-checksums"


def maven(directory: str, wrapper: bool) -> str:
    """Return how Maven begins, with the options that every build needs."""
    tool = f"./{within(directory, 'mvnw')}" if wrapper else "mvn"
    return command(
        command("", [tool]).strip() + f" {_OPTIONS} --file", [within(directory, "pom.xml")]
    )


def pinned_wrapper(properties: str) -> str:
    """Return the command that refuses a wrapper which does not check what it downloads.

    Source: https://maven.apache.org/wrapper/ and https://docs.gradle.org/current/userguide/gradle_wrapper.html
    """
    grep = command("grep -q '^distributionSha256Sum=[0-9a-f]'", [properties])
    return (
        f"{grep} || {{ echo 'distributionSha256Sum is missing in {properties}: the wrapper would "
        "download a build tool unchecked' >&2; exit 1; }"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Maven(TypedAction):
    """A Java build by Maven (DPRA-BUILD-CODE).

    Unit tests run in an action of their own, beside this one: see `JUnit`. Checked against
    Maven's documentation, not run. Source: https://maven.apache.org/ref/current/maven-embedder/cli.html

    Args:
        directory: the folder of `pom.xml`.
        goals: phases or goals to run, at least one.
        profiles: profiles to activate.
        settings: a settings file of the repository.
        skip_tests: compile the tests, and do not run them.
        wrapper: run the folder's `mvnw`, whose properties have to state
            `distributionSha256Sum`, instead of the image's Maven.
        java: the image's Java, like `corretto21`; without it the image's own default.
        outputs: directories with what was built, by name; without it `target`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Maven(goals=["verify"], java="corretto21").to_build_action().commands:
    ...     print(command)
    mvn --batch-mode --no-transfer-progress --strict-checksums --file pom.xml -DskipTests verify
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    directory: str = option(".", arguments.relative_path)
    goals: Sequence[str] = option(("package",), arguments.some_texts)
    profiles: Sequence[str] = option((), arguments.texts)
    settings: str | None = option(None, arguments.optional(arguments.relative_path))
    skip_tests: bool = option(True, arguments.flag)
    wrapper: bool = option(False, arguments.flag)
    java: str | None = option(None, runtime_version)
    outputs: Mapping[str, str] | None = None

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        properties = within(self.directory, ".mvn/wrapper/maven-wrapper.properties")
        return self.action(
            install=[pinned_wrapper(properties)] if self.wrapper else [],
            commands=[
                command(
                    maven(self.directory, self.wrapper),
                    ["--settings", self.settings] if self.settings else [],
                    ["--activate-profiles", ",".join(self.profiles)] if self.profiles else [],
                    ["-DskipTests"] if self.skip_tests else [],
                    self.extra_arguments,
                    self.goals,
                )
            ],
            outputs=(
                {"target": within(self.directory, "target")}
                if self.outputs is None
                else self.outputs
            ),
            runtime_versions={"java": self.java} if self.java else {},
            meets=[Requirement.BUILD_CODE],
        )
