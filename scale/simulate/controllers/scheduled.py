"""Scheduled actions: changes of a group's bounds at times given by cron expressions.

Source: Amazon EC2 Auto Scaling user guide, "Scheduled scaling": five-field cron, an IANA time zone, and what happens to
a desired capacity that the new bounds do not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from model.scaling import Scheduled

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class CronError(ValueError):
    """A cron expression that is none, or a time zone that does not exist."""


@dataclass(frozen=True)
class Bounds:
    """A group's size limits and the size asked for."""

    minimum: int
    maximum: int
    desired: int

    def after(self, action: Scheduled) -> Bounds:
        """Return the bounds after a scheduled action; the desired capacity is moved into them."""
        minimum = self.minimum if action.min is None else action.min
        maximum = self.maximum if action.max is None else action.max
        desired = self.desired if action.desired is None else action.desired
        return Bounds(minimum, maximum, max(minimum, min(maximum, desired)))


@dataclass(frozen=True)
class Cron:
    """A five-field cron expression: minute, hour, day of month, month, day of week (0 and 7 are Sunday)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Whether both day fields are restricted, in which case a match of either counts (crontab(5))."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Return the expression in `text`. Raises CronError naming the field that is wrong."""
        fields = text.split()
        if len(fields) != 5:
            raise CronError(f"{text!r} has {len(fields)} fields, a cron expression has 5")
        minute, hour, day, month, weekday = fields
        return cls(
            _values(minute, 0, 59, ()),
            _values(hour, 0, 23, ()),
            _values(day, 1, 31, ()),
            _values(month, 1, 12, _MONTHS),
            frozenset(value % 7 for value in _values(weekday, 0, 7, _DAYS)),
            not day.startswith("*") and not weekday.startswith("*"),
        )

    def on(self, date: datetime) -> bool:
        """Return whether it fires on the day of `date`."""
        if date.month not in self.months:
            return False
        day, weekday = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        return (day or weekday) if self.either_day else (day and weekday)


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            left, dash, right = span.partition("-")
            first = _number(left, low, names)
            last = _number(right, low, names) if dash else (high if step else first)
        every = _number(step, 0, ()) if step else 1
        if not low <= first <= last <= high or every < 1:
            raise CronError(f"{part!r} is not within {low} to {high}")
        found.update(range(first, last + 1, every))
    return frozenset(found)


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    lowered = text.lower()
    if lowered in names:
        return names.index(lowered) + low
    if not text.isdecimal():
        raise CronError(f"{text!r} is not a number")
    return int(text)


def firings(cron: Cron, zone: str, start: float, end: float) -> Iterator[float]:
    """Yield when the expression fires in [start, end), in seconds since 1970, ascending.

    Raises CronError for a zone that does not exist. A local time that a clock change leaves out does not fire; one that
    comes twice fires at its first.
    """
    try:
        local = ZoneInfo(zone)
    except ZoneInfoNotFoundError as error:
        raise CronError(f"{zone!r} is not a time zone") from error
    day = datetime.fromtimestamp(start, local).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    last = datetime.fromtimestamp(end, local).replace(tzinfo=None)
    while day <= last:
        if cron.on(day):
            for hour in sorted(cron.hours):
                for minute in sorted(cron.minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    at = moment.replace(tzinfo=local).timestamp()
                    exists = datetime.fromtimestamp(at, local).replace(tzinfo=None) == moment
                    if exists and start <= at < end:
                        yield at
        day += timedelta(days=1)


def calendar(actions: tuple[Scheduled, ...], start: float, end: float) -> list[tuple[float, Scheduled]]:
    """Return every firing of the actions in [start, end), ascending; at the same time in the order given."""
    found = [
        (at, action) for action in actions for at in firings(Cron.parse(action.cron), action.time_zone, start, end)
    ]
    return sorted(found, key=lambda each: each[0])
