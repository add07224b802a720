"""Cron expressions of windows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.rehearsal.cron import Cron, CronError
from dpra_constructs.release.deployment_window import DAYS, DeploymentWindow

#: Tuesday.
NOON = datetime(2026, 11, 24, 12, 0)


@pytest.mark.parametrize(
    ("expression", "moment", "admits"),
    [
        ("* * * * * ?", NOON, True),
        ("* * 9-15 ? * MON-THU", NOON, True),
        ("* * 9-11 ? * MON-THU", NOON, False),
        ("* 0/15 * ? * *", NOON, True),
        ("* 5/15 * ? * *", NOON, False),
        ("* 5/15 * ? * *", NOON + timedelta(minutes=50), True),
        ("* * 0,12 24 11 ?", NOON, True),
        ("* * * 24 NOV ?", NOON, True),
        ("* * * 24 DEC ?", NOON, False),
        ("* * * ? * 3", NOON, True),
        ("* * * ? * 2", NOON, False),
        ("* * * ? * FRI-TUE", NOON, True),
        ("* * * ? * FRI-MON", NOON, False),
        ("* * 22-13 ? * *", NOON, True),
        ("* * * ? * TUE#4", NOON, True),
        ("* * * ? * TUE#3", NOON, False),
        ("* * * ? * TUEL", NOON, True),
        ("* * * ? * TUEL", NOON - timedelta(days=7), False),
        ("* * * ? * L", NOON + timedelta(days=4), True),
        ("* * * L * ?", datetime(2026, 11, 30), True),
        ("* * * L * ?", datetime(2026, 11, 29), False),
        # The last weekday of October 2026 is a Friday; the first of November's is a Monday.
        ("* * * LW * ?", datetime(2026, 10, 30), True),
        ("* * * 1W * ?", datetime(2026, 11, 2), True),
        ("* * * 15W * ?", datetime(2026, 11, 16), True),
        ("* * * 14W * ?", datetime(2026, 11, 13), True),
        ("* * * * * ? 2026", NOON, True),
        ("* * * * * ? 2027-2030", NOON, False),
    ],
)
def test_an_expression_admits_the_moments_that_it_names(
    expression: str, moment: datetime, admits: bool
) -> None:
    assert Cron.read(expression).admits(moment) == admits


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("* * *", "which has not 6 or 7 fields"),
        ("* 60 * * * ?", "60 is not between 0 and 59"),
        ("* * x * * ?", "invalid literal"),
        ("* * * ? * NEVER", "invalid literal"),
    ],
)
def test_what_is_no_expression_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(CronError) as caught:
        Cron.read(expression)
    assert str(caught.value).startswith(f"the cron expression {expression!r}")
    assert problem in str(caught.value)


@given(
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    first=st.integers(0, 23),
    length=st.integers(1, 24),
    zone=st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    minutes=st.integers(0, 60 * 24 * 366),
)
def test_the_expression_of_a_window_admits_what_the_window_admits(
    days: set[str], first: int, length: int, zone: str, minutes: int
) -> None:
    window = DeploymentWindow(
        days=sorted(days), hours=(first, min(first + length, 24)), time_zone=zone
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    local = moment.astimezone(ZoneInfo(zone))
    assert Cron.read(window.expression).admits(local) == window.admits(moment)
