"""Change calendars of Systems Manager: documents of iCalendar events. Pure.

Events close a calendar of the type DEFAULT_OPEN, and open one of the type DEFAULT_CLOSED.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
and RFC 5545
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from dateutil.rrule import rrulestr

from dpra_constructs.errors import RehearsalError

_TYPES = ("DEFAULT_OPEN", "DEFAULT_CLOSED")
# Properties by which an event has other occurrences than these.
_UNSUPPORTED = ("RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
# A calendar that changes more often before it is in another state is looked at no further.
_MOST_CHANGES = 1000


class CalendarError(RehearsalError):
    """A document is not a change calendar that is understood."""


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    parameters: dict[str, str]
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event, and when it is repeated.

    Args:
        start: of its first occurrence.
        duration: of each.
        rule: the value of its `RRULE`; empty where it is not repeated.
    """

    start: datetime
    duration: timedelta
    rule: str = ""

    def latest(self, moment: datetime) -> datetime | None:
        """Return the start of the last occurrence that has begun by then."""
        if not self.rule:
            return self.start if self.start <= moment else None
        found: datetime | None = self._starts().before(moment, inc=True)
        return found

    def following(self, moment: datetime) -> datetime | None:
        """Return the start of the first occurrence that begins later."""
        if not self.rule:
            return self.start if self.start > moment else None
        found: datetime | None = self._starts().after(moment)
        return found

    def end(self, moment: datetime) -> datetime | None:
        """Return when the occurrence ends that goes on then; None where none does."""
        start = self.latest(moment)
        # Not on the clock of its zone, which may be put forward meanwhile.
        end = start.astimezone(UTC) + self.duration if start else moment
        return end if end > moment else None

    def _starts(self) -> Any:
        return rrulestr(self.rule, dtstart=self.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeCalendar:
    """A change calendar.

    >>> freeze = ChangeCalendar.read('''BEGIN:VCALENDAR
    ... X-CALENDAR-TYPE:DEFAULT_OPEN
    ... BEGIN:VEVENT
    ... DTSTART:20261220T000000Z
    ... DTEND:20270104T000000Z
    ... END:VEVENT
    ... END:VCALENDAR''')
    >>> freeze.is_open(datetime(2026, 12, 24, tzinfo=UTC))
    False
    """

    open_by_default: bool
    events: tuple[Event, ...]

    @classmethod
    def read(cls, content: str) -> ChangeCalendar:
        """Read a document's content.

        Raises:
            CalendarError: it is not understood.
        """
        own: dict[str, str] = {}
        events: list[dict[str, _Property]] = []
        inside: list[str] = []
        for line in _properties(content):
            if line.name == "BEGIN":
                inside.append(line.value.upper())
                if inside == ["VCALENDAR", "VEVENT"]:
                    events.append({})
            elif line.name == "END":
                if not inside or inside.pop() != line.value.upper():
                    raise CalendarError(f"the calendar ends a {line.value} that is not begun")
            elif inside == ["VCALENDAR"]:
                own[line.name] = line.value
            elif inside == ["VCALENDAR", "VEVENT"]:
                events[-1][line.name] = line
        if inside:
            raise CalendarError(f"the calendar has no END:{inside[-1]}")
        kind = own.get("X-CALENDAR-TYPE", "")
        if kind not in _TYPES:
            raise CalendarError(
                f"the calendar has X-CALENDAR-TYPE:{kind}, which is not one of {', '.join(_TYPES)}"
            )
        zone = _zone(own.get("X-WR-TIMEZONE", "UTC"))
        return cls(
            open_by_default=kind == "DEFAULT_OPEN",
            events=tuple(_event(each, zone) for each in events),
        )

    def is_open(self, moment: datetime) -> bool:
        """Whether changes are allowed then."""
        return self.open_by_default is not any(each.end(moment) for each in self.events)

    def changes(self, moment: datetime) -> Iterator[datetime]:
        """Give the times at which it may change next: an event ends, or another begins."""
        for event in self.events:
            for change in (event.end(moment), event.following(moment)):
                if change:
                    yield change


def all_open(calendars: Iterable[ChangeCalendar], moment: datetime) -> bool:
    """Whether all of several calendars are open."""
    return all(each.is_open(moment) for each in calendars)


def next_transition(calendars: Sequence[ChangeCalendar], moment: datetime) -> datetime | None:
    """Return when several calendars, of which all have to be open, are in the other state."""
    now, looked_at = all_open(calendars, moment), moment
    for _ in range(_MOST_CHANGES):
        changes = [change for each in calendars for change in each.changes(looked_at)]
        if not changes:
            return None
        looked_at = min(changes)
        if all_open(calendars, looked_at) is not now:
            return looked_at
    return None


def _properties(content: str) -> Iterator[_Property]:
    # A line that begins with a space goes on with the one before.
    unfolded = re.sub(r"\r?\n[ \t]", "", content)
    for line in filter(str.strip, unfolded.splitlines()):
        parts = re.fullmatch(r'\s*([\w-]+)((?:;[\w-]+=(?:"[^"]*"|[^";:]*))*):(.*?)\s*', line)
        if not parts:
            raise CalendarError(f"the line {line!r} is none of iCalendar")
        name, parameters, value = parts.groups()
        found = re.findall(r';([\w-]+)=(?:"([^"]*)"|([^";:]*))', parameters)
        yield _Property(
            name.upper(), {key.upper(): quoted or plain for key, quoted, plain in found}, value
        )


def _event(given: dict[str, _Property], zone: tzinfo) -> Event:
    for name in _UNSUPPORTED:
        if name in given:
            raise CalendarError(f"this rehearsal does not support events with {name}")
    if "DTSTART" not in given:
        raise CalendarError("an event has no DTSTART")
    start = _moment(given["DTSTART"], zone)
    rule = given["RRULE"].value if "RRULE" in given else ""
    event = Event(start=start, duration=_duration(given, start, zone), rule=rule)
    try:
        event.following(start)
    except (ValueError, KeyError) as error:
        raise CalendarError(f"RRULE:{rule}: {error}") from None
    return event


def _duration(given: dict[str, _Property], start: datetime, zone: tzinfo) -> timedelta:
    if end := given.get("DTEND"):
        return _moment(end, zone).astimezone(UTC) - start.astimezone(UTC)
    if duration := given.get("DURATION"):
        found = _DURATION.fullmatch(duration.value)
        if not found or not any(found.groups()):
            raise CalendarError(f"DURATION:{duration.value} is not one of iCalendar")
        return timedelta(**{unit: int(value or 0) for unit, value in found.groupdict().items()})
    # A date is the whole day, and a time without an end is no time.
    return timedelta(days=1 if "T" not in given["DTSTART"].value else 0)


def _moment(given: _Property, zone: tzinfo) -> datetime:
    value = given.value.upper()
    own = _zone(given.parameters["TZID"]) if "TZID" in given.parameters else zone
    try:
        if "T" not in value:
            return datetime.strptime(value, "%Y%m%d").replace(tzinfo=zone)
        read = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")
    except ValueError:
        raise CalendarError(
            f"{given.name}:{given.value} is not a time like 20261220T000000Z"
        ) from None
    return read.replace(tzinfo=UTC if value.endswith("Z") else own)


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise CalendarError(f"the time zone {name!r} is not one like Europe/Berlin") from None
