"""When tickets come, whose they are, how they end, and on which of them something is planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from zoneinfo import ZoneInfo

from ..times import DAY, HOUR, MINUTE, from_ms
from . import plots_charges, plots_invoices, plots_money, plots_prices, plots_time
from .answer_key import AnswerKey
from .cast import NEWCOMER, SHOWCASE, TWO_TIMERS, Business
from .plots import PLOTS, Plot
from .pools import SET_APART, Pools
from .tickets import Fate
from .workdays import at

FAMILIES = (plots_time, plots_charges, plots_prices, plots_invoices, plots_money)  # each registers its plots

SHOWCASE_NUMBER = 32164
TWO_TIMERS_NUMBER = 32182
_NEWEST_STAY = ("New", "New", "In Progress", "New", "In Progress", "New", "In Progress", "In Progress")
_OLDER_STAY = (
    *["Waiting on Customer"] * 5,
    *["Customer Reply"] * 3,
    *["Waiting for Parts"] * 2,
    *["Waiting on Vendor"] * 2,
    *["Scheduled"] * 3,
    *["In Progress"] * 2,
)


@dataclass(frozen=True)
class Coming:
    """A ticket that will come."""

    instant: int
    number: int
    business: Business
    fate: Fate
    plot: Plot | None


class Agenda:
    """The tickets that are to be played, in the order of time."""

    def __init__(
        self,
        rng: Random,
        key: AnswerKey,
        pools: Pools,
        days: list[date],
        count: int,
        stay_open: int,
        latest: int,
        fold: int,
        zone: ZoneInfo,
    ) -> None:
        self._rng, self._key, self._pools, self._days, self._zone = rng, key, pools, days, zone
        self._count, self._fold, self._latest = count, fold, latest
        self._newest = latest + 5  # so many of the last ones are new, or just begun
        self._older = stay_open - self._newest
        self._two_timers = count - latest - 1
        self._showcase = self._two_timers - (TWO_TIMERS_NUMBER - SHOWCASE_NUMBER)
        self._first_plotted = len(pools.settled())
        self._instants = self._draw_instants(key.end)
        self._whose = self._draw_customers()
        self._fates = self._draw_fates()
        self._plots = self._draw_plots()

    def __iter__(self) -> Iterator[Coming]:
        special = (SHOWCASE_NUMBER, TWO_TIMERS_NUMBER)
        newest = TWO_TIMERS_NUMBER + self._latest
        numbers = (one for one in range(newest + 1 - self._count, newest + 1) if one not in special)
        for order, instant in enumerate(self._instants):
            number = {self._showcase: SHOWCASE_NUMBER, self._two_timers: TWO_TIMERS_NUMBER}.get(order)
            fate = self._fates.get(order, Fate(swift=order >= self._count - 60))
            yield Coming(instant, number or next(numbers), self._whose[order], fate, self._plots.get(order))

    def _draw_instants(self, end: int) -> list[int]:
        """On workdays, more of late than in autumn, mostly in the morning, few in the evening."""
        last_but_one = at(self._days[-2], 8, 20, self._zone)  # when the ticket with two timers comes, of two days' work
        weights = [1 + (place >= len(self._days) - 10) for place in range(len(self._days))]
        early: list[int] = []
        late: list[int] = []
        wanted = self._count - 1 - self._latest
        while len(early) < wanted or len(late) < self._latest:
            day = self._rng.choices(self._days, weights)[0]
            minutes = self._rng.triangular(0, 490, 120) if self._rng.random() > 0.035 else self._rng.uniform(585, 735)
            instant = at(day, 8, 0, self._zone) + int(minutes * MINUTE)
            if instant <= last_but_one and len(early) < wanted:
                early.append(instant)
            elif last_but_one < instant < end - 20 * MINUTE and len(late) < self._latest:
                late.append(instant)
        return sorted([*early, last_but_one, *late])

    def _draw_customers(self) -> list[Business]:
        """Everybody once at first; the newcomer twice, in the last days."""
        settled = self._pools.settled()
        whose = self._rng.sample(settled, len(settled))
        whose += self._rng.choices(settled, [one.share for one in settled], k=self._count - len(whose))
        by_name = {one.name: one for one in self._pools.everybody}
        whose[-5] = whose[-13] = by_name[NEWCOMER]
        whose[self._showcase] = by_name[SHOWCASE]
        whose[self._two_timers] = by_name[TWO_TIMERS]
        return whose

    def _draw_fates(self) -> dict[int, Fate]:
        """Which tickets are still open at the end, and how they stand."""
        count, newest = self._count, self._newest
        newcomers = count - 13
        window = max(46, newest + self._older * 2)  # the older ones are among so many
        special = (self._showcase, self._two_timers, newcomers)
        older = [order for order in range(count - window, count - newest) if order not in special]
        statuses = (_OLDER_STAY * (self._older // len(_OLDER_STAY) + 1))[: self._older]
        stay = dict(zip(self._rng.sample(older, self._older), statuses, strict=True))
        fresh = (_NEWEST_STAY * (newest // len(_NEWEST_STAY) + 1))[:newest]
        stay |= dict(zip(range(count - newest, count), fresh, strict=True))
        stay[newcomers] = "In Progress"
        return {order: Fate(stays=status) for order, status in stay.items()}

    def _draw_plots(self) -> dict[int, Plot]:
        """On which tickets something is planted, and the customers that it needs."""
        begin, end, cut_off = self._instants[0], self._key.end, self._key.cut_off
        windows: dict[str, Callable[[int], bool]] = {
            "old": lambda instant: begin + 5 * DAY < instant < cut_off - 18 * DAY,
            "late": lambda instant: cut_off < instant < end - 14 * DAY,
            "now": lambda instant: end - 3 * DAY < instant < end - 5 * HOUR,
        }
        taken = {self._showcase, self._two_timers, *self._fates}
        free = {when: self._free(fits, taken, when) for when, fits in windows.items()}
        apart = {kind: iter(self._pools.of(kind)) for kind in SET_APART}
        plots: dict[int, Plot] = {}
        for planted in PLOTS:
            for _ in range(planted.times * (self._fold if planted.when != "now" else 1)):
                if not free[planted.when]:
                    break
                order = free[planted.when].pop()
                plots[order] = planted
                self._fates.pop(order, None)
                own = apart.get(planted.whose)
                self._whose[order] = next(own) if own else self._rng.choice(self._pools.of(planted.whose))
        return plots

    def _free(self, fits: Callable[[int], bool], taken: set[int], when: str) -> list[int]:
        """The places of a window in an order of chance; in the last days also of a ticket that would stay new."""
        places = range(self._first_plotted, self._count)
        busy = taken if when != "now" else {self._showcase, self._two_timers, self._count - 5, self._count - 13}
        found = [
            place
            for place in places
            if place not in busy
            and fits(self._instants[place])
            and from_ms(self._instants[place], self._zone).hour < 15
        ]
        self._rng.shuffle(found)
        return found
