"""Each fault ends as designed; the state of every account and region is read back."""

from pathlib import Path

import pytest

from dpra_constructs.rehearsal.faults import FAULTS, Outcome, Scene
from tests.rehearsal.faults.conftest import scene_of
from tests.rehearsal.faults.test_fault_of_the_example import OF_THE_EXAMPLE
from tests.rehearsal.faults.test_release_process import OF_THE_WHOLE_PROCESS

pytestmark = pytest.mark.rehearsal

# In the order in which states are reused best; those of a bake have an app with one.
NAMES = sorted(set(FAULTS) - set(OF_THE_EXAMPLE) - set(OF_THE_WHOLE_PROCESS))


def stopped(outcome: Outcome) -> str:
    return "\n".join(outcome.deviations())


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_ends_as_designed(scene: Scene, name: str) -> None:
    outcome = FAULTS[name].play(scene)
    assert stopped(outcome) == ""
    # Two accounts of one region in beta, and three each in gamma and production.
    assert len(outcome.versions) == 7
    assert outcome.advice


def test_of_two_commits_both_are_released_in_their_order_when_the_pipeline_is_queued(
    tmp_path: Path,
) -> None:
    outcome = FAULTS["two-commits"].play(scene_of(tmp_path, "QUEUED"))
    assert stopped(outcome) == ""
    assert [record.status for record in outcome.executions] == ["Succeeded", "Succeeded"]
