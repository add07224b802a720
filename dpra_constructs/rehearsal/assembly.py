"""Reads a cloud assembly (`cdk.out`): which pipelines it has, and where they deploy to.

Source: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpra_constructs.cloud_assembly import AssemblyError, assembled_stacks
from dpra_constructs.errors import RehearsalError

_PIPELINE = "AWS::CodePipeline::Pipeline"


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """An account and a region."""

    account: str
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineStack:
    """A stack with pipelines: its construct path, where it is deployed, and their names."""

    id: str
    place: Place
    pipelines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """What a rehearsal needs to know of a cloud assembly."""

    folder: Path
    pipeline_stacks: tuple[PipelineStack, ...]
    places: tuple[Place, ...]

    @property
    def tools_accounts(self) -> frozenset[str]:
        """The accounts that a pipeline runs in."""
        return frozenset(stack.place.account for stack in self.pipeline_stacks)


def read_assembly(folder: Path) -> Assembly:
    """Read a cloud assembly and those nested in it.

    Raises:
        RehearsalError: it is none, has no pipeline, or a stack without account and region.
    """
    stacks = list(_stacks(folder))
    pipelines = tuple(
        PipelineStack(id=path, place=place, pipelines=names)
        for path, place, template in stacks
        if (names := _pipelines(template))
    )
    if not pipelines:
        raise RehearsalError(
            f"{folder.name} has no stack with a pipeline; rehearse an app that has a "
            "DeploymentPipeline, or another CDK pipeline"
        )
    places = tuple(sorted({place for _, place, _ in stacks}))
    return Assembly(folder=folder, pipeline_stacks=pipelines, places=places)


def _stacks(folder: Path) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    try:
        for stack in assembled_stacks(folder):
            if not stack.account:
                raise RehearsalError(
                    f"stack {stack.path} is for {stack.environment}; give it a concrete account "
                    "and region: env=Environment(account=..., region=...)"
                )
            yield stack.path, Place(stack.account, stack.region), stack.template()
    except AssemblyError as error:
        raise RehearsalError(str(error)) from None


def _pipelines(template: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        resource["Properties"]["Name"]
        for resource in template.get("Resources", {}).values()
        if resource["Type"] == _PIPELINE and isinstance(resource["Properties"].get("Name"), str)
    )
