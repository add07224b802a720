"""The table of actions by requirement says what the actions themselves say."""

import pytest

from dpra_constructs.build_actions import Pytest, PythonBuild, Ruff
from dpra_constructs.build_actions.inspector_code_security import InspectorCodeSecurity
from dpra_constructs.build_actions.requirement_actions import REQUIREMENT_ACTIONS
from dpra_constructs.requirements import Requirement
from tests.build_actions.other_actions import ACTIONS

INSPECTOR = InspectorCodeSecurity(input="dist")
MEETS = {
    INSPECTOR.__class__.__name__: INSPECTOR.meets,
    **{
        type(action).__name__: action.to_build_action().meets
        for action in (*ACTIONS.values(), Pytest(), PythonBuild(), Ruff())
    },
}


@pytest.mark.parametrize("name", sorted(MEETS))
def test_an_action_stands_where_it_says(name: str) -> None:
    standing = {each for each, names in REQUIREMENT_ACTIONS.items() if name in names}
    # What is packaged is packaged by synth, whatever publishes it.
    assert standing == set(MEETS[name]) - {Requirement.BUILD_PACKAGE}


def test_all_requirements_of_the_build_that_actions_meet_are_there() -> None:
    of_the_build = {each for each in Requirement if each.stage == "build" and each.required}
    # Met by the synth action and by the time budget; signing is only warned about.
    others = {Requirement.BUILD_PACKAGE, Requirement.BUILD_TIME, Requirement.BUILD_SIGNATURE}
    assert set(REQUIREMENT_ACTIONS) == of_the_build - others
    assert all(len(names) >= 2 for names in REQUIREMENT_ACTIONS.values())
