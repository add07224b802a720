"""One emulator for all tests of the executor."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.settings import VARIABLE
from dpra_constructs.rehearsal.stacks import create_stack
from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    commit,
    named,
    settings,
)

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where settings, logs and caches are."""
    return tmp_path_factory.mktemp("executor")


@pytest.fixture(scope="session")
def endpoint(place: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(place / "settings.json"))
        with emulator() as address:
            yield address


@pytest.fixture
def repository(place: Path, tmp_path: Path) -> Path:
    """A repository with one commit, which stands for the source."""
    folder = tmp_path / "repository"
    commit(folder, {"index.html": "one"}, "first")
    settings(place, folder)
    return folder


@pytest.fixture
def deploy(endpoint: str, repository: Path) -> Callable[[Template], Pipeline]:
    """Deploys a template with a pipeline."""

    def create(template: Template) -> Pipeline:
        name = f"fruit-{next(NUMBERS)}"
        cloudformation = client("cloudformation", endpoint, TOOLS)
        create_stack(cloudformation, name, json.dumps(named(template, name)))
        return Pipeline(name=name, endpoint=endpoint, repository=repository)

    return create
