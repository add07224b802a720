"""When releases may go to production, as CodePipeline's DeploymentWindow rule takes it."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_HOURS_PER_DAY = 24
_LONGEST_CONFIGURATION = 10_000
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentWindow:
    """The days and hours in which a release may enter production (DPRA-PROD-APPROVAL).

    It stands on `Approve-Prod` and on `Open-<wave>`, never on a stage that rolls back, so that no
    rollback waits for it. A release that comes outside waits until the window opens.

    Args:
        days: names like `MON`: a list, or a text like `"MON-THU"` or `"MON,WED"`. A range may pass
            the end of the week: `"SAT-TUE"`.
        hours: from the first to before the second, of 0 to 24: `(9, 16)` ends at 15:59. Without
            it the whole day.
        time_zone: a name of the IANA time zone database, like `Europe/Berlin`.
        cron: instead of days and hours, an expression of the rule for experts, in the time zone:
            `* * 9-15 ? * MON-THU`. Six or seven fields, of which the first, the seconds, is `*`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin").expression
    '* * 9-15 ? * MON-THU'

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
    """

    days: str | Sequence[str] | None = None
    hours: tuple[int, int] | None = None
    time_zone: str
    cron: str | None = None

    def __post_init__(self) -> None:
        """Check the values and freeze the days."""
        where = "DeploymentWindow"
        check_time_zone(where, self.time_zone)
        if self.cron is not None:
            if self.days is not None or self.hours is not None:
                raise InvalidArgumentError(
                    where, "cron is given, and so are days or hours", "keep one of both"
                )
            check_cron(where, self.cron)
            return
        if self.days is None:
            raise InvalidArgumentError(
                where, "neither days nor cron is given", 'write it like days="MON-THU"'
            )
        object.__setattr__(self, "days", _days(where, self.days))
        if self.hours is not None:
            object.__setattr__(self, "hours", _hours(where, self.hours))

    @property
    def expression(self) -> str:
        """The cron expression; CodePipeline takes the names of days, and no numbers of seconds."""
        if self.cron is not None:
            return self.cron
        first, end = self.hours or (0, _HOURS_PER_DAY)
        hours = "*" if (first, end) == (0, _HOURS_PER_DAY) else f"{first}-{end - 1}"
        if end - 1 == first:
            hours = str(first)
        return f"* * {hours} ? * {_expression(self._days)}"

    @property
    def text(self) -> str:
        """How the outline shows it."""
        if self.cron is not None:
            return f"cron {self.cron} {self.time_zone}"
        first, end = self.hours or (0, _HOURS_PER_DAY)
        return f"{_expression(self._days)} {first:02}:00-{end:02}:00 {self.time_zone}"

    @property
    def hours_per_week(self) -> int | None:
        """How long it is open in a week without a change of the clock; None with `cron`."""
        if self.cron is not None:
            return None
        first, end = self.hours or (0, _HOURS_PER_DAY)
        return len(self._days) * (end - first)

    def admits(self, moment: datetime) -> bool:
        """Return whether a release may enter at a moment, which has a time zone; not with `cron`.

        >>> from datetime import UTC
        >>> window = DeploymentWindow(days="MON", hours=(9, 16), time_zone="Europe/Berlin")
        >>> window.admits(datetime(2026, 6, 1, 13, 59, tzinfo=UTC))
        True
        >>> window.admits(datetime(2026, 6, 1, 14, 0, tzinfo=UTC))
        False
        """
        where = "DeploymentWindow.admits"
        if self.cron is not None:
            raise InvalidArgumentError(
                where, "a window with cron cannot be asked", "use days and hours"
            )
        if moment.tzinfo is None:
            raise InvalidArgumentError(where, f"moment={moment} has no time zone", "give it tzinfo")
        local = moment.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        first, end = self.hours or (0, _HOURS_PER_DAY)
        return DAYS[local.weekday()] in self._days and first <= local.hour < end

    @property
    def _days(self) -> tuple[str, ...]:
        return tuple(self.days or ())


def _days(where: str, given: object) -> tuple[str, ...]:
    """Return days by name, in the order of the week."""
    parts = given.split(",") if isinstance(given, str) else arguments.texts(where, "days", given)
    chosen: list[str] = []
    for part in parts:
        ends = part.strip().split("-")
        if len(ends) > 2 or any(end not in DAYS for end in ends):
            raise InvalidArgumentError(
                where,
                f"days has {part!r}, which is no day or range of days of {', '.join(DAYS)}",
                'write it like days="MON-THU" or days=["MON", "WED"]',
            )
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        chosen += [DAYS[(first + n) % 7] for n in range((last - first) % 7 + 1)]
    if not chosen:
        raise InvalidArgumentError(where, "days is empty", 'name one, like days=["TUE"]')
    arguments.unique(where, "days", chosen)
    return tuple(day for day in DAYS if day in chosen)


def _hours(where: str, given: object) -> tuple[int, int]:
    values = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    whole = [each for each in values if isinstance(each, int) and not isinstance(each, bool)]
    if len(values) != 2 or len(whole) != 2 or not 0 <= whole[0] < whole[1] <= _HOURS_PER_DAY:
        raise InvalidArgumentError(
            where,
            f"hours={arguments.shown(given)} is not a first hour and a later one of 0 to "
            f"{_HOURS_PER_DAY}, before which the window ends",
            "write it like hours=(9, 16); for a window over midnight use cron",
        )
    return whole[0], whole[1]


def _expression(days: tuple[str, ...]) -> str:
    """Return days as cron has them: three or more in a row as a range.

    To the service a week begins on Sunday, so no range goes up to it.
    """
    if len(days) == len(DAYS):
        return "*"
    first, last = DAYS.index(days[0]), DAYS.index(days[-1])
    if len(days) >= 3 and last - first == len(days) - 1 and days[-1] != "SUN":
        return f"{days[0]}-{days[-1]}"
    return ",".join(days)


def check_time_zone(where: str, given: object) -> None:
    """Refuse what the IANA database does not have, or cannot have where none is installed."""
    if isinstance(given, str) and _ZONE.fullmatch(given):
        known = _known_time_zones()
        if not known or given in known:
            return
    raise InvalidArgumentError(
        where,
        f"time_zone={arguments.shown(given)} is not a name of the IANA time zone database",
        'write it like time_zone="Europe/Berlin", or "Etc/UTC"',
    )


@cache
def _known_time_zones() -> frozenset[str]:
    """Read the names once, when the first is asked for; none on a machine without a database."""
    return frozenset(zoneinfo.available_timezones())


def check_cron(where: str, given: object) -> None:
    """Refuse what is not a cron expression in the form that the rule takes."""
    fields = given.split() if isinstance(given, str) else []
    problem = ""
    if len(fields) not in (6, 7):
        problem = "has not 6 or 7 fields: seconds, minutes, hours, day of month, month, day, year"
    elif len(str(given)) > _LONGEST_CONFIGURATION:
        problem = f"is longer than {_LONGEST_CONFIGURATION} characters"
    elif fields[0] != "*":
        problem = f"has {fields[0]!r} for the seconds, for which only * is taken"
    else:
        for number, (name, of, least, most) in enumerate(_FIELDS[: len(fields) - 1], start=1):
            if not _takes(fields[number], of, least, most):
                problem = f"has {fields[number]!r} for the {name}"
                break
        else:
            if (fields[3] == "?") == (fields[5] == "?"):
                problem = "needs ? for exactly one of the day of month and the day of week"
    if problem:
        raise InvalidArgumentError(
            where,
            f"cron={arguments.shown(given)} {problem}",
            'write it like cron="* * 9-15 ? * MON-THU"',
        )


_NUMBER = r"\d{1,4}"
_FIELDS = (
    ("minutes", _NUMBER, 0, 59),
    ("hours", _NUMBER, 0, 23),
    ("day of month", rf"{_NUMBER}|\?|L|LW|\d{{1,2}}W", 1, 31),
    ("month", rf"{_NUMBER}|{_MONTHS}", 1, 12),
    ("day of week", rf"[1-7]|{'|'.join(DAYS)}|\?|L|([1-7]|{'|'.join(DAYS)})(L|#[1-5])", 1, 7),
    ("year", _NUMBER, 1970, 2199),
)


def _takes(given: str, of: str, least: int, most: int) -> bool:
    """Return whether a field is a list of values, ranges and increments."""
    for part in given.split(","):
        span, slash, by = part.partition("/")
        if slash and not re.fullmatch(_NUMBER, by):
            return False
        if span == "*":
            continue
        values = span.split("-")
        if len(values) > 2 or not all(re.fullmatch(of, value) for value in values):
            return False
        numbers = [int(value) for value in values if value.isdigit()]
        if not all(least <= number <= most for number in numbers) or numbers != sorted(numbers):
            return False
    return True
