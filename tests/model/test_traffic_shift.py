"""How traffic moves: one value, and what each service takes of it."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from aws_cdk import Duration
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.progressive_deployment import ShiftKind, TrafficShift
from dpra_constructs.progressive_deployment.service_limits import (
    app_config_growth,
    code_deploy_routing,
    ecs_strategy,
)

PERCENTS = st.one_of(
    st.integers(1, 99),
    st.integers(1, 999).map(lambda tenths: tenths / 10),
    st.floats(0.01, 99.99, allow_nan=False),
)
SHIFTS = st.one_of(
    st.just(TrafficShift.all_at_once()),
    st.builds(
        TrafficShift,
        kind=st.sampled_from([ShiftKind.CANARY, ShiftKind.LINEAR]),
        percent=PERCENTS,
        interval_minutes=st.integers(1, 2_880),
    ),
)


def target(environment: str) -> DeploymentTarget:
    return DeploymentTarget(
        pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
        environment=environment,
        account="222222222222",
        region="us-west-2",
        configuration={},
        is_production=environment == "prod",
    )


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        call(*arguments)
    return str(raised.value)


@given(SHIFTS)
def test_every_shift_begins_at_once_grows_and_ends_with_all(shift: TrafficShift) -> None:
    minutes, percents = zip(*shift.steps, strict=True)
    assert minutes[0] == 0
    assert percents[-1] == 100
    assert list(minutes) == sorted(set(minutes))
    assert list(percents) == sorted(set(percents))
    assert shift.minutes == minutes[-1]


@given(SHIFTS)
def test_a_linear_shift_moves_the_same_part_each_time_but_the_last(shift: TrafficShift) -> None:
    if shift.kind is not ShiftKind.LINEAR:
        return
    percents = [Fraction(0), *(Fraction(str(percent)) for _, percent in shift.steps)]
    parts = [after - before for before, after in pairwise(percents)]
    assert all(abs(part - Fraction(str(shift.percent))) < Fraction(1, 10**6) for part in parts[:-1])
    assert parts[-1] <= Fraction(str(shift.percent)) + Fraction(1, 10**6)


@given(SHIFTS)
def test_code_deploy_takes_whole_percents_for_up_to_48_hours_and_nothing_else(
    shift: TrafficShift,
) -> None:
    allowed = not shift.is_progressive or (
        shift.percent == int(shift.percent) and shift.minutes <= 2_880
    )
    if not allowed:
        message = refused(code_deploy_routing, "here", shift)
        assert "whole percents from 1 to 99" in message or "CodeDeploy allows 2880" in message
        return
    routing = code_deploy_routing("here", shift)
    if shift.is_progressive:
        [terms] = [value for key, value in routing.items() if key != "type"]
        assert sorted(terms.values()) == sorted([shift.percent, shift.interval_minutes])


@given(SHIFTS, st.integers(0, 1_440))
def test_ecs_takes_tenths_of_a_percent_for_up_to_33_hours_with_the_bake_and_nothing_else(
    shift: TrafficShift, bake_minutes: int
) -> None:
    least = 3 if shift.kind is ShiftKind.LINEAR else 0
    allowed = not shift.is_progressive or (
        (Fraction(str(shift.percent)) * 10).denominator == 1
        and shift.percent >= least
        and shift.interval_minutes <= 1_440
        and shift.minutes + bake_minutes <= 33 * 60
    )
    if not allowed:
        message = refused(ecs_strategy, "here", shift, bake_minutes)
        assert any(
            limit in message
            for limit in (
                "multiples of 0.1 percent",
                "at least 3 percent",
                "at most 1440 minutes",
                "CloudFormation allows 1980",
            )
        )
        return
    strategy = ecs_strategy("here", shift, bake_minutes)
    assert strategy["bakeTimeInMinutes"] == bake_minutes
    assert (
        strategy["strategy"]
        == {
            ShiftKind.CANARY: "CANARY",
            ShiftKind.LINEAR: "LINEAR",
            ShiftKind.ALL_AT_ONCE: "BLUE_GREEN",
        }[shift.kind]
    )


@given(SHIFTS)
def test_app_config_grows_by_equal_parts_for_up_to_a_day_and_nothing_else(
    shift: TrafficShift,
) -> None:
    exact = Fraction(100 * shift.interval_minutes) / Fraction(str(shift.percent))
    allowed = not shift.is_progressive or (
        shift.kind is ShiftKind.LINEAR and shift.percent >= 1 and exact <= 1_440
    )
    if not allowed:
        message = refused(app_config_growth, "here", shift)
        assert any(
            limit in message
            for limit in ("only grows by equal parts", "1 to 100 percent", "AppConfig allows 1440")
        )
        return
    growth = app_config_growth("here", shift)
    assert 0 <= growth["deploymentDurationInMinutes"] - exact < 1
    assert growth["growthFactor"] == shift.percent


@given(st.one_of(st.integers(max_value=0), st.integers(min_value=100), st.just(float("nan"))))
def test_a_part_is_above_nothing_and_below_all(percent: float) -> None:
    for make in (TrafficShift.canary, TrafficShift.linear):
        assert "is not a number above 0 and below 100" in refused(
            make, percent, Duration.minutes(5)
        )


def test_a_part_is_a_number() -> None:
    for wrong in (True, "10"):
        assert "is not a number above 0 and below 100" in refused(
            TrafficShift.canary, wrong, Duration.minutes(5)
        )


@given(st.one_of(st.just(0), st.integers(min_value=2_881, max_value=10**6)))
def test_an_interval_is_1_to_2880_minutes(minutes: int) -> None:
    assert "is not between 1 and 2880 minutes" in refused(
        TrafficShift.linear, 10, Duration.minutes(minutes)
    )


def test_an_interval_is_a_duration_of_whole_minutes() -> None:
    assert "interval=5 is not a Duration" in refused(TrafficShift.canary, 10, 5)
    assert "interval=90 seconds is not whole minutes" in refused(
        TrafficShift.canary, 10, Duration.seconds(90)
    )


def test_all_at_once_has_one_step() -> None:
    assert TrafficShift.all_at_once().steps == ((0, 100.0),)
    assert "all at once has one step of 100 percent" in refused(
        lambda: TrafficShift(kind=ShiftKind.ALL_AT_ONCE, percent=10, interval_minutes=0)
    )


def test_a_shift_by_its_fields_is_checked_too() -> None:
    assert "kind='CANARY' is of type str" in refused(
        lambda: TrafficShift(kind="CANARY", percent=10, interval_minutes=5)  # type: ignore[arg-type]
    )
    assert "interval_minutes=0 is not a whole number from 1 to 2880" in refused(
        lambda: TrafficShift(kind=ShiftKind.CANARY, percent=10, interval_minutes=0)
    )


@pytest.mark.parametrize(
    ("shift", "text"),
    [
        (TrafficShift.canary(0.5, Duration.hours(1)), "0.5 %, the rest after 60 minutes"),
        (TrafficShift.linear(10, Duration.minutes(1)), "10 % every 1 minute"),
        (TrafficShift.all_at_once(), "all at once"),
    ],
)
def test_a_shift_says_what_it_does(shift: TrafficShift, text: str) -> None:
    assert str(shift) == text


def test_everything_moves_at_once_in_beta_and_progressively_elsewhere() -> None:
    shift = TrafficShift.canary(10, Duration.minutes(5))
    assert [
        TrafficShift.for_target(target(name), shift) == shift for name in ("beta", "gamma", "prod")
    ] == [False, True, True]
    assert (
        TrafficShift.for_target(target("gamma"), shift, all_at_once_in=["beta", "gamma"])
        == TrafficShift.all_at_once()
    )


def test_production_is_not_among_those_where_all_moves_at_once() -> None:
    shift = TrafficShift.canary(10, Duration.minutes(5))
    assert "all_at_once_in has 'prod', which is production" in refused(
        lambda: TrafficShift.for_target(target("prod"), shift, all_at_once_in=["prod"])
    )


def test_a_choice_needs_a_target_and_a_shift() -> None:
    shift = TrafficShift.canary(10, Duration.minutes(5))
    assert "target='prod' is of type str" in refused(TrafficShift.for_target, "prod", shift)
    assert "shift=10 is of type int" in refused(TrafficShift.for_target, target("prod"), 10)
