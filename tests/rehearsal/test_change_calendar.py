"""Change calendars: what their events open and close."""

from datetime import UTC, datetime, timedelta

import pytest

from dpra_constructs.rehearsal.change_calendar import (
    CalendarError,
    ChangeCalendar,
    all_open,
    next_transition,
)

#: Tuesday.
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def content(*lines: str, kind: str = "DEFAULT_OPEN", own: str = "VERSION:2.0") -> str:
    event = ["BEGIN:VEVENT", *lines, "END:VEVENT"] if lines else []
    given = ["BEGIN:VCALENDAR", own, f"X-CALENDAR-TYPE:{kind}", *event, "END:VCALENDAR", ""]
    return "\r\n".join(given)


def calendar(*lines: str, kind: str = "DEFAULT_OPEN", own: str = "VERSION:2.0") -> ChangeCalendar:
    return ChangeCalendar.read(content(*lines, kind=kind, own=own))


BETWEEN = ("DTSTART:20261124T110000Z", "DTEND:20261124T130000Z")


@pytest.mark.parametrize(("kind", "during"), [("DEFAULT_OPEN", False), ("DEFAULT_CLOSED", True)])
def test_an_event_changes_the_default_from_its_start_until_its_end(kind: str, during: bool) -> None:
    found = calendar(*BETWEEN, kind=kind)
    hours = [NOON + timedelta(hours=n, microseconds=n) for n in (-2, -1, 0)]
    assert [found.is_open(each) for each in hours] == [not during, not during, during]
    assert found.is_open(NOON - timedelta(hours=1)) is during
    assert found.is_open(NOON + timedelta(hours=1)) is not during


@pytest.mark.parametrize("kind", ["DEFAULT_OPEN", "DEFAULT_CLOSED"])
def test_without_events_a_calendar_is_as_by_default_for_ever(kind: str) -> None:
    found = calendar(kind=kind)
    assert found.is_open(NOON) is (kind == "DEFAULT_OPEN")
    assert next_transition([found], NOON) is None


@pytest.mark.parametrize(
    ("lines", "closed"),
    [
        (["DTSTART;TZID=Europe/Berlin:20261124T120000", "DURATION:PT1H30M"], True),
        (["DTSTART;TZID=Europe/Berlin:20261124T120000", "DURATION:PT1H"], False),
        (['DTSTART;TZID="America/New_York":20261124T070000', "DURATION:PT1M"], True),
        (["DTSTART:20261124T120000", "DTEND:20261124T120100"], True),
        (["DTSTART;VALUE=DATE:20261124"], True),
        (["DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124"], False),
        (["DTSTART:20261124T120000Z"], False),
        (["DTSTART:20261103T110000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY"], True),
        (["DTSTART:20261103T110000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;BYDAY=WE"], False),
        (["DTSTART:20261103T110000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3"], False),
        (["DTSTART:20251124T110000Z", "DURATION:PT2H", "RRULE:FREQ=YEARLY"], True),
        # At eleven there before and after the clocks went back.
        (
            [
                "DTSTART;TZID=Europe/Berlin:20261020T123000",
                "DURATION:PT1H",
                "RRULE:FREQ=WEEKLY;UNTIL=20261231T000000Z",
            ],
            True,
        ),
        (["DTSTART:20261124T110000Z", "DTEND:2026112", " 4T130000Z"], True),
        ([*BETWEEN, "BEGIN:VALARM", "DTSTART:nonsense", "END:VALARM"], True),
        ([*BETWEEN, "SUMMARY:Freeze: nothing; at all"], True),
    ],
)
def test_when_an_event_is(lines: list[str], closed: bool) -> None:
    assert calendar(*lines).is_open(NOON) is not closed


def test_a_time_without_a_zone_is_in_that_of_the_calendar() -> None:
    event = ("DTSTART:20261124T210000", "DTEND:20261124T213000")
    assert not calendar(*event, own="X-WR-TIMEZONE:Asia/Tokyo").is_open(NOON)


def test_the_state_changes_when_an_event_begins_or_ends() -> None:
    found = calendar(*BETWEEN)
    begins, ends = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    assert next_transition([found], begins - timedelta(days=9)) == begins
    assert next_transition([found], begins) == ends
    assert next_transition([found], ends) is None


def test_events_one_after_the_other_are_one_closed_time() -> None:
    daily = calendar("DTSTART;VALUE=DATE:20261120", "RRULE:FREQ=DAILY;COUNT=10")
    assert next_transition([daily], NOON) == datetime(2026, 11, 30, tzinfo=UTC)


def test_a_calendar_that_never_changes_its_state_has_no_next_change() -> None:
    always = calendar("DTSTART;VALUE=DATE:20261120", "RRULE:FREQ=DAILY")
    assert not always.is_open(NOON)
    assert next_transition([always], NOON) is None


def test_of_several_calendars_all_have_to_be_open() -> None:
    closed, opened = calendar(*BETWEEN), calendar()
    later = calendar("DTSTART:20261124T123000Z", "DTEND:20261124T180000Z")
    assert not all_open([opened, closed], NOON)
    assert all_open([opened, later], NOON)
    assert next_transition([opened, closed, later], NOON) == datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "the calendar has X-CALENDAR-TYPE:, which is not one of DEFAULT_OPEN, DEFAULT_CLOSED"),
        (content(kind="OPEN"), "the calendar has X-CALENDAR-TYPE:OPEN, which is not one of"),
        ("{}", "the line '{}' is none of iCalendar"),
        ("BEGIN:VCALENDAR", "the calendar has no END:VCALENDAR"),
        ("END:VEVENT", "the calendar ends a VEVENT that is not begun"),
        (content("SUMMARY:x"), "an event has no DTSTART"),
        (content("DTSTART:tomorrow"), "DTSTART:tomorrow is not a time like 20261220T000000Z"),
        (content(*BETWEEN[:1], "DURATION:P"), "DURATION:P is not one of iCalendar"),
        (content("DTSTART;TZID=Berlin:20261124T110000"), "the time zone 'Berlin' is not one like"),
        (content(*BETWEEN, "RRULE:FREQ=SOMETIMES"), "RRULE:FREQ=SOMETIMES: "),
        (
            content(*BETWEEN, "EXDATE:20261124T110000Z"),
            "this rehearsal does not support events with EXDATE",
        ),
    ],
)
def test_what_is_no_calendar_is_an_error_that_says_why(given: str, message: str) -> None:
    with pytest.raises(CalendarError) as caught:
        ChangeCalendar.read(given)
    assert message in str(caught.value)
