"""Opens a line again that a failed wave has stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dpra_constructs.errors import ReleaseError
from dpra_constructs.release.runtime.stop_the_line import STOPPED


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedStage:
    """A stage that no execution can enter.

    Args:
        stage: the pipeline stage.
        reason: why.
        by: who has closed it.
        at: when.
    """

    stage: str
    reason: str
    by: str = ""
    at: datetime | None = None

    @property
    def is_stopped_line(self) -> bool:
        """Whether a failed wave has closed it, and not a person."""
        return self.reason.startswith(STOPPED)


def closed_stages(state: Mapping[str, Any]) -> tuple[ClosedStage, ...]:
    """Return the stages that are closed.

    Args:
        state: the answer of GetPipelineState.

    >>> closed_stages({"stageStates": [{"stageName": "Beta"}]})
    ()
    """
    return tuple(
        ClosedStage(
            stage=stage["stageName"],
            reason=transition.get("disabledReason", ""),
            by=transition.get("lastChangedBy", ""),
            at=transition.get("lastChangedAt"),
        )
        for stage in state.get("stageStates", [])
        if not (transition := stage.get("inboundTransitionState", {})).get("enabled", True)
    )


def stages_to_open(
    closed: Iterable[ClosedStage], *, pipeline: str, stage: str | None = None
) -> tuple[ClosedStage, ...]:
    """Return those that resume the line: all that a failed wave has closed, or the one given.

    Raises:
        ReleaseError: there is none.

    >>> stopped = ClosedStage(stage="Approve-Prod", reason="Line stopped - Prod-rest failed")
    >>> [each.stage for each in stages_to_open([stopped], pipeline="fruit")]
    ['Approve-Prod']
    """
    everything = tuple(closed)
    if stage:
        found = tuple(each for each in everything if each.stage == stage)
        problem = f"{stage} of {pipeline} is open"
    else:
        found = tuple(each for each in everything if each.is_stopped_line)
        problem = f"the line of {pipeline} is not stopped"
    if found:
        return found
    others = ", ".join(f"{each.stage} ({each.reason})" for each in everything)
    hint = f"; closed by people: {others}; to open one, say --stage STAGE" if others else ""
    raise ReleaseError(f"{problem}; there is nothing to resume{hint}")


def open_stages(stages: Iterable[ClosedStage], *, pipeline: str, codepipeline: Any) -> None:
    """Enable the inbound transitions: those of the last stages first, the way in at the end.

    Args:
        stages: of `stages_to_open`.
        pipeline: the pipeline's name.
        codepipeline: a client in the pipeline's region.
    """
    for each in reversed(tuple(stages)):
        codepipeline.enable_stage_transition(
            pipelineName=pipeline, stageName=each.stage, transitionType="Inbound"
        )
