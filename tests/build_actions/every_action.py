"""Every typed action, with and without its options."""

import inspect

from dpra_constructs import build_actions
from dpra_constructs.build_actions import TypedAction
from tests.build_actions.other_actions import ACTIONS
from tests.build_actions.python_node_actions import ALL

SAMPLES: dict[str, TypedAction] = {**ALL, **ACTIONS}
assert len(SAMPLES) == len(ALL) + len(ACTIONS)
#: The typed actions that the package exports.
TYPED = {
    name: each
    for name, each in vars(build_actions).items()
    if inspect.isclass(each) and issubclass(each, TypedAction) and each is not TypedAction
}
#: With the one that is no CodeBuild action.
ALL_NAMES = {*TYPED, "InspectorCodeSecurity"}
