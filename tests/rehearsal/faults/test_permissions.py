"""Taking any one permission from the pipeline's roles fails the action that needs it.

What the emulator cannot notice stands in a list of docs/rehearsal.md, which is read here.
"""

import re
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.faults import Scene
from tests.rehearsal.faults.mutations import Mutation, Noticed, mutations_of, run_all

pytestmark = pytest.mark.rehearsal

DOCS = Path(__file__).parents[3] / "docs/rehearsal.md"
_ROW = re.compile(r"^\| (?P<kind>[^|]+) \| (?P<actions>`[^|]+`) \|", re.MULTILINE)


def not_noticed() -> set[str]:
    """Return the permissions that the docs say the rehearsal does not notice."""
    text = DOCS.read_text("utf-8").partition("## Permissions whose absence is not noticed")[2]
    return {
        f"{row['kind'].strip()}: {action}"
        for row in _ROW.finditer(text.partition("\n## ")[0])
        for action in re.findall(r"`([^`]+)`", row["actions"])
    }


@pytest.fixture(scope="module")
def mutations(scene: Scene) -> list[Mutation]:
    with scene.released() as emulation:
        return sorted(mutations_of(emulation))


@pytest.fixture(scope="module")
def noticed(scene: Scene, mutations: list[Mutation]) -> list[Noticed]:
    listed = not_noticed()
    return run_all(scene, [each for each in mutations if kind_of(each) not in listed])


def kind_of(mutation: Mutation) -> str:
    """Return how the docs name it: projects of build actions are of one kind."""
    kind = re.sub(
        r"^Project (?!Synth|SelfMutate|FileAssets).*", "Project of a build or a test", mutation.kind
    )
    return f"{kind}: {mutation.action}"


def test_every_permission_fails_the_action_that_needs_it(noticed: list[Noticed]) -> None:
    wrong = [
        f"{each.mutation.stage}: {kind_of(each.mutation)} ({each.mutation.resource}) has to fail "
        f"{each.mutation.needed_by}; failed: {each.failed}: {each.said}"
        for each in noticed
        if each.mutation.needed_by not in each.failed
    ]
    assert wrong == []


def test_at_least_twenty_permissions_are_taken_away(noticed: list[Noticed]) -> None:
    assert len({kind_of(each.mutation) for each in noticed}) >= 20


def test_the_message_names_the_permission_or_says_that_access_is_denied(
    noticed: list[Noticed],
) -> None:
    silent = [
        kind_of(each.mutation)
        for each in noticed
        if not re.search(r"not authorized|[Aa]ccess.?[Dd]enied|FAILED", each.said)
    ]
    assert silent == []


def test_the_list_names_permissions_that_the_roles_have(mutations: list[Mutation]) -> None:
    assert not_noticed() <= {kind_of(each) for each in mutations}
