"""Faults of the example, with its real alarms: each ends as designed in all regions."""

import pytest

from dpra_constructs.rehearsal.faults import FAULTS, Scene
from tests.conftest import ROOT

pytestmark = pytest.mark.example_faults

#: What the action that fails has to say, besides what the fault itself looks for.
OF_THE_EXAMPLE = {
    "tampered-artifact": ".template.json was changed: sealed with SHA-256",
    "tampered-asset": "was sealed with SHA-256",
    "slow-in-gamma": "Latency",
    "errors-in-wave": "Error",
    "bake-fails-after-window": "Error",
    "closed-window": "",
    "health-unreadable": "AccessDenied",
    "fix-for-red-production": "",
    "line-stopped": "",
}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    output = tmp_path_factory.mktemp("example") / "out"
    return Scene(folder=ROOT / "examples/fruit_api", output=output)


def test_the_first_wave_of_the_example_is_rolled_back(example: Scene) -> None:
    outcome = FAULTS["rollback-of-first-wave"].play(example)
    assert list(outcome.deviations()) == []
    production = [each for each in outcome.versions if each.place.account == "444444444444"]
    assert len({each.place.region for each in production}) == 6
    assert {each.commit for each in production} == {example.old}
    assert {code for each in production for code in each.answers.values()} == {200}


@pytest.mark.parametrize("name", OF_THE_EXAMPLE)
def test_a_fault_of_the_example_ends_as_designed(example: Scene, name: str) -> None:
    outcome = FAULTS[name].play(example)
    assert list(outcome.deviations()) == []
    # One region of beta, and six each of gamma and production.
    assert len(outcome.versions) == 13
    said = " ".join(action.error for each in outcome.executions for action in each.failed)
    assert OF_THE_EXAMPLE[name] in said
