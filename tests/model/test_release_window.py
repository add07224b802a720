"""The deployment window: its cron admits its minutes and no others."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.deployment_window import DAYS, DeploymentWindow

# With changes of the clock by an hour and by half an hour, in both hemispheres, and without.
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Etc/UTC"]
WINDOWS = st.builds(
    DeploymentWindow,
    days=st.sets(st.sampled_from(DAYS), min_size=1).map(sorted),
    hours=st.none()
    | st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1]),
    time_zone=st.sampled_from(ZONES),
)


def cron_admits(expression: str, local: datetime) -> bool:
    """Read a cron expression of lists and ranges by the letter, apart from our own code."""
    seconds, minutes, hours, month_day, month, week_day = expression.split()
    assert (seconds, minutes, month_day, month) == ("*", "*", "?", "*")

    def chosen(field: str, names: list[str]) -> set[str]:
        found: set[str] = set()
        for part in field.split(","):
            first, _, last = part.partition("-")
            if part == "*":
                return set(names)
            found.update(names[names.index(first) : names.index(last or first) + 1])
        return found

    return str(local.hour) in chosen(hours, [str(hour) for hour in range(24)]) and local.strftime(
        "%a"
    ).upper() in chosen(week_day, list(DAYS))


@given(
    window=WINDOWS,
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_the_cron_admits_exactly_the_window(window: DeploymentWindow, moment: datetime) -> None:
    local = moment.astimezone(ZoneInfo(window.time_zone))
    assert cron_admits(window.expression, local) == window.admits(moment)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "day", ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05"]
)
@pytest.mark.parametrize("hours", [(1, 3), (2, 3), (0, 24)])
def test_every_minute_around_a_change_of_the_clock(
    zone: str, day: str, hours: tuple[int, int]
) -> None:
    window = DeploymentWindow(days=["SUN"], hours=hours, time_zone=zone)
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=14)
    for minute in range(0, 52 * 60):
        moment = start + timedelta(minutes=minute)
        local = moment.astimezone(ZoneInfo(zone))
        inside = local.weekday() == 6 and hours[0] <= local.hour < hours[1]
        assert window.admits(moment) == cron_admits(window.expression, local) == inside


@given(window=WINDOWS)
def test_a_week_has_the_hours_of_the_window(window: DeploymentWindow) -> None:
    if window.time_zone != "Asia/Kolkata":
        return
    start = datetime(2026, 6, 1, tzinfo=UTC)
    hours = sum(window.admits(start + timedelta(hours=hour)) for hour in range(168))
    assert hours == window.hours_per_week


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        ("MON-THU", "MON-THU"),
        (["MON", "WED"], "MON,WED"),
        ("MON,WED", "MON,WED"),
        ("WED, MON", "MON,WED"),
        (["SUN", "SAT"], "SAT,SUN"),
        ("SAT-TUE", "MON,TUE,SAT,SUN"),
        ("MON-SUN", "*"),
        ("FRI-FRI", "FRI"),
        ("FRI-SUN", "FRI,SAT,SUN"),
        (("TUE", "WED", "THU"), "TUE-THU"),
        ("MON-TUE,THU-FRI", "MON,TUE,THU,FRI"),
    ],
)
def test_days(days: Any, shown: str) -> None:
    window = DeploymentWindow(days=days, time_zone="Etc/UTC")
    assert window.expression == f"* * * ? * {shown}"


def test_hours_are_half_open() -> None:
    window = DeploymentWindow(days="MON", hours=(9, 10), time_zone="Etc/UTC")
    assert window.expression == "* * 9 ? * MON"
    assert window.admits(datetime(2026, 6, 1, 9, 59, tzinfo=UTC))
    assert not window.admits(datetime(2026, 6, 1, 10, 0, tzinfo=UTC))


def test_it_is_shown_to_people() -> None:
    window = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
    assert window.text == "MON-THU 09:00-16:00 Europe/Berlin"
    expert = DeploymentWindow(cron="* * 9-15 ? * MON#1", time_zone="Etc/UTC")
    assert expert.text == "cron * * 9-15 ? * MON#1 Etc/UTC"
    assert expert.hours_per_week is None


@pytest.mark.parametrize(
    "cron",
    [
        "* * 9-15 ? * MON-THU",
        "* 0/15 * ? * *",
        "* * 9,13 1W JAN-MAR ? 2027",
        "* 0-29 22-23,0-3 ? * FRI,SAT",
        "* * * L * ?",
        "* * * ? 1,7 2#1",
        "* * * ? * FRIL 2026-2030",
    ],
)
def test_crons_of_experts_are_taken(cron: str) -> None:
    assert DeploymentWindow(cron=cron, time_zone="Etc/UTC").expression == cron


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("* * * ? *", "has not 6 or 7 fields"),
        ("0 9 * * 1-5", "has not 6 or 7 fields"),
        (9, "has not 6 or 7 fields"),
        ("0 * 9 ? * MON", "has '0' for the seconds, for which only * is taken"),
        ("* 60 9 ? * MON", "has '60' for the minutes"),
        ("* * 24 ? * MON", "has '24' for the hours"),
        ("* * 16-9 ? * MON", "has '16-9' for the hours"),
        ("* * 9 32 * ?", "has '32' for the day of month"),
        ("* * 9 ? 13 MON", "has '13' for the month"),
        ("* * 9 ? * MONDAY", "has 'MONDAY' for the day of week"),
        ("* * 9 ? * 0", "has '0' for the day of week"),
        ("* * 9/x ? * MON", "has '9/x' for the hours"),
        ("* * 9 ? * MON 1969", "has '1969' for the year"),
        ("* * 9 * * MON", "needs ? for exactly one of"),
        ("* * 9 ? * ?", "needs ? for exactly one of"),
    ],
)
def test_wrong_crons_are_refused(cron: Any, problem: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        DeploymentWindow(cron=cron, time_zone="Etc/UTC")
    assert problem in str(raised.value)
    assert str(raised.value).endswith('; write it like cron="* * 9-15 ? * MON-THU"')


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"days": "MON-"}, "days has 'MON-', which is no day or range of days of MON, TUE"),
        ({"days": "Monday"}, "days has 'Monday', which is no day"),
        ({"days": "MON-WED-FRI"}, "days has 'MON-WED-FRI', which is no day"),
        ({"days": []}, "days is empty"),
        ({"days": 1}, "days=1 is not a sequence of texts"),
        ({"days": "MON-WED,TUE"}, "days has TUE more than once"),
        ({"days": None}, "neither days nor cron is given"),
        ({"cron": "* * * ? * *"}, "cron is given, and so are days or hours"),
        ({"hours": (16, 9)}, "hours=(16, 9) is not a first hour and a later one of 0 to 24"),
        ({"hours": (9, 9)}, "hours=(9, 9) is not"),
        ({"hours": (0, 25)}, "hours=(0, 25) is not"),
        ({"hours": (9.5, 16)}, "hours=(9.5, 16) is not"),
        ({"hours": (True, 16)}, "hours=(True, 16) is not"),
        ({"hours": 9}, "hours=9 is not"),
        ({"hours": "9-16"}, "hours='9-16' is not"),
        ({"hours": (22, 4)}, "for a window over midnight use cron"),
        ({"time_zone": "Berlin"}, "time_zone='Berlin' is not a name of the IANA time zone"),
        ({"time_zone": "europe/berlin"}, "time_zone='europe/berlin' is not a name"),
        ({"time_zone": "posix/Europe/Berlin"}, "time_zone='posix/Europe/Berlin' is not a name"),
        ({"time_zone": "../etc/passwd"}, "time_zone='../etc/passwd' is not a name"),
        ({"time_zone": "+02:00"}, "time_zone='+02:00' is not a name"),
        ({"time_zone": None}, "time_zone=None is not a name"),
    ],
)
def test_wrong_windows_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        DeploymentWindow(**{"days": "MON", "time_zone": "Etc/UTC", **given})
    assert message in str(raised.value)


def test_a_window_cannot_be_asked_about_a_moment_without_a_time_zone_or_with_cron() -> None:
    with pytest.raises(InvalidArgumentError, match="has no time zone; give it tzinfo"):
        DeploymentWindow(days="MON", time_zone="Etc/UTC").admits(datetime(2026, 1, 1))
    with pytest.raises(InvalidArgumentError, match="a window with cron cannot be asked"):
        DeploymentWindow(cron="* * * ? * *", time_zone="Etc/UTC").admits(datetime.now(UTC))
