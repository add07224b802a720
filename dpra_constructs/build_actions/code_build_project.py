"""How the CodeBuild project of a build action is set up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
_DEFAULT_IMAGES = {
    "X86_64": "aws/codebuild/standard:8.0",
    "ARM_64": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
}
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
_COMPUTE_TYPES = ("SMALL", "MEDIUM", "LARGE", "X_LARGE", "X2_LARGE")
_IMAGE = re.compile(r"[a-z0-9][\w./:@-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeBuildProject:
    """Where a build action runs.

    Args:
        image: a build image, like `aws/codebuild/standard:8.0`, or one in Amazon ECR; without it
            the newest standard image of the architecture.
        architecture: X86_64 or ARM_64.
        compute_type: SMALL (2 vCPU, 4 GiB), MEDIUM, LARGE, X_LARGE or X2_LARGE.
        privileged: whether builds may run a Docker daemon.
        cache_paths: directories kept on the build host between builds, best effort, like
            `/root/.m2/**/*`; each ends with `/**/*`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> CodeBuildProject(architecture="ARM_64").build_image
    'aws/codebuild/amazonlinux-aarch64-standard:3.0'
    """

    image: str | None = None
    architecture: str = "X86_64"
    compute_type: str = "SMALL"
    privileged: bool = False
    cache_paths: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze the paths."""
        where = "CodeBuildProject"
        arguments.one_of(where, "architecture", self.architecture, _DEFAULT_IMAGES)
        arguments.one_of(where, "compute_type", self.compute_type, _COMPUTE_TYPES)
        arguments.flag(where, "privileged", self.privileged)
        if self.image is not None and not _IMAGE.fullmatch(str(self.image)):
            raise InvalidArgumentError(
                where,
                f"image={self.image!r} is not the name of a build image",
                'write it like "aws/codebuild/standard:8.0"',
            )
        paths = arguments.texts(where, "cache_paths", self.cache_paths)
        for path in paths:
            if not path.endswith("/**/*"):
                raise InvalidArgumentError(
                    where,
                    f"cache_paths has {path!r}, and CodeBuild caches whole directories only",
                    f"write it like '{path.rstrip('/*')}/**/*'",
                )
        arguments.unique(where, "cache_paths", paths)
        object.__setattr__(self, "cache_paths", paths)

    @property
    def build_image(self) -> str:
        """The image, or the architecture's own."""
        return self.image or _DEFAULT_IMAGES[self.architecture]
