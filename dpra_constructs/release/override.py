"""Break glass: lets one execution pass a bake, a window or a calendar, with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dpra_constructs.errors import ReleaseError
from dpra_constructs.release.runtime import names
from dpra_constructs.release.runtime.override import LONGEST_REASON, marker


class Hold(Enum):
    """What an execution is held by."""

    BAKE = "the bake"
    ENTRY = "the entry condition"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldExecution:
    """An execution that waits, or has failed, where a person can let it go on.

    Args:
        stage: the pipeline stage.
        execution: the execution's id.
        hold: what it is held by.
    """

    stage: str
    execution: str
    hold: Hold

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.hold.value} of {self.stage}, in {self.execution}"


def held_executions(state: Mapping[str, Any]) -> tuple[HeldExecution, ...]:
    """Return what can be overridden in a pipeline.

    Args:
        state: the answer of GetPipelineState.

    >>> held_executions({"stageStates": []})
    ()
    """
    held = []
    for stage in state.get("stageStates", []):
        latest = stage.get("latestExecution", {})
        condition = stage.get("beforeEntryConditionState", {}).get("latestExecution", {})
        if condition.get("status") in ("InProgress", "Failed", "Errored"):
            # Who waits for the condition is in the stage; who waits behind is inbound.
            within = latest if latest.get("status") in ("InProgress", "Failed") else {}
            execution = within or stage.get("inboundExecution", {})
            if id := execution.get("pipelineExecutionId"):
                held.append(HeldExecution(stage=stage["stageName"], execution=id, hold=Hold.ENTRY))
        if latest.get("type") == "ROLLBACK":
            # Its bake settles, and does not fail: there is nothing to pass.
            continue
        for action in stage.get("actionStates", []):
            running = action.get("latestExecution", {}).get("status") == "InProgress"
            if action.get("actionName") == names.BAKE_ACTION and running:
                held.append(
                    HeldExecution(
                        stage=stage["stageName"],
                        execution=latest["pipelineExecutionId"],
                        hold=Hold.BAKE,
                    )
                )
    return tuple(held)


def choose(
    held: Sequence[HeldExecution], *, pipeline: str, stage: str | None, wave: str | None
) -> HeldExecution:
    """Return the one that is meant.

    Args:
        held: of `held_executions`.
        pipeline: the pipeline's name.
        stage: a pipeline stage, like `Gamma`.
        wave: or a wave's name, whose stages are `Open-<wave>` and `Prod-<wave>`.

    Raises:
        ReleaseError: none is meant, or several.

    >>> one = HeldExecution(stage="Prod-rest", execution="e", hold=Hold.BAKE)
    >>> choose([one], pipeline="fruit", stage=None, wave="rest") is one
    True
    """
    wanted = {stage} if stage else {f"Open-{wave}", f"Prod-{wave}"} if wave else None
    meant = [each for each in held if wanted is None or each.stage in wanted]
    if len(meant) == 1:
        return meant[0]
    where = f" in {' or '.join(sorted(wanted))}" if wanted else ""
    if not meant:
        others = "; ".join(map(str, held))
        raise ReleaseError(
            f"{pipeline} has no bake that runs and no window, calendar or other entry condition "
            "that holds a release"
            f"{where}" + (f"; it has {others}" if others else "; there is nothing to override")
        )
    raise ReleaseError(
        f"{pipeline} has {len(meant)} things to override{where}: {'; '.join(map(str, meant))}; "
        "say which one: --stage STAGE"
    )


def override(
    held: HeldExecution,
    *,
    pipeline: str,
    reason: str,
    codepipeline: Any,
    ssm: Any,
    clock: Callable[[], float] = time.time,
) -> None:
    """Let the execution go on.

    First the marker is written, so that people are told of every override, and by whom.

    Args:
        held: what is overridden.
        pipeline: the pipeline's name.
        reason: why, up to 1,000 characters.
        codepipeline: a client in the pipeline's region.
        ssm: a client in the pipeline's region.
        clock: seconds since 1970.

    Raises:
        ReleaseError: there is no reason, or it is too long.
    """
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise ReleaseError(
            f"the reason has {len(reason)} characters; say in 1 to {LONGEST_REASON} why the "
            f"release has to pass {held.hold.value}"
        )
    ssm.put_parameter(
        Name=names.override_parameter_name(pipeline),
        Value=marker(
            stage=held.stage,
            what=held.hold.value,
            execution=held.execution,
            reason=reason,
            now=clock(),
        ),
        Overwrite=True,
    )
    if held.hold is Hold.ENTRY:
        codepipeline.override_stage_condition(
            pipelineName=pipeline,
            stageName=held.stage,
            pipelineExecutionId=held.execution,
            conditionType="BEFORE_ENTRY",
        )
