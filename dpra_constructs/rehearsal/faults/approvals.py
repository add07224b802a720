"""Approvals that do not come."""

from __future__ import annotations

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.faults.fault import Fault, Outcome
from dpra_constructs.rehearsal.faults.scene import Scene
from dpra_constructs.rehearsal.following import Watcher

# A day passes in a tenth of a second; only the approval waits meanwhile.
_FAST = 1_000_000.0


def _not_approved(scene: Scene, answer: bool | None, says: str, advice: str) -> Outcome:
    scene.prepare()
    if not scene.approval:
        raise RehearsalError("the pipeline has no approval, so none can be missing")
    with scene.waiting_at(scene.approval) as emulation:
        if answer is None:
            emulation.change_settings(time_scale=_FAST)
        follower = emulation.follower()
        follower.watcher = _Answering(emulation.watcher, answer)
        record = follower.follow(scene.let_in(scene.approval))
        return Outcome(
            executions=[record],
            versions=scene.versions(),
            expected=scene.expected(new_in=scene.before(scene.approval)),
            status="Failed",
            failing=(scene.approval, ""),
            says=says,
            answered=tuple(follower.answered),
            advice=advice,
        )


class _Answering:
    """Tells what another watcher tells, and answers approvals always alike."""

    def __init__(self, watcher: Watcher, answer: bool | None) -> None:
        self._answer = answer
        self.step, self.note, self.execution = watcher.step, watcher.note, watcher.execution

    def answer(self, approval: object) -> bool | None:
        """Answer as said in the beginning."""
        return self._answer


def _rejected(scene: Scene) -> Outcome:
    return _not_approved(
        scene,
        False,
        "eject",
        "Production keeps the old version. Let a better commit through, or retry the approval "
        "stage to ask again.",
    )


def _timed_out(scene: Scene) -> Outcome:
    return _not_approved(
        scene,
        None,
        "",
        "Production keeps the old version. Retry the approval stage to ask again.",
    )


APPROVALS = (
    Fault(
        name="approval-rejected",
        description="the reviewer rejects: production keeps the old version",
        play=_rejected,
    ),
    Fault(
        name="approval-timed-out",
        description="nobody answers in time: production keeps the old version",
        play=_timed_out,
    ),
)
