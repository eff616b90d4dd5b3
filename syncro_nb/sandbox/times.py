"""Instants as the sandbox keeps them (whole milliseconds since 1970, UTC), its clocks, and how Syncro prints time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ..clock import SystemClock, seconds_since

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1990, 2100)  # what a service desk can mean; keeps arithmetic away from the ends of the calendar


class SteppingClock:
    """A clock that starts at `start` and moves on by one second each time that it is read, and only then."""

    def __init__(self, start: datetime) -> None:
        self.next = start

    def __call__(self) -> datetime:
        moment, self.next = self.next, self.next + timedelta(seconds=1)
        return moment


class RunningClock:
    """A clock that shows `start` when it is made, and runs in real time from there."""

    def __init__(self, start: datetime) -> None:
        self._start, self._clock = start, SystemClock()
        self._begun = self._clock.moment()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=seconds_since(self._begun, self._clock) or 0.0)


def to_ms(moment: datetime) -> int:
    """An aware datetime in whole milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(instant: int, zone: tzinfo = UTC) -> datetime:
    """Milliseconds as an aware datetime."""
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(zone)


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of a day."""
    return to_ms(datetime.combine(day, time(), zone))


def read_instant(value: object, zone: ZoneInfo) -> int | None:
    """What a request means by "2019-02-25", or by an ISO date-time with or without offset; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def read_date(value: object, zone: ZoneInfo) -> str | None:
    """The calendar day, as "2019-02-25", that a request means by a date or a date-time; None for anything else."""
    instant = read_instant(value, zone)
    return None if instant is None else from_ms(instant, zone).date().isoformat()
