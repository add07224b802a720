"""The worked examples of the service's documentation, and what follows from its rules.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.rehearsal.alarm_evaluation import Datapoint, Metric, evaluate_alarm

NOW = 1_800_000_000
METRIC = Metric("Fruit", "Errors")
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
#: The latest five data points, the oldest first: 0 is within the threshold, X is not, - is missing.
ROWS = {
    3: {
        "0-X-X": ("OK", "OK", "OK", "OK"),
        "0----": ("OK", "OK", "OK", "OK"),
        "-----": ("INSUFFICIENT_DATA", "retained", "ALARM", "OK"),
        "0XX-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
        "--X--": ("ALARM", "retained", "ALARM", "OK"),
        # Not yet: the next data point may be good.
        "----X": ("OK", "retained", "ALARM", "OK"),
        "---X-": ("OK", "retained", "ALARM", "OK"),
    },
    2: {
        "0-X-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
        "00X0X": ("ALARM", "ALARM", "ALARM", "ALARM"),
        "0-X--": ("OK", "OK", "ALARM", "OK"),
        "----0": ("OK", "OK", "ALARM", "OK"),
        "---X-": ("ALARM", "retained", "ALARM", "OK"),
    },
}


def alarm(**properties: Any) -> dict[str, Any]:
    return {
        "Namespace": "Fruit",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        **properties,
    }


def points(row: str, period: int = 60) -> dict[Metric, list[Datapoint]]:
    """Return data whose last period ends now."""
    start = NOW - len(row) * period
    return {
        METRIC: [
            Datapoint(start + index * period, {"0": 0.0, "X": 5.0}[sign])
            for index, sign in enumerate(row)
            if sign != "-"
        ]
    }


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(
    ("needed", "row", "states"),
    [(needed, row, states) for needed, rows in ROWS.items() for row, states in rows.items()],
)
@pytest.mark.parametrize("before", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_missing_data_is_treated_as_documented(
    needed: int, row: str, states: tuple[str, ...], treatment: str, before: str
) -> None:
    expected = states[TREATMENTS.index(treatment)]
    given = alarm(DatapointsToAlarm=needed, TreatMissingData=treatment)
    found = evaluate_alarm(given, points(row), now=NOW, state=before)
    assert found.state == (before if expected == "retained" else expected)


def test_a_good_data_point_that_left_the_range_no_longer_counts() -> None:
    given = alarm(TreatMissingData="breaching")
    assert evaluate_alarm(given, points("0----"), now=NOW).state == "OK"
    assert evaluate_alarm(given, points("0----"), now=NOW + 60).state == "ALARM"


def test_missing_data_of_dynamodb_is_always_ignored() -> None:
    given = alarm(Namespace="AWS/DynamoDB", TreatMissingData="breaching")
    assert evaluate_alarm(given, {}, now=NOW, state="OK").state == "OK"


def test_a_longer_period_is_evaluated_every_minute_over_a_sliding_window() -> None:
    given = alarm(Period=300, EvaluationPeriods=1, TreatMissingData="notBreaching")
    data = {METRIC: [Datapoint(NOW - 1, 5)]}
    states = [
        evaluate_alarm(given, data, now=NOW + 60 * minute).state for minute in (-1, 0, 4, 5, 15)
    ]
    # The service looks further back than one period, where there is no newer data.
    assert states == ["OK", "ALARM", "ALARM", "ALARM", "OK"]


def test_the_minute_that_is_not_over_does_not_count() -> None:
    given = alarm(EvaluationPeriods=1, TreatMissingData="notBreaching")
    data = {METRIC: [Datapoint(NOW + 1, 5)]}
    assert evaluate_alarm(given, data, now=NOW + 59).state == "OK"
    assert evaluate_alarm(given, data, now=NOW + 60).state == "ALARM"


def test_data_with_other_dimensions_is_that_of_another_metric() -> None:
    given = alarm(
        EvaluationPeriods=1,
        Dimensions=[{"Name": "B", "Value": "2"}, {"Name": "A", "Value": "1"}],
        TreatMissingData="missing",
    )
    bad = [Datapoint(NOW - 60, 5)]
    other = {METRIC: bad, Metric("Fruit", "Errors", (("A", "1"),)): bad}
    assert evaluate_alarm(given, other, now=NOW).state == "INSUFFICIENT_DATA"
    same = {Metric("Fruit", "Errors", (("A", "1"), ("B", "2"))): bad}
    assert evaluate_alarm(given, same, now=NOW).state == "ALARM"


def test_data_with_another_unit_is_not_read() -> None:
    given = alarm(EvaluationPeriods=1, Unit="Count", TreatMissingData="missing")
    data = {METRIC: [Datapoint(NOW - 60, 5, unit="Seconds")]}
    assert evaluate_alarm(given, data, now=NOW).state == "INSUFFICIENT_DATA"
    data = {METRIC: [Datapoint(NOW - 60, 5, unit="Count")]}
    assert evaluate_alarm(given, data, now=NOW).state == "ALARM"


@pytest.mark.parametrize(
    ("samples", "state"), [(199, "INSUFFICIENT_DATA"), (200, "ALARM"), (201, "ALARM")]
)
def test_a_percentile_of_few_samples_changes_nothing_where_it_is_ignored(
    samples: int, state: str
) -> None:
    given = alarm(
        Statistic=None,
        ExtendedStatistic="p95",
        EvaluationPeriods=1,
        EvaluateLowSampleCountPercentile="ignore",
    )
    data = {METRIC: [Datapoint(NOW - 60, 5, count=samples)]}
    assert evaluate_alarm(given, data, now=NOW).state == state
    given["EvaluateLowSampleCountPercentile"] = "evaluate"
    assert evaluate_alarm(given, data, now=NOW).state == "ALARM"


def test_the_reason_says_what_was_compared() -> None:
    found = evaluate_alarm(alarm(DatapointsToAlarm=2), points("00X0X"), now=NOW)
    assert found.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [5, 5] were greater than the threshold "
        "(1) (minimum 2 for ALARM)."
    )
    assert found.reason_data["recentDatapoints"] == [0, 0, 5, 0, 5]
    assert [each["value"] for each in found.reason_data["evaluatedDatapoints"]] == [5, 0, 5]


@pytest.mark.parametrize(
    ("properties", "row", "reason"),
    [
        (
            {"TreatMissingData": "missing"},
            "-----",
            "Insufficient Data: no datapoints were received for 3 periods; they were unknown.",
        ),
        (
            {"TreatMissingData": "breaching"},
            "-----",
            "Threshold Crossed: no datapoints were received for 3 periods; they were treated as "
            "[Breaching].",
        ),
        (
            {"TreatMissingData": "notBreaching"},
            "----0",
            "Threshold Crossed: 1 out of the last 3 datapoints [0] was not greater than the "
            "threshold (1); 2 missing, treated as notBreaching (minimum 3 for ALARM).",
        ),
    ],
)
def test_the_reason_says_how_missing_data_was_treated(
    properties: dict[str, Any], row: str, reason: str
) -> None:
    assert evaluate_alarm(alarm(**properties), points(row), now=NOW).reason == reason


rows = st.text("0X-", min_size=5, max_size=5)
treatments = st.sampled_from(TREATMENTS)
before = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])


@given(row=st.text("0X", min_size=5, max_size=5), treatment=treatments, needed=st.integers(1, 3))
def test_without_missing_data_m_of_the_last_n_data_points_decide(
    row: str, treatment: str, needed: int
) -> None:
    given = alarm(DatapointsToAlarm=needed, TreatMissingData=treatment)
    expected = "ALARM" if row[-3:].count("X") >= needed else "OK"
    assert evaluate_alarm(given, points(row), now=NOW).state == expected


@given(row=rows, treatment=treatments, before=before, minutes=st.integers(-10_000, 10_000))
def test_only_the_age_of_data_counts(row: str, treatment: str, before: str, minutes: int) -> None:
    given = alarm(TreatMissingData=treatment)
    later = {
        METRIC: [
            Datapoint(point.timestamp + 60 * minutes, point.value) for point in points(row)[METRIC]
        ]
    }
    found = evaluate_alarm(given, points(row), now=NOW, state=before).state
    assert evaluate_alarm(given, later, now=NOW + 60 * minutes, state=before).state == found


@given(row=rows, treatment=treatments, before=before, needed=st.integers(1, 3))
def test_a_worse_data_point_never_ends_an_alarm(
    row: str, treatment: str, before: str, needed: int
) -> None:
    given = alarm(DatapointsToAlarm=needed, TreatMissingData=treatment)
    if evaluate_alarm(given, points(row), now=NOW, state=before).state != "ALARM":
        return
    for index in range(5):
        if row[index] == "0":
            worse = row[:index] + "X" + row[index + 1 :]
            assert evaluate_alarm(given, points(worse), now=NOW, state="ALARM").state == "ALARM"


@given(row=rows, before=before, needed=st.integers(1, 3))
def test_breaching_is_never_better_than_not_breaching(row: str, before: str, needed: int) -> None:
    states = {
        treatment: evaluate_alarm(
            alarm(DatapointsToAlarm=needed, TreatMissingData=treatment),
            points(row),
            now=NOW,
            state=before,
        ).state
        for treatment in ("breaching", "notBreaching")
    }
    assert states["notBreaching"] != "ALARM" or states["breaching"] == "ALARM"
