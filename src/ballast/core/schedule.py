"""When something recurs: dates in the owner's time zone, and the hours when nothing may start.

A date is a cron expression of five fields, read as Debian's cron reads it, also when the clocks
change (cronsim, "Supported Cron Expression Features"), or one of the words in `NAMED`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

NAMED: Final[Mapping[str, str]] = MappingProxyType(
    {"daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *"}
)
"""Midnight; of every day, of Monday, of the first of the month."""

_IN_WORDS: Final = MappingProxyType(
    {
        "daily": "every day at midnight",
        "weekly": "every Monday at midnight",
        "monthly": "on the first of every month at midnight",
    }
)
EXPRESSION_LENGTH: Final = 100
_DAY: Final = 24 * 60
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
# Any day will do to see whether an expression ever comes true.
_ANY_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)

_NEVER: Final = "names a date that never comes"
_UNREADABLE: Final = (
    "is a cron expression that cannot be read: minute, hour, day, month and day of the week are "
    "written like */5 8-18 * * 1-5"
)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of every day, in minutes since local midnight. The start belongs to it, the end does
    not; an end before the start is on the next day."""

    start_minute: int
    end_minute: int

    def __str__(self) -> str:
        return f"{_clock_text(self.start_minute)}-{_clock_text(self.end_minute)}"


def zone_named(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name[:40]!r} is no time zone of the IANA database") from error


def schedule_problem(schedule: str) -> str | None:
    """What is wrong with a schedule, as the rest of a sentence about it; None when it is sound."""
    expression = NAMED.get(schedule, schedule)
    if len(expression) > EXPRESSION_LENGTH or len(expression.split()) != 5:
        return f"must be one of {', '.join(NAMED)}, or a cron expression of five fields"
    try:
        next(CronSim(expression, _ANY_DAY))
    except StopIteration:
        return _NEVER
    except CronSimError:
        minute, hour, day, month, weekday = expression.split()
        # 31 February: its day is good in some month, and its month has some day.
        apart = (f"{minute} {hour} {day} * {weekday}", f"{minute} {hour} 1 {month} {weekday}")
        return _NEVER if all(map(_reads, apart)) else _UNREADABLE
    return None


def dates_in_words(schedule: str) -> str:
    """When a sound schedule comes true, as a part of a sentence."""
    return _IN_WORDS.get(schedule, f"on each date of {schedule}")


def next_date(schedule: str, timezone: str, after: datetime) -> datetime:
    """The first date of a sound schedule later than `after`.

    Args:
        schedule: a word of `NAMED`, or a cron expression.
        timezone: name of the zone the schedule is read in.
        after: aware.

    Returns:
        In UTC. A time that the change to summer time leaves out comes right after it, a time that
        the change back repeats comes once, unless the hour or minute is `*`.
    """
    local = after.astimezone(zone_named(timezone))
    return next(CronSim(NAMED.get(schedule, schedule), local)).astimezone(UTC)


def read_quiet_hours(text: str) -> QuietHours:
    """Quiet hours from text such as `22:00-07:00`.

    Raises:
        ValueError: not of this form, or no time at all.
    """
    found = _HOURS.fullmatch(text.strip())
    if found is None or found[1] + found[2] == found[3] + found[4]:
        raise ValueError("must be written like 22:00-07:00")
    start_hour, start, end_hour, end = (int(part) for part in found.groups())
    return QuietHours(start_hour * 60 + start, end_hour * 60 + end)


def quiet_until(quiet: QuietHours, timezone: str, now: datetime) -> datetime | None:
    """When the quiet hours around `now` end, in UTC; None when it is not quiet.

    Local clock time counts: where the clocks change, an end that the day leaves out comes with
    the change.
    """
    zone = zone_named(timezone)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    length = (quiet.end_minute - quiet.start_minute) % _DAY
    if (minute - quiet.start_minute) % _DAY >= length:
        return None
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    day = midnight + timedelta(days=1) if minute >= quiet.end_minute else midnight
    # Of an hour that comes twice, the end is in the same one as now.
    hour, minutes = divmod(quiet.end_minute, 60)
    end = day.replace(hour=hour, minute=minutes, fold=local.fold)
    return end.astimezone(UTC)


def _reads(expression: str) -> bool:
    try:
        CronSim(expression, _ANY_DAY)
    except CronSimError:
        return False
    return True


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
