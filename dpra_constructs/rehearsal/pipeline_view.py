"""What the emulator shows of a deployed pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionView:
    """One action: `account` and `region` are where it works, from its role and region."""

    stage: str
    run_order: int
    name: str
    provider: str
    account: str
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineView:
    """A pipeline as GetPipeline shows it."""

    name: str
    type: str
    execution_mode: str
    actions: tuple[ActionView, ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the pipeline stages, in their order."""
        return tuple(dict.fromkeys(action.stage for action in self.actions))


def view(pipeline: Mapping[str, Any], account: str, region: str) -> PipelineView:
    """Make the view of a `PipelineDeclaration`, running in an account and region."""
    return PipelineView(
        name=pipeline["name"],
        type=pipeline["pipelineType"],
        execution_mode=pipeline.get("executionMode", "SUPERSEDED"),
        actions=tuple(
            ActionView(
                stage=stage["name"],
                run_order=action["runOrder"],
                name=action["name"],
                provider=action["actionTypeId"]["provider"],
                # arn:aws:iam::ACCOUNT:role/NAME
                account=action["roleArn"].split(":")[4] if action.get("roleArn") else account,
                region=action.get("region", region),
            )
            for stage in pipeline["stages"]
            for action in sorted(
                stage["actions"], key=lambda each: (each["runOrder"], each["name"])
            )
        ),
    )
