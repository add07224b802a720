"""A fault in the example's first wave: production keeps the old version in all six regions."""

from pathlib import Path

import pytest

from dpra_constructs.rehearsal.faults import FAULTS, Scene
from tests.conftest import ROOT

pytestmark = pytest.mark.rehearsal


def test_the_first_wave_of_the_example_is_rolled_back(tmp_path: Path) -> None:
    scene = Scene(folder=ROOT / "examples/fruit_api", output=tmp_path / "out")
    outcome = FAULTS["rollback-of-first-wave"].play(scene)
    assert list(outcome.deviations()) == []
    production = [each for each in outcome.versions if each.place.account == "444444444444"]
    assert len({each.place.region for each in production}) == 6
    assert {each.commit for each in production} == {scene.old}
    assert {code for each in production for code in each.answers.values()} == {200}
