from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dpra_constructs.cli.commands import dpra
from tests.local_run import stages


@pytest.fixture(scope="session")
def dpra_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: the first virtual environment with pip takes seconds."""
    return tmp_path_factory.mktemp("cache") / "dpra"


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    return stages.repository(tmp_path / "fruit", {"name.txt": "apple\n", ".gitignore": "*.log\n"})


@pytest.fixture
def run_dpra(
    monkeypatch: pytest.MonkeyPatch, dpra_cache: Path, fruit: Path
) -> Callable[..., Result]:
    """Run the command in the repository."""
    monkeypatch.chdir(fruit)
    monkeypatch.setenv("DPRA_CACHE", str(dpra_cache))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(dpra, arguments, catch_exceptions=False)

    return run
