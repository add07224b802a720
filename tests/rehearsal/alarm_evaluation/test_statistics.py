import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.rehearsal.alarm_evaluation import Datapoint, statistic_set
from dpra_constructs.rehearsal.alarm_evaluation.datapoints import statistic_of

values = st.lists(
    st.tuples(st.floats(0, 1e6, allow_nan=False), st.integers(1, 5)), min_size=1, max_size=20
)


def test_a_period_without_data_has_no_statistic() -> None:
    assert statistic_of([], "Sum") is None
    assert statistic_of([Datapoint(0, 1, count=0)], "Sum") is None


def test_a_percentile_is_between_the_two_nearest_ranks() -> None:
    points = [Datapoint(0, value) for value in range(1, 102)]
    assert statistic_of(points, "p95") == 96
    assert statistic_of(points, "p99.5") == 100.5


def test_a_percentile_of_a_statistic_set_does_not_exist_unless_all_its_values_are_the_same() -> (
    None
):
    spread = statistic_set(0, sample_count=2, sum=4, minimum=1, maximum=3)
    same = statistic_set(0, sample_count=2, sum=4, minimum=2, maximum=2)
    assert statistic_of([spread], "p50") is None
    assert statistic_of([same], "p50") == 2
    assert statistic_of([spread], "Maximum") == 3
    assert statistic_of([spread], "Minimum") == 1
    assert statistic_of([spread], "Average") == 2


def test_a_percentile_of_negative_values_does_not_exist() -> None:
    assert statistic_of([Datapoint(0, -1)], "p50") is None


@given(values=values)
def test_a_value_with_a_count_is_that_many_values(values: list[tuple[float, int]]) -> None:
    counted = [Datapoint(0, value, count=count) for value, count in values]
    single = [Datapoint(0, value) for value, count in values for _ in range(count)]
    for statistic in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p1", "p50", "p99.9"):
        assert statistic_of(counted, statistic) == pytest.approx(statistic_of(single, statistic))


@given(values=values, percentages=st.tuples(st.integers(0, 100), st.integers(0, 100)))
def test_percentiles_rise_from_the_lowest_to_the_highest_value(
    values: list[tuple[float, int]], percentages: tuple[int, int]
) -> None:
    points = [Datapoint(0, value, count=count) for value, count in values]
    low, high = (statistic_of(points, f"p{each}") for each in sorted(percentages))
    assert low is not None
    assert high is not None
    lowest, highest = statistic_of(points, "p0"), statistic_of(points, "p100")
    assert lowest == statistic_of(points, "Minimum")
    assert highest == statistic_of(points, "Maximum")
    assert lowest <= low * (1 + 1e-9)  # type: ignore[operator]
    assert low <= high * (1 + 1e-9) + 1e-9
