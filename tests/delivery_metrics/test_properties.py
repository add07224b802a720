"""What holds for every history."""

import time
import tracemalloc
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.delivery_metrics.runtime.calculations import (
    Commit,
    Execution,
    lead_times,
    metrics,
    points,
)
from tests.delivery_metrics.histories import at, good

STATUSES = ["Succeeded", "Succeeded", "Failed", "Superseded", "Stopped", "Cancelled", "InProgress"]
WINDOW = timedelta(days=3)


@st.composite
def executions(draw: st.DrawFn) -> list[Execution]:
    """Make histories of commits, some released together, some more than once."""
    made = []
    for number in range(draw(st.integers(0, 14))):
        started = draw(st.integers(0, 240))
        is_rollback = draw(st.integers(0, 6)) == 0
        commits = draw(st.lists(st.integers(0, 12), max_size=3, unique=True))
        log = draw(st.lists(st.integers(0, 12), max_size=6, unique=True))
        made.append(
            Execution(
                id=f"e{number}",
                status=draw(st.sampled_from(STATUSES)),
                started=at(started),
                ended=at(started + draw(st.integers(0, 40))),
                type="ROLLBACK" if is_rollback else "STANDARD",
                trigger_type=draw(st.sampled_from(["ManualRollback", "AutomatedRollback", ""])),
                trigger_detail=f'{{"FailedPipelineExecutionId": "e{max(0, number - 1)}"}}',
                rolls_back_to=f"e{draw(st.integers(0, 14))}" if is_rollback else "",
                revisions=tuple(Commit(f"c{each}", at(each * 20)) for each in commits),
                log=tuple(Commit(f"c{each}", at(each * 20)) for each in log),
                reached_production=draw(st.sampled_from([None, True, False])),
            )
        )
    return made


@given(executions(), st.randoms())
def test_the_order_of_a_history_does_not_matter(history: list[Execution], random: Any) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    assert metrics(shuffled) == metrics(history)
    assert points(shuffled, window=WINDOW) == points(history, window=WINDOW)


@given(executions(), st.data())
def test_an_execution_that_is_seen_again_does_not_count_again(
    history: list[Execution], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=5)) if history else []
    earlier = [replace(each, status="InProgress", ended=each.started) for each in again]
    assert metrics([*earlier, *history, *again]) == metrics(history)


@given(executions(), st.integers(-10_000, 10_000))
def test_a_shift_in_time_changes_nothing(history: list[Execution], hours: int) -> None:
    by = timedelta(hours=hours)

    def moved(commits: tuple[Commit, ...]) -> tuple[Commit, ...]:
        return tuple(Commit(each.id, each.time + by if each.time else None) for each in commits)

    shifted = [
        replace(
            each,
            started=each.started + by,
            ended=each.ended + by,
            revisions=moved(each.revisions),
            log=moved(each.log),
        )
        for each in history
    ]
    assert asdict(metrics(shifted)) == pytest.approx(asdict(metrics(history)))


@given(executions(), st.booleans())
def test_no_value_is_negative_and_no_share_is_above_one(
    history: list[Execution], has_production: bool
) -> None:
    found = metrics(history, has_production=has_production)
    assert all(value is None or value >= 0 for value in asdict(found).values())
    assert (found.change_failure_rate or 0) <= 1
    assert found.rollbacks + found.deployments <= len(history)


@given(executions())
def test_each_commit_comes_into_production_once(history: list[Execution]) -> None:
    brought = [commit.id for _, commit, _ in lead_times(history)]
    assert len(brought) == len(set(brought))


@given(executions())
def test_what_has_not_ended_changes_nothing(history: list[Execution]) -> None:
    over = [each for each in history if each.status != "InProgress"]
    assert metrics(over) == metrics(history)


def is_good(execution: Execution) -> bool | None:
    if execution.type == "ROLLBACK" or execution.status == "Failed":
        return False
    return True if execution.status == "Succeeded" else None


@given(executions(), st.integers(0, 300))
def test_a_further_success_never_raises_mttr_above_the_longest_recovery(
    history: list[Execution], hours: int
) -> None:
    over = [each for each in history if each.status != "InProgress"]
    recovered = [*over, good("last", 1_000, 1_000)]
    in_order = sorted(recovered, key=lambda each: (each.started, each.ended, each.id))
    longest = max(
        (
            next(later for later in in_order[index:] if is_good(later)).started - each.started
            for index, each in enumerate(in_order)
            if is_good(each) is False
        ),
        default=timedelta(0),
    )
    found = metrics([*recovered, good("new", hours, hours)])
    assert (found.mttr_seconds or 0) <= longest.total_seconds()


@given(executions())
def test_the_time_between_failures_and_the_time_to_recover_fill_the_history(
    history: list[Execution],
) -> None:
    """Good and bad times follow each other without a gap, from the first to the last change."""
    finished = sorted(
        (each for each in history if each.status != "InProgress"),
        key=lambda each: (each.started, each.ended, each.id),
    )
    kinds = [(each.started, is_good(each)) for each in finished if is_good(each) is not None]
    changes = [
        time
        for index, (time, good) in enumerate(kinds)
        if index == 0 or kinds[index - 1][1] != good
    ]
    found = metrics(history)
    first_is_good = bool(kinds) and kinds[0][1]
    spans = [(b - a).total_seconds() for a, b in pairwise(changes)]
    good_spans, bad_spans = spans[::2], spans[1::2]
    if not first_is_good:
        good_spans, bad_spans = bad_spans, good_spans
    for value, of in ((found.mtbf_seconds, good_spans), (found.mttr_seconds, bad_spans)):
        assert value == (pytest.approx(sum(of) / len(of)) if of else None)


@given(executions(), st.integers(0, 300))
def test_a_point_does_not_change_with_what_comes_later(
    history: list[Execution], hours: int
) -> None:
    """The values at the end of an execution are those that were known then."""
    by_then = [each for each in history if each.ended <= at(hours)]
    early = {point.execution.id: point.metrics for point in points(by_then, window=WINDOW)}
    late = {point.execution.id: point.metrics for point in points(history, window=WINDOW)}
    assert early.items() <= late.items()


@cache
def many(count: int) -> list[Execution]:
    """Return a year of a busy pipeline: failures, rollbacks, superseded executions, logs."""
    made: list[Execution] = []
    for number in range(count):
        hours = number * 0.8
        commits = (Commit(f"{number:012x}", at(hours - 1)),)
        log = tuple(
            Commit(f"{max(0, number - back):012x}", at(hours - back)) for back in range(100)
        )
        status = ("Succeeded", "Failed", "Succeeded", "Superseded", "Succeeded")[number % 5]
        made.append(
            Execution(
                id=f"e{number}",
                status=status,
                started=at(hours),
                ended=at(hours + 0.5),
                type="ROLLBACK" if number % 10 == 2 else "STANDARD",
                revisions=commits,
                log=log if status == "Succeeded" else (),
                reached_production=True,
            )
        )
    return made


def test_ten_thousand_executions_are_computed_within_a_second() -> None:
    history = many(10_000)
    began = time.process_time()
    found = metrics(history)
    taken = time.process_time() - began
    assert found.deployments == 5_000
    assert taken < 1


def test_ten_thousand_executions_are_computed_in_little_memory() -> None:
    history = many(10_000)
    tracemalloc.start()
    metrics(history)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 2**20


def test_the_points_of_a_busy_pipeline_are_computed_within_a_second() -> None:
    history = many(10_000)
    began = time.process_time()
    made = points(history, window=timedelta(days=30), at_most=25)
    taken = time.process_time() - began
    assert [point.execution for point in made] == history[-25:]
    assert taken < 1
