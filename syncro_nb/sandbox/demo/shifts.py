"""When the technicians of the written history are free: one pointer each, in quarter hours of open desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from zoneinfo import ZoneInfo

from ..times import HOUR, MINUTE
from .cast import Technician
from .workdays import at

_QUARTER = 15 * MINUTE
_OPENS, _QUARTERS = 8, 36  # nine hours


class Shifts:
    """A calendar of workdays, and how far each technician is booked in it."""

    def __init__(self, crew: Sequence[Technician], days: Sequence[date], zone: ZoneInfo, rng: Random) -> None:
        self._crew, self._rng = list(crew), rng
        self._days = list(days)
        self._opens = [at(day, _OPENS, 0, zone) for day in days]
        self._free = dict.fromkeys((one.name for one in crew), 0)  # quarters since the first day opened
        self._called: dict[int, int] = {}  # calls of an evening, by the place of the day

    def pick(self) -> Technician:
        """The least booked of three."""
        return min(self._rng.choices(self._crew, k=3), key=lambda one: self._free[one.name])

    def work(self, who: Technician, place: int, earliest: int, quarters: int) -> tuple[int, int]:
        """The next piece of work from an instant of a day on: its start, and the place of its day."""
        wanted = place * _QUARTERS + max(0, -((self._opens[place] - earliest) // _QUARTER))
        at_quarter = max(self._free[who.name], wanted)
        if at_quarter % _QUARTERS + quarters > _QUARTERS:
            at_quarter += _QUARTERS - at_quarter % _QUARTERS
        self._free[who.name] = at_quarter + quarters
        day, rest = divmod(at_quarter, _QUARTERS)
        return self._opens[day] + rest * _QUARTER, day

    def call(self, place: int) -> tuple[Technician, int]:
        """Who helps in the evening of that day, and when: each technician once at most."""
        calls = self._called.get(place, 0)
        self._called[place] = calls + 1
        start = self._opens[place] + 10 * HOUR + self._rng.randrange(8) * _QUARTER
        return self._crew[(place * 7 + calls) % len(self._crew)], start

    def can_call(self, place: int) -> bool:
        """Whether somebody is left for that evening."""
        return self._called.get(place, 0) < len(self._crew)

    def day(self, place: int) -> date:
        """The workday of that place."""
        return self._days[min(place, len(self._days) - 1)]
