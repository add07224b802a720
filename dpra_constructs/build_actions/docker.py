"""Builds a container image without pushing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import output_name
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

#: The commit, as the pipeline gives it, or as the working copy has it.
COMMIT = '"${CODEBUILD_RESOLVED_SOURCE_VERSION:-$(git rev-parse HEAD)}"'
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
repository_name = arguments.matching(
    r"(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*",
    "the name of an image repository: 2 to 256 small letters, digits and / . _ -",
    "acme/fruit",
)
_PLATFORM = arguments.optional(
    arguments.matching(r"[a-z0-9]+(/[a-z0-9]+){1,2}", "OS/ARCH", "linux/arm64")
)
_TARGET = arguments.optional(arguments.matching(r"[\w.-]+", "the name of a build stage", "runtime"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBuild(TypedAction):
    """What the actions share that build a container image.

    Args:
        dockerfile: the Dockerfile.
        context: the folder that is sent to the build.
        build_arguments: values of the Dockerfile's `ARG`; no secrets, as they stand in the
            template and in the image's history.
        target: the Dockerfile's stage to build; without it the last.
        platform: like `linux/arm64`; without it that of the build.
        project: where it runs; it has to be privileged, as Docker's daemon runs in the build.
    """

    dockerfile: str = option("Dockerfile", arguments.relative_path)
    context: str = option(".", arguments.relative_path)
    build_arguments: Mapping[str, str] = field(
        default_factory=dict, metadata={"check": arguments.plain}
    )
    target: str | None = option(None, _TARGET)
    platform: str | None = option(None, _PLATFORM)

    def check(self) -> None:
        """Refuse a project in which Docker's daemon cannot run."""
        if self.project is not None and not self.project.privileged:
            raise InvalidArgumentError(
                self.where,
                "project is not privileged, and an image is built with Docker's daemon",
                "write project=CodeBuildProject(privileged=True, ...)",
            )

    @property
    def privileged_project(self) -> CodeBuildProject:
        """The project of the action where the caller gives none."""
        return CodeBuildProject(privileged=True)

    def docker_build(self, tag: str) -> str:
        """Return the command that builds the image with a tag, which the shell expands."""
        options: Sequence[str] = [
            *("--file", self.dockerfile),
            *(["--target", self.target] if self.target else []),
            *(["--platform", self.platform] if self.platform else []),
            *(
                word
                for name, value in self.build_arguments.items()
                for word in ("--build-arg", f"{name}={value}")
            ),
            *self.extra_arguments,
        ]
        return command(f"docker build --tag {tag}", options, [self.context])


@dataclass(frozen=True, kw_only=True, slots=True)
class Docker(ImageBuild):
    """A container image, built once and kept as a tar archive (DPRA-BUILD-CODE).

    For an image that is deployed from Amazon ECR take `EcrPush`. Checked against Docker's
    documentation, not run. Source: https://docs.docker.com/reference/cli/docker/buildx/build/

    Args:
        image: the image's name, like `acme/fruit`; its tag is the commit.
        output: the name of the output and its folder, in which `image.tar` is.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Docker(image="acme/fruit", target="runtime").to_build_action().commands[0])
    ( set -eu
    commit="${CODEBUILD_RESOLVED_SOURCE_VERSION:-$(git rev-parse HEAD)}"
    docker build --tag acme/fruit:"$commit" --file Dockerfile --target runtime .
    mkdir -p image
    docker save --output image/image.tar acme/fruit:"$commit"
    )
    """

    DEFAULT_NAME: ClassVar[str] = "Package"

    image: str = needed(repository_name)
    output: str = option("image", output_name)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        save = command("docker save --output", [f"{self.output}/image.tar"])
        return self.action(
            project=self.privileged_project,
            commands=[
                "\n".join(
                    [
                        "( set -eu",
                        f"commit={COMMIT}",
                        self.docker_build(f'{self.image}:"$commit"'),
                        f"mkdir -p {self.output}",
                        f'{save} {self.image}:"$commit"',
                        ")",
                    ]
                )
            ],
            outputs={self.output: self.output},
            meets=[Requirement.BUILD_CODE],
        )
