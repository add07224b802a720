"""The places of the tools that actions install, kept between builds."""

import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from dpra_constructs.local_run.buildspec import parse_buildspec
from dpra_constructs.local_run.tools import ActionTools, ToolsError, action_tools
from tests.build_actions.python_node_tools import write_wheel

SPEC = parse_buildspec("{version: 0.2, phases: {build: {commands: [pip install dist/*.whl]}}}")


class Places:
    """Takes places in a cache of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stopped = threading.Event()

    def take(self, held: ExitStack, places: int = 1) -> ActionTools:
        tools = held.enter_context(
            action_tools(
                self.folder / "cache",
                owner="owner",
                action="Action",
                buildspec=SPEC,
                source=self.folder,
                stopped=self.stopped,
                places=places,
            )
        )
        tools.installed()
        return tools


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_a_package_of_the_build_itself_is_installed_anew(places: Places) -> None:
    for content in ("first", "second"):
        wheel = write_wheel(places.folder, "fruit", module=f"print('{content}')")
        with ExitStack() as held:
            environment = places.take(held).environment({"PATH": "/usr/bin:/bin"})
            subprocess.run(
                ["pip", "install", "--quiet", "--no-index", str(wheel)], env=environment, check=True
            )
            said = subprocess.check_output(["python", "-m", "fruit"], env=environment, text=True)
        assert said == f"{content}\n"


def test_builds_at_once_have_a_place_each_and_the_next_waits(places: Places) -> None:
    with ExitStack() as held:
        first, second = places.take(held, 2), places.take(held, 2)
        assert first.folder != second.folder
        assert (first.folder / "venv").is_dir()
        assert (second.folder / "venv").is_dir()
        places.stopped.set()
        with pytest.raises(ToolsError, match=f"another build uses {second.folder}"):
            places.take(held, 2)
    places.stopped.clear()
    with ExitStack() as held:
        assert places.take(held, 2).folder == first.folder
