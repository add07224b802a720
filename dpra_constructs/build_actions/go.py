"""Builds Go programs with the build image's Go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import output_name, runtime_version
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

_PLATFORM = arguments.optional(arguments.matching(r"[a-z0-9]+/[a-z0-9]+", "OS/ARCH", "linux/arm64"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Go(TypedAction):
    """Go programs, built once with paths trimmed so that they are reproducible (DPRA-BUILD-CODE).

    Modules are those of `go.sum`, and `go mod verify` compares them with it. Checked against Go's
    documentation, not run. Source: https://pkg.go.dev/cmd/go

    Args:
        directory: the folder of `go.mod`.
        packages: packages with programs, at least one.
        output: the name of the output, and the folder in `directory` for the programs.
        platform: for which system and architecture, like `linux/arm64`; without it that of the
            build.
        go: the image's Go, like `1.25`; without it the image's own default.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in Go(packages=["./cmd/..."]).to_build_action().commands:
    ...     print(command)
    go mod verify
    mkdir -p bin
    go build -trimpath -o bin/ ./cmd/...
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    directory: str = option(".", arguments.relative_path)
    packages: Sequence[str] = option(("./...",), arguments.some_relative_paths)
    output: str = option("bin", output_name)
    platform: str | None = option(None, _PLATFORM)
    go: str | None = option(None, runtime_version)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        folder = self.output if self.directory == "." else f"{self.directory}/{self.output}"
        # -C has to be the first flag of the command.
        change = [] if self.directory == "." else ["-C", self.directory]
        system, _, architecture = (self.platform or "").partition("/")
        return self.action(
            commands=[
                command("go mod verify", change),
                command("mkdir -p", [folder]),
                command(
                    "go build",
                    change,
                    ["-trimpath", "-o", f"{self.output}/"],
                    self.extra_arguments,
                    self.packages,
                ),
            ],
            # readonly: a build never changes go.mod or go.sum.
            environment={
                "GOFLAGS": "-mod=readonly",
                **({"GOOS": system, "GOARCH": architecture} if system else {}),
            },
            outputs={self.output: folder},
            runtime_versions={"golang": self.go} if self.go else {},
            meets=[Requirement.BUILD_CODE],
        )
