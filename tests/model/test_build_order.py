"""Build actions run after those whose outputs they read, and as early as that allows."""

from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.build_actions import BuildAction
from dpra_constructs.pipeline.build_order import check_order, in_order, inputs_of


@st.composite
def actions(draw: st.DrawFn) -> list[BuildAction]:
    """Any actions, each with an output, that read outputs of those before it; in any order."""
    made: list[BuildAction] = []
    for number in range(draw(st.integers(1, 4))):
        inputs = (
            draw(st.lists(st.sampled_from([f"o{n}" for n in range(number)]), unique=True))
            if number
            else []
        )
        made.append(
            BuildAction(
                f"A{number}",
                commands=["make"],
                inputs=inputs,
                outputs={f"o{number}": f"out/{number}"},
            )
        )
    return draw(st.permutations(made))


@given(actions())
def test_each_runs_right_after_the_last_that_it_waits_for(given_actions: list[BuildAction]) -> None:
    check_order("", given_actions, BuildAction("Synth", commands=["cdk synth"]))
    ordered = in_order(given_actions)
    orders = {action.name: order for order, action in ordered}
    assert sorted(orders) == sorted(action.name for action in given_actions)
    for action in given_actions:
        producers = [orders[f"A{name[1:]}"] for name in inputs_of(action)]
        assert orders[action.name] == max(producers, default=0) + 1
    assert [order for order, _ in ordered] == sorted(orders.values())


@given(actions())
def test_the_order_does_not_hang_on_the_order_in_which_they_are_given(
    given_actions: list[BuildAction],
) -> None:
    first = {action.name: order for order, action in in_order(given_actions)}
    second = {action.name: order for order, action in in_order(given_actions[::-1])}
    assert first == second


def test_actions_of_one_order_stay_as_they_are_given() -> None:
    given_actions = [BuildAction(name, commands=["make"]) for name in ("B", "C", "A")]
    assert [action.name for _, action in in_order(given_actions)] == ["B", "C", "A"]
