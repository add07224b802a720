"""Cron expressions of six or seven fields, as the DeploymentWindow rule takes them. Pure.

Seconds, minutes, hours, day of month, month, day of week and, where there is a seventh, year.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dpra_constructs.errors import RehearsalError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# A week begins on Sunday, which is 1.
_DAYS = {
    name: number
    for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)
}


class CronError(RehearsalError):
    """An expression is not one that is understood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """A cron expression.

    >>> Cron.read("* * 9-15 ? * MON-THU").admits(datetime(2026, 11, 24, 15, 59))
    True
    """

    expression: str
    fields: tuple[str, ...]

    @classmethod
    def read(cls, expression: str) -> Cron:
        """Read an expression.

        Raises:
            CronError: it is not understood.
        """
        fields = tuple(expression.upper().split())
        if len(fields) not in (6, 7):
            raise CronError(f"the cron expression {expression!r}, which has not 6 or 7 fields")
        cron = cls(expression=expression, fields=fields)
        try:
            cron.admits(datetime(2026, 1, 1))
            cron.admits(datetime(2026, 1, 31, 23, 59))
        except (ValueError, KeyError) as error:
            raise CronError(f"the cron expression {expression!r}: {error}") from None
        return cron

    def admits(self, moment: datetime) -> bool:
        """Whether a moment is one that the expression names."""
        _, minutes, hours, day, month, weekday = self.fields[:6]
        years = self.fields[6] if len(self.fields) == 7 else "*"
        held = (
            _names(minutes, moment.minute, 0, 59),
            _names(hours, moment.hour, 0, 23),
            _names(month, moment.month, 1, 12, _MONTHS),
            _names(years, moment.year, 1970, 2199),
            _any(day, lambda part: _is_day(part, moment)),
            _any(weekday, lambda part: _is_weekday(part, moment)),
        )
        return all(held)


def _any(field: str, holds: Callable[[str], bool]) -> bool:
    # All are looked at, so that each is read.
    held = [holds(part) for part in field.split(",")]
    return any(held)


def _names(
    field: str, value: int, least: int, most: int, names: dict[str, int] | None = None
) -> bool:
    return _any(field, lambda part: _spans(part, value, least, most, names or {}))


def _spans(part: str, value: int, least: int, most: int, names: dict[str, int]) -> bool:
    span, slash, step = part.partition("/")
    if span in ("*", "?"):
        first, last = least, most
    else:
        begin, dash, end = span.partition("-")
        first = _number(begin, names)
        # An increment goes on to the end; a single value is itself.
        last = _number(end, names) if dash else most if slash else first
    if not least <= first <= most or not least <= last <= most:
        raise ValueError(f"{part} is not between {least} and {most}")
    every = int(step) if slash else 1
    if first > last:
        # Over the end, as SAT-TUE.
        last += most - least + 1
        value += most - least + 1 if value < first else 0
    return first <= value <= last and (value - first) % every == 0


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)


def _is_day(part: str, moment: datetime) -> bool:
    last = calendar.monthrange(moment.year, moment.month)[1]
    if part == "L":
        return moment.day == last
    if part == "LW":
        return moment.day == _nearest_weekday(moment, last)
    if match := re.fullmatch(r"(\d{1,2})W", part):
        return moment.day == _nearest_weekday(moment, min(int(match[1]), last))
    return _spans(part, moment.day, 1, 31, {})


def _nearest_weekday(moment: datetime, day: int) -> int:
    """Return the weekday of the month that is nearest to a day."""
    last = calendar.monthrange(moment.year, moment.month)[1]
    weekday = calendar.weekday(moment.year, moment.month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _is_weekday(part: str, moment: datetime) -> bool:
    today = moment.isoweekday() % 7 + 1
    if part == "L":
        return today == _DAYS["SAT"]
    if match := re.fullmatch(r"(\w+)#([1-5])", part):
        return today == _number(match[1], _DAYS) and (moment.day - 1) // 7 + 1 == int(match[2])
    if match := re.fullmatch(r"([1-7]|[A-Z]{3})L", part):
        last = calendar.monthrange(moment.year, moment.month)[1]
        return today == _number(match[1], _DAYS) and moment.day > last - 7
    return _spans(part, today, 1, 7, _DAYS)
