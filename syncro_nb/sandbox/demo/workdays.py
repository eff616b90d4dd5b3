"""When the desk of the demo account works: Monday to Friday, eight to five, except on the federal holidays of the USA."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from ..times import MINUTE, from_ms, to_ms

OPENS, CLOSES = time(8), time(17)


@cache
def holidays(year: int) -> frozenset[date]:
    """The federal holidays on the days on which they are observed."""
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    moving = [(1, 0, 3), (2, 0, 3), (9, 0, 1), (10, 0, 2), (11, 3, 4)]  # month, weekday, which one of the month
    days = [_observed(day) for day in [*fixed, date(year + 1, 1, 1)]]
    days += [_nth(year, *parts) for parts in moving]
    last_monday_of_may = date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday())
    return frozenset([*days, last_monday_of_may])


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


def is_workday(day: date) -> bool:
    """Whether the desk works on that day."""
    return day.weekday() < 5 and day not in holidays(day.year)


def workdays(first: date, last: date) -> list[date]:
    """The workdays from one day to another, both included."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if is_workday(day)]


def at(day: date, hour: int, minute: int, zone: ZoneInfo) -> int:
    """An instant of a day."""
    return to_ms(datetime.combine(day, time(hour, minute), zone))


def next_open(instant: int, zone: ZoneInfo) -> int:
    """This instant if the desk is open, else when it opens next."""
    local = from_ms(instant, zone)
    if is_workday(local.date()) and local.time() < OPENS:
        return at(local.date(), OPENS.hour, 0, zone)
    if is_workday(local.date()) and local.time() < CLOSES:
        return instant
    day = local.date() + timedelta(days=1)
    while not is_workday(day):
        day += timedelta(days=1)
    return at(day, OPENS.hour, 0, zone)


def after(instant: int, minutes: float, zone: ZoneInfo) -> int:
    """So many minutes of open desk later."""
    left = int(minutes * MINUTE)
    instant = next_open(instant, zone)
    while True:
        closing = at(from_ms(instant, zone).date(), CLOSES.hour, 0, zone)
        if instant + left < closing:
            return instant + left
        left -= closing - instant
        instant = next_open(closing, zone)


def quarter(instant: int) -> int:
    """The next full quarter of an hour."""
    return -(-instant // (15 * MINUTE)) * 15 * MINUTE


def quarters_outside(start: int, quarters: int, zone: ZoneInfo) -> int:
    """How many of the quarter hours from `start` on lie outside the hours of the desk."""
    starts = (start + place * 15 * MINUTE for place in range(quarters))
    return sum(next_open(instant, zone) != instant for instant in starts)
