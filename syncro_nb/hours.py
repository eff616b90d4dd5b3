"""The account's business hours: how long the shop was open between two instants, and business days. Pure.

Source: `GET /settings`: `business_hours` (a list of day, start, end, closed), `default_holiday_calendar`, `locale.time_zone`.
All arithmetic goes through a table of the spans in which the shop is open, as instants, so that it is right on the two days
on which the clocks change, and one look-up per row however long ago the row began.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from .zones import zone_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .service.records import Settings

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHOLE_DAY = 24 * 60
Week = tuple[tuple[tuple[int, int], ...], ...]  # of each day from Monday on: minutes of opening and closing
USUAL_WEEK: Week = (*(((9 * 60, 17 * 60),),) * 5, (), ())
ROUND_THE_CLOCK: Week = (((0, WHOLE_DAY),),) * 7
UNITED_STATES = ("usa", "us", "united states", "united states of america")
FIRST_YEAR, LAST_YEAR = 2005, 2045  # before and after these the shop counts as closed: no ticket is that old
_SECOND = 1_000_000  # in microseconds, the unit of the table


@dataclass(frozen=True)
class Hours:
    """When a shop is open. `week` has, from Monday on, the spans of each day in minutes since midnight of `zone`.

    `calendar` names the holidays ("USA": the federal ones; others are not known). `doubts` says what was assumed, because the
    account does not tell it; `is_assumed`: the week itself was, which is good for a queue and not for a price.
    """

    zone: ZoneInfo = ZoneInfo("UTC")
    week: Week = USUAL_WEEK
    calendar: str = "USA"
    doubts: tuple[str, ...] = ()
    is_assumed: bool = False

    def is_holiday(self, day: date) -> bool:
        """Whether it is a holiday of the calendar: the day itself, or the weekday on which it is observed."""
        return self.calendar.strip().lower() in UNITED_STATES and day in federal_holidays(day.year)

    def is_business_day(self, day: date) -> bool:
        """Whether the shop opens at all on that day."""
        return bool(self.week[day.weekday()]) and not self.is_holiday(day)

    def is_open(self, moment: datetime) -> bool:
        """Whether the shop is open at that instant."""
        return self.open_seconds(moment, moment + timedelta(seconds=1)) > 0

    def open_seconds(self, start: datetime, end: datetime) -> int:
        """Whole seconds of open shop from one aware instant to the other; 0 if the second is not later."""
        first, last = (_open_before(self, _micros(one)) for one in (start, end))
        return max(0, last - first) // _SECOND

    def outside_seconds(self, start: datetime, end: datetime) -> int:
        """Whole seconds of closed shop from one instant to the other."""
        return max(0, int((end - start).total_seconds()) - self.open_seconds(start, end))

    def opened(self, micros: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """For instants in microseconds since 1970: how long the shop was open before each, in microseconds since 2005.

        The difference of two is the open time between them. Whatever is no instant must be masked by the caller.
        """
        return _open_before_all(self, micros)

    def open_seconds_between(self, starts: pd.Series, ends: pd.Series | datetime) -> pd.Series:
        """For every row the whole seconds of open shop from `starts` to `ends` (aware times): Int64, absent where one is.

        `ends` may be one instant for all rows.
        """
        import pandas as pd

        last: Any = _series(ends, starts.index) if isinstance(ends, datetime) else ends
        known = starts.notna() & last.notna()
        opened = _open_before_all(self, _micros_of(starts)) - _open_before_all(self, _micros_of(last))
        return pd.Series((-opened).clip(min=0) // _SECOND, index=starts.index, dtype="Int64").where(known)

    def later(self, moment: datetime, seconds: int) -> datetime:
        """The instant at which the shop will have been open for so many seconds since `moment`; in the time zone of `moment`.

        Raises ValueError where it is never open.
        """
        import numpy as np

        table = _table(self)
        wanted = _open_before(self, _micros(moment)) + seconds * _SECOND
        place = int(np.searchsorted(table.before, wanted, "left")) - 1
        if not len(table.starts) or wanted > table.before[-1] + table.ends[-1] - table.starts[-1]:
            raise ValueError("the shop is not open for so long")
        there = int(table.starts[max(0, place)] + wanted - table.before[max(0, place)])
        return max(moment, (_EPOCH + timedelta(microseconds=there)).astimezone(moment.tzinfo))

    def days_later(self, moment: datetime, days: int) -> datetime:
        """The same time of the day, so many business days after the day of `moment`, in the account's zone."""
        local = moment.astimezone(self.zone)
        table = _table(self)
        place = _day_number(table, local.date()) + days
        if not table.days or place > len(table.days):
            raise ValueError("the shop has not so many business days")
        return datetime.combine(table.days[place - 1] if place else local.date(), local.time(), self.zone)

    def days_between(self, start: datetime, end: datetime) -> int:
        """Whole business days from one instant to the other: how often `days_later` can be taken without passing `end`."""
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        table = _table(self)
        passed = _day_number(table, last.date()) - _day_number(table, first.date())
        early = last.time() < first.time() and self.is_business_day(last.date())
        return max(0, passed - early)

    def days_between_all(self, starts: pd.Series, ends: pd.Series | datetime) -> pd.Series:
        """`days_between` for every row: Int64, absent where one of the two is."""
        import numpy as np
        import pandas as pd

        last: Any = _series(ends, starts.index) if isinstance(ends, datetime) else ends
        known = starts.notna() & last.notna()
        first_local, last_local = (one.dt.tz_convert(self.zone).dt.tz_localize(None) for one in (starts, last))
        days = np.array(_table(self).days, dtype="datetime64[D]")
        one, other = (part.to_numpy().astype("datetime64[D]") for part in (first_local, last_local))
        first_number, last_number = (np.searchsorted(days, part, "right") for part in (one, other))
        is_business_day = last_number > np.searchsorted(days, other, "left")
        earlier = (last_local - last_local.dt.normalize()) < (first_local - first_local.dt.normalize())
        passed = last_number - first_number - (earlier.to_numpy() & is_business_day)
        return pd.Series(passed.clip(min=0), index=starts.index, dtype="Int64").where(known)


def from_settings(settings: Settings | None, zone: ZoneInfo) -> Hours:
    """The hours of an account. What its settings do not tell is assumed, and said in `doubts`.

    Business hours that are switched off mean: always open. A day that is not listed is closed. An end that is not after its
    start belongs to the next day; 23:59 means midnight.
    """
    if settings is None:
        return Hours(
            zone,
            doubts=("the account's settings could not be read; assumed: Monday to Friday, 9 to 17",),
            is_assumed=True,
        )
    doubts, is_assumed = [], False
    week, calendar = _week(settings.business_hours), settings.holiday_calendar
    if settings.extra.get("business_hours_enabled") is False:
        week = ROUND_THE_CLOCK
        doubts.append("business hours are switched off in Syncro; counted round the clock")
    elif week is None:
        week, is_assumed = USUAL_WEEK, True
        doubts.append("the account names no business hours; assumed: Monday to Friday, 9 to 17")
    if zone_of(settings.locale) is None:
        doubts.append("the account names no time zone that is known here; counted by the clock of UTC")
    if calendar and calendar.strip().lower() not in UNITED_STATES:
        doubts.append(f"the holidays of the calendar {calendar[:40]!r} are not known; none are counted")
    return Hours(zone, week, calendar, tuple(doubts), is_assumed)


def _week(written: object) -> Week | None:
    """The week as `GET /settings` writes it, or None if nothing in it can be read."""
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    read = 0
    for row in written if isinstance(written, list) else ():
        name = str(row.get("day", "")).strip().lower() if isinstance(row, Mapping) else ""
        place = next((number for number, day in enumerate(DAYS) if name and day.startswith(name[:3])), None)
        if place is None:
            continue
        start, end = _minute(row.get("start")), _minute(row.get("end"))
        if row.get("closed") is True or start is None or end is None:
            read += row.get("closed") is True
            continue
        read += 1
        end = WHOLE_DAY if end >= WHOLE_DAY - 1 else end
        if end > start:
            week[place].append((start, end))
            continue
        week[place].append((start, WHOLE_DAY))
        if end:
            week[(place + 1) % 7].append((0, end))
    return tuple(_joined(spans) for spans in week) if read else None


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, those that touch or overlap made one, so that no minute counts twice."""
    whole: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return tuple(whole)


def _minute(written: object) -> int | None:
    """A time of the day in minutes: "09:00", "9:00 AM", "17:00:00"."""
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})(?::\d{2})?\s*([ap]m)?\s*", str(written).lower(), re.ASCII)
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2]), found[3]
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return hour * 60 + minute if hour * 60 + minute <= WHOLE_DAY and minute < 60 else None


# ---------------------------------------------------------------- holidays


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """The federal holidays of the USA in that year: each day itself, and the weekday on which it is observed."""
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed += [date(year, 6, 19)] if year >= 2021 else []
    months = ((1, 0, 3), (2, 0, 3), (9, 0, 1), (10, 0, 2), (11, 3, 4))  # month, weekday, which one of the month
    moving = [_nth(year, month, weekday, which) for month, weekday, which in months]
    memorial = date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday())
    # January 1st on a Saturday is observed on the last day of this year.
    observed = [_observed(day) for day in [*fixed, date(year + 1, 1, 1)]]
    return frozenset(day for day in [*fixed, *moving, memorial, *observed] if day.year == year)


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


# ---------------------------------------------------------------- the table of open spans


@dataclass(frozen=True)
class _Table:
    """The open spans as microseconds since 1970, how long the shop was open before each, and the business days."""

    starts: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    before: np.ndarray[Any, Any]
    days: tuple[date, ...]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _table(hours: Hours) -> _Table:
    """Made once for each set of hours: some 40 ms."""
    import numpy as np

    first = date(FIRST_YEAR, 1, 1)
    days = [first + timedelta(days=number) for number in range((date(LAST_YEAR, 12, 31) - first).days + 1)]
    days = [day for day in days if hours.is_business_day(day)]
    spans = [
        (_instant(day, start, hours.zone), _instant(day, end, hours.zone))
        for day in days
        for start, end in hours.week[day.weekday()]
    ]
    starts, ends = (np.array([one[place] for one in spans], dtype="int64") for place in (0, 1))
    before = np.concatenate([[0], np.cumsum(ends - starts)])[: len(spans)].astype("int64")
    return _Table(starts, ends, before, tuple(days))


def _instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """A time of the day as an instant. Of a time that the clock shows twice, the first is meant."""
    day, minute = (day + timedelta(days=1), 0) if minute == WHOLE_DAY else (day, minute)
    return _micros(datetime.combine(day, time(minute // 60, minute % 60), zone))


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _open_before(hours: Hours, micros: int) -> int:
    import numpy as np

    return int(_open_before_all(hours, np.array([micros], dtype="int64"))[0])


def _open_before_all(hours: Hours, micros: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How long the shop was open, from the table's beginning up to each of these instants, in microseconds."""
    import numpy as np

    table = _table(hours)
    if not len(table.starts):
        return np.zeros_like(micros)
    place = np.searchsorted(table.starts, micros, "right") - 1
    inside = np.clip(micros - table.starts[place], 0, table.ends[place] - table.starts[place])
    opened: np.ndarray[Any, Any] = np.where(place < 0, 0, table.before[place] + inside)
    return opened


def _day_number(table: _Table, day: date) -> int:
    """How many business days there are up to that day, itself included."""
    return bisect_right(table.days, day)


def _series(moment: datetime, index: pd.Index[Any]) -> pd.Series:
    import pandas as pd

    return pd.Series(pd.Timestamp(moment).tz_convert("UTC"), index=index, dtype="datetime64[us, UTC]")


def _micros_of(moments: pd.Series) -> np.ndarray[Any, Any]:
    """Aware times as microseconds; an absent one is some number, to be masked by the caller."""
    micros: np.ndarray[Any, Any] = moments.astype("datetime64[us, UTC]").dt.tz_localize(None).to_numpy().astype("int64")
    return micros
