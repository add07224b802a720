"""A small app whose first commit is in production, and states on the way of the second."""

from pathlib import Path

import pytest

from dpra_constructs.rehearsal.faults import Scene
from tests.rehearsal import small_app


def scene_of(folder: Path, mode: str = "SUPERSEDED", *, whole: bool = False) -> Scene:
    small_app.commit(folder / "app", small_app.files(mode, whole=whole))
    scene = Scene(folder=folder / "app", output=folder / "out")
    scene.prepare()
    return scene


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return scene_of(tmp_path_factory.mktemp("faults"))
