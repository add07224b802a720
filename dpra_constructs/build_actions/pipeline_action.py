"""What runs in the build stage without CodeBuild: an action that CodePipeline itself offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.requirements import Requirement


@runtime_checkable
class PipelineAction(Protocol):
    """An action of CodePipeline, which `BuildStage(actions=)` takes beside build actions.

    It reads the source, or one output of a build action, and writes one artifact. It runs in the
    pipeline alone: `dpra build` has no such service on a workstation.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
    """

    @property
    def name(self) -> str:
        """The action's name in the pipeline; 1 to 40 letters, digits and hyphens."""
        ...

    @property
    def category(self) -> str:
        """The category of its action type, like `Invoke`."""
        ...

    @property
    def provider(self) -> str:
        """The provider of its action type, like `InspectorScan`; the owner is AWS, version 1."""
        ...

    @property
    def input(self) -> str | None:
        """The name of a build action's output that it reads; None for the source."""
        ...

    @property
    def output(self) -> str:
        """The name of the artifact that it writes; letters, digits and hyphens."""
        ...

    @property
    def meets(self) -> Sequence[Requirement]:
        """The requirements of the DPRA that hold because of it."""
        ...

    def permissions(self, pipeline: str) -> Sequence[Permission]:
        """Return what its role may do, in the pipeline of a name, beside its two artifacts."""
        ...

    def configuration(self) -> Mapping[str, str]:
        """Return the action's configuration, by the names of CodePipeline's reference."""
        ...
