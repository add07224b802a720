"""Hand-made histories with the metrics that they have, worked out here as arithmetic.

Times are hours after the beginning. Definitions: docs/delivery-metrics.md.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from dpra_constructs.delivery_metrics.runtime.calculations import Execution, metrics
from tests.delivery_metrics.histories import HOUR, at, bad, commit, good, rollback, run

NONE: dict[str, Any] = {
    "lead_time_seconds": None,
    "deployments": 0,
    "deploy_frequency_per_day": None,
    "mtbf_seconds": None,
    "mttr_seconds": None,
    "change_failure_rate": None,
    "rollbacks": 0,
}


@dataclass(frozen=True)
class History:
    """A history, and the values that differ from those of an empty one."""

    name: str
    executions: list[Execution]
    expected: dict[str, Any]
    given: dict[str, Any] = field(default_factory=dict)


HISTORIES = [
    History("nothing has run", [], {}),
    History("the first execution still goes on", [run("a", "InProgress", 0, 2)], {}),
    History("a stop has not ended it yet", [run("a", "Stopping", 0, 2)], {}),
    History(
        "one release",
        [good("a", 1, 3, commit("c1", 0))],
        {
            "lead_time_seconds": 3 * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (2 / 24),
            "change_failure_rate": 0 / 1,
        },
    ),
    History(
        "a release of a source whose commits have no time",
        [good("a", 0, 24, commit("c1", None))],
        {"deployments": 1, "deploy_frequency_per_day": 1 / 1, "change_failure_rate": 0.0},
    ),
    History(
        "only failures",
        [bad("a", 0, 1), bad("b", 23, 24)],
        {"deploy_frequency_per_day": 0 / 1, "change_failure_rate": 2 / 2},
    ),
    History(
        "a failure between two releases",
        [
            good("a", 0, 2, commit("c1", -1)),
            bad("b", 24, 25, commit("c2", 23)),
            good("c", 30, 48, commit("c3", 29)),
        ],
        {
            # c2 came into production with the execution that c3 started.
            "lead_time_seconds": ((2 - -1) + (48 - 23) + (48 - 29)) / 3 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 2,
            "mtbf_seconds": (24 - 0) * HOUR,
            "mttr_seconds": (30 - 24) * HOUR,
            "change_failure_rate": 1 / 3,
        },
    ),
    History(
        "several failures in a row are one failure and one recovery, from the first",
        [good("a", 0, 1), bad("b", 10, 11), bad("c", 12, 13), bad("d", 14, 15), good("e", 20, 24)],
        {
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "mtbf_seconds": (10 - 0) * HOUR,
            "mttr_seconds": (20 - 10) * HOUR,
            "change_failure_rate": 3 / 5,
        },
    ),
    History(
        "several successes in a row: the time to the next failure counts from the first",
        [good("a", 0, 1), good("b", 5, 6), good("c", 10, 11), bad("d", 30, 48)],
        {
            "deployments": 3,
            "deploy_frequency_per_day": 3 / 2,
            "mtbf_seconds": (30 - 0) * HOUR,
            "change_failure_rate": 1 / 4,
        },
    ),
    History(
        "two failures and two recoveries",
        [
            good("a", 0, 1),
            bad("b", 10, 11),
            good("c", 12, 13),
            good("d", 20, 21),
            bad("e", 40, 41),
            bad("f", 42, 43),
            good("g", 46, 48),
        ],
        {
            "deployments": 4,
            "deploy_frequency_per_day": 4 / 2,
            "mtbf_seconds": ((10 - 0) + (40 - 12)) / 2 * HOUR,
            "mttr_seconds": ((12 - 10) + (46 - 40)) / 2 * HOUR,
            "change_failure_rate": 3 / 7,
        },
    ),
    History(
        "a history that begins with a failure has no time before it",
        [bad("a", 0, 1), good("b", 6, 24)],
        {
            "deployments": 1,
            "deploy_frequency_per_day": 1 / 1,
            "mttr_seconds": 6 * HOUR,
            "change_failure_rate": 1 / 2,
        },
    ),
    History(
        "commits that travel together count each by its own time",
        [good("a", 5, 8, commit("c1", 1), commit("c2", 4), commit("c3", 5))],
        {
            "lead_time_seconds": ((8 - 1) + (8 - 4) + (8 - 5)) / 3 * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (3 / 24),
            "change_failure_rate": 0.0,
        },
    ),
    History(
        "the commit of a superseded execution travels on with the next",
        [
            run("a", "Superseded", 0, 2, commit("c1", 0)),
            run("b", "Superseded", 1, 3, commit("c2", 1)),
            good("c", 2, 12, commit("c3", 2)),
        ],
        {
            "lead_time_seconds": ((12 - 0) + (12 - 1) + (12 - 2)) / 3 * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (12 / 24),
            "change_failure_rate": 0.0,
        },
    ),
    History(
        "a stopped execution is neither success nor failure, and its commit travels on",
        [
            good("a", 0, 1, commit("c1", 0)),
            run("b", "Stopped", 10, 11, commit("c2", 9)),
            good("c", 20, 24, commit("c3", 19)),
        ],
        {
            "lead_time_seconds": (1 + (24 - 9) + (24 - 19)) / 3 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "change_failure_rate": 0 / 2,
        },
    ),
    History(
        "an update of the pipeline cancels an execution and restarts its commit",
        [
            run("a", "Cancelled", 0, 1, commit("c1", 0)),
            good("b", 1, 6, commit("c1", 0)),
        ],
        {
            # The commit counts once.
            "lead_time_seconds": (6 - 0) * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (6 / 24),
            "change_failure_rate": 0 / 1,
        },
    ),
    History(
        "an update that lets the first execution of a commit pass, too: two deployments",
        [
            good("a", 0, 2, commit("c1", 0)),
            good("b", 1, 12, commit("c1", 0)),
        ],
        {
            # It was in production after two hours.
            "lead_time_seconds": 2 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / (12 / 24),
            "change_failure_rate": 0 / 2,
        },
    ),
    History(
        "a stage that failed and was retried with success: one execution, a success",
        [good("a", 0, 2), good("b", 10, 24, trigger_type="WebhookV2")],
        {"deployments": 2, "deploy_frequency_per_day": 2 / 1, "change_failure_rate": 0 / 2},
    ),
    History(
        "an automatic rollback marks no second failure and is no deployment",
        [
            good("a", 0, 1),
            bad("b", 10, 12),
            rollback("r", 12, 13, to="a", of="b"),
            good("c", 20, 24),
        ],
        {
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "mtbf_seconds": (10 - 0) * HOUR,
            # Recovered by c, not by the rollback.
            "mttr_seconds": (20 - 10) * HOUR,
            "change_failure_rate": 1 / 3,
            "rollbacks": 1,
        },
    ),
    History(
        "a person rolls back a release that had succeeded: it was a failure, from then on",
        [
            good("a", 0, 1),
            good("b", 10, 12),
            rollback("r", 15, 16, to="a"),
            good("c", 20, 24),
        ],
        {
            "deployments": 3,
            "deploy_frequency_per_day": 3 / 1,
            "mtbf_seconds": (15 - 0) * HOUR,
            "mttr_seconds": (20 - 15) * HOUR,
            "change_failure_rate": 1 / 3,
            "rollbacks": 1,
        },
    ),
    History(
        "two waves are rolled back: two rollbacks, one failure",
        [
            good("a", 0, 1),
            bad("b", 10, 12),
            rollback("r1", 12, 13, to="a", of="b"),
            rollback("r2", 13, 14, to="a"),
            good("c", 20, 24),
        ],
        {
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "mtbf_seconds": 10 * HOUR,
            "mttr_seconds": 10 * HOUR,
            "change_failure_rate": 1 / 3,
            "rollbacks": 2,
        },
    ),
    History(
        "a rollback that fails is a rollback",
        [good("a", 0, 1), bad("b", 2, 3), rollback("r", 3, 6, to="a", of="b", status="Failed")],
        {
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (6 / 24),
            "mtbf_seconds": 2 * HOUR,
            "change_failure_rate": 1 / 2,
            "rollbacks": 1,
        },
    ),
    History(
        "the rollback names what failed, though another release ended in between",
        [
            good("a", 0, 1),
            bad("b", 5, 11),
            good("c", 6, 10),
            rollback("r", 11, 12, to="a", of="b"),
        ],
        {
            "deployments": 2,
            "deploy_frequency_per_day": 2 / (12 / 24),
            "mtbf_seconds": ((5 - 0) + (11 - 6)) / 2 * HOUR,
            "mttr_seconds": (6 - 5) * HOUR,
            "change_failure_rate": 1 / 3,
            "rollbacks": 1,
        },
    ),
    History(
        "a failure before production is one of the pipeline, and of no change",
        [
            good("a", 0, 1, reached_production=True),
            bad("b", 4, 5, reached_production=False),
            bad("c", 6, 7, reached_production=True),
            good("d", 8, 12, reached_production=True),
        ],
        {
            "deployments": 2,
            "deploy_frequency_per_day": 2 / (12 / 24),
            "mtbf_seconds": 4 * HOUR,
            "mttr_seconds": 4 * HOUR,
            "change_failure_rate": 1 / 3,
        },
    ),
    History(
        "a pipeline that ends with gamma has no deployments, and still fails and recovers",
        [good("a", 0, 1, commit("c1", 0)), bad("b", 6, 7), good("c", 8, 9)],
        {"mtbf_seconds": 6 * HOUR, "mttr_seconds": 2 * HOUR},
        {"has_production": False},
    ),
    History(
        "a success from when the pipeline ended with gamma is no deployment; its commit waited",
        [
            good("a", 0, 1, commit("c1", 0), reached_production=False),
            good("b", 12, 24, commit("c2", 11), reached_production=True),
        ],
        {
            "lead_time_seconds": (24 + (24 - 11)) / 2 * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / 1,
            "change_failure_rate": 0 / 1,
        },
    ),
    History(
        "an author's clock is ahead: the lead time is 0, not negative",
        [good("a", 0, 2, commit("c1", 5)), good("b", 12, 24, commit("c2", 20))],
        {
            "lead_time_seconds": (0 + (24 - 20)) / 2 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "change_failure_rate": 0 / 2,
        },
    ),
    History(
        "the same commit is released again: it was in production already",
        [good("a", 0, 2, commit("c1", 1)), good("b", 20, 24, commit("c1", 1))],
        {
            "lead_time_seconds": 1 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "change_failure_rate": 0 / 2,
        },
    ),
    History(
        "the build's log says what was committed since the last release",
        [
            good("a", 0, 2, commit("c1", 0), log=(commit("c1", 0), commit("c0", -9))),
            good(
                "b",
                20,
                24,
                commit("c4", 19),
                log=(commit("c4", 19), commit("c3", 18), commit("c2", 3), commit("c1", 0)),
            ),
        ],
        {
            # c0 was there before anybody counted.
            "lead_time_seconds": ((2 - 0) + (24 - 19) + (24 - 18) + (24 - 3)) / 4 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "change_failure_rate": 0 / 2,
        },
    ),
    History(
        "of the first log nobody knows what was in production before",
        [good("a", 0, 24, commit("c2", -2), log=(commit("c2", -2), commit("c1", -500)))],
        {
            "lead_time_seconds": (24 - -2) * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / 1,
            "change_failure_rate": 0.0,
        },
    ),
    History(
        "nothing before the window counts, but what it released is known",
        [
            good("a", 0, 1, commit("c1", 0)),
            bad("b", 10, 11, commit("c2", 9)),
            good("c", 48, 50, commit("c3", 47)),
            good("d", 60, 72, commit("c1", 0), commit("c4", 59)),
        ],
        {
            "lead_time_seconds": ((50 - 9) + (50 - 47) + (72 - 59)) / 3 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / ((72 - 36) / 24),
            "change_failure_rate": 0 / 2,
        },
        {"since": at(36)},
    ),
    History("an empty window", [good("a", 0, 1, commit("c1", 0))], {}, {"since": at(2)}),
    History(
        "what ends after the window does not count yet",
        [good("a", 0, 1, commit("c1", 0)), bad("b", 2, 13)],
        {
            "lead_time_seconds": 1 * HOUR,
            "deployments": 1,
            "deploy_frequency_per_day": 1 / (12 / 24),
            "change_failure_rate": 0 / 1,
        },
        {"until": at(12)},
    ),
    History(
        "a window of a week",
        [good("a", 12, 13), good("b", 36, 37)],
        {"deployments": 2, "deploy_frequency_per_day": 2 / 7, "change_failure_rate": 0 / 2},
        {"since": at(0), "until": at(7 * 24)},
    ),
    History(
        "a later execution that ends first brings the earlier one's commit along",
        [good("a", 0, 24, commit("c1", 0)), good("b", 1, 8, commit("c2", 1))],
        {
            "lead_time_seconds": ((8 - 0) + (8 - 1)) / 2 * HOUR,
            "deployments": 2,
            "deploy_frequency_per_day": 2 / 1,
            "change_failure_rate": 0 / 2,
        },
    ),
]


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_the_metrics_of(history: History) -> None:
    found = asdict(metrics(history.executions, **history.given))
    assert found == pytest.approx({**NONE, **history.expected})


def test_there_are_at_least_25() -> None:
    assert len({history.name for history in HISTORIES}) == len(HISTORIES) >= 25
