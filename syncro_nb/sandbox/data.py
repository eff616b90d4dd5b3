"""The demo account, made up anew from (today, seed, size), always the same: the months of a service desk.

The months are played in the order of time. Each ticket is a generator (`demo.scene`) that yields the instant at which it goes
on, and does to the account what the API could have done. So ids and numbers rise with time, and all money is what `billing`
makes of it. What is planted for a reconciliation to find is in the account's `answers` (`demo.answer_key`).
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from ..errors import ConfigError
from .demo import opening, plots_sales
from .demo.agenda import SHOWCASE_NUMBER, TWO_TIMERS_NUMBER, Agenda, Coming
from .demo.cast import GOODS, OFFERS, TECHNICIANS, Business
from .demo.history import History
from .demo.names import Names
from .demo.plots import plot_scene
from .demo.plots_later import falsify_ledger, plan_draws
from .demo.pools import Pools
from .demo.showcases import showcase_scene, two_timers_scene
from .demo.team import Team
from .demo.tickets import ticket_scene
from .demo.workdays import after, at, workdays
from .state import Account, Row
from .switches import Switches
from .times import DAY, MINUTE, SECOND


@dataclass(frozen=True)
class Size:
    """How much there is: tickets that are played, over so many days, and before them those that are just written."""

    tickets: int
    stay_open: int
    latest: int = 3  # after ticket 32182, which came on the last workday but one
    days: int = 182
    fold: int = 1  # how many times the planted faults of the small account
    more_customers: int = 0
    technicians: int = 4
    earlier_tickets: int = 0
    earlier_days: int = 0
    first_number: int | None = None  # of the tickets before; else they go before the others without a gap


SIZES = {
    "small": Size(tickets=260, stay_open=25),
    "medium": Size(
        tickets=3_600,
        stay_open=800,
        latest=80,
        fold=4,
        more_customers=180,
        technicians=12,
        earlier_tickets=16_400,
        earlier_days=900,
    ),
    "large": Size(
        tickets=15_000,
        stay_open=6_000,
        latest=320,
        fold=10,
        more_customers=700,
        technicians=40,
        earlier_tickets=195_000,
        earlier_days=2_120,
        first_number=1_000_001,  # they came from another program, and kept its numbers
    ),
}


def make_account(today: date, seed: int, size: str, switches: Switches) -> Account:
    """The demo account as it is on the afternoon of `today`."""
    if size not in SIZES:
        raise ConfigError(f"the sandbox has no size {size!r}; there is: {', '.join(SIZES)}")
    collecting = gc.isenabled()
    gc.disable()  # nothing becomes garbage here, and looking for it among millions of rows takes minutes
    try:
        return _Play(today, seed, SIZES[size], switches).run()
    finally:
        if collecting:
            gc.enable()


class _Play:
    """The scenes that wait for their time, and what they have in common."""

    def __init__(self, today: date, seed: int, size: Size, switches: Switches) -> None:
        self.size, self.seed = size, seed
        self.account = account = Account(today, switches)
        self.rng = Random(f"{seed}/desk")
        self.zone = switches.zone
        self.days = workdays(today - timedelta(days=size.days), today)
        self.begin = at(today - timedelta(days=size.days), 7, 0, self.zone)
        self.end = at(today, 16, 20, self.zone)
        self.waiting: list[tuple[int, int, Iterator[int]]] = []  # when, which one was begun first, and what
        self.begun = 0
        self.opening = at(today - timedelta(days=size.days + size.earlier_days), 7, 0, self.zone)
        account.next_invoice_number = 10412
        self.pools = Pools(seed, size.fold, size.more_customers)
        crew = (*TECHNICIANS, *Names(seed).technicians(size.technicians - len(TECHNICIANS)))
        opening.stock(account, self.opening)
        technicians = opening.hire(account, crew, self.opening)
        customers = opening.welcome(account, self.pools.everybody, self.opening, self.end)
        self.team = Team(account, seed, crew, technicians, customers, self.end)

    def run(self) -> Account:
        if self.size.earlier_tickets:
            self._write_history()
        self.account.next_ticket_number = TWO_TIMERS_NUMBER + self.size.latest + 1 - self.size.tickets
        for scene in (*self._ticket_scenes(), *self._other_scenes()):
            self._begin(scene)
        while self.waiting:
            _, order, scene = heapq.heappop(self.waiting)
            self._go_on(order, scene)
            while self.team.also:
                self._begin(self.team.also.pop())
        self._judge_service_levels()
        self._write_timelogs()
        plan_draws(self.team, self.pools.of("block"))
        falsify_ledger(self.team, self.seed, 1 if self.size.fold == 1 else 2)
        self.team.key.finish()
        return self.account

    def _write_history(self) -> None:
        """The years before; what is paid after them is played."""
        size, today = self.size, self.account.today
        number = size.first_number or TWO_TIMERS_NUMBER + size.latest + 1 - size.tickets - size.earlier_tickets
        history = History(self.team, self.pools.settled(), self.seed, number)
        first = today - timedelta(days=size.days + size.earlier_days)
        history.write(first, today - timedelta(days=size.days + 23), size.earlier_tickets)
        for invoice, instant in history.bills.unpaid():
            self._begin(self._late_payment(invoice, instant))

    def _late_payment(self, invoice: Row, instant: int) -> Iterator[int]:
        yield instant
        self.team.take_payment(invoice, "Check", instant)

    def _begin(self, scene: Iterator[int]) -> None:
        self.begun += 1
        self._go_on(self.begun, scene)

    def _go_on(self, order: int, scene: Iterator[int]) -> None:
        """Let a scene play up to its next instant; what lies after the end is never played."""
        instant = next(scene, None)
        if instant is not None and instant <= self.end:
            heapq.heappush(self.waiting, (instant, order, scene))

    def _ticket_scenes(self) -> Iterator[Iterator[int]]:
        size = self.size
        agenda = Agenda(
            self.rng,
            self.team.key,
            self.pools,
            self.days,
            size.tickets,
            size.stay_open,
            size.latest,
            size.fold,
            self.zone,
        )
        for one in agenda:
            yield self._ticket_scene(one)

    def _ticket_scene(self, one: Coming) -> Iterator[int]:
        if one.number == SHOWCASE_NUMBER:
            return showcase_scene(self.team, one.instant, one.business, one.number)
        if one.number == TWO_TIMERS_NUMBER:
            return two_timers_scene(self.team, one.instant, one.business, one.number)
        if one.plot:
            return plot_scene(self.team, one.instant, one.business, one.number, one.plot)
        return ticket_scene(self.team, one.instant, one.business, one.number, one.fate)

    def _other_scenes(self) -> Iterator[Iterator[int]]:
        habits = {one.name: one.recurs for one in self.pools.everybody}
        for business in self.pools.of("subscriber"):
            plots_sales.sign_up(self.team, business, self.begin)
        for schedule in self.account.schedules:
            name = self.account.customers.rows[schedule["customer_id"]]["business_name"]
            yield plots_sales.schedule_scene(self.team, schedule, habits[name], self.rng.randrange(3, 9 * 60))
        for business in self.pools.of("block"):
            yield self._first_hours_scene(business)
        yield self._offers_scene()
        yield from self._sales()

    def _first_hours_scene(self, business: Business) -> Iterator[int]:
        """Those who pay for hours ahead begin with ten of them, so that their tax can be seen."""
        return self.team.sell_hours(business, 10, at(self.days[1], 10, 15, self.zone))

    def _offers_scene(self) -> Iterator[int]:
        """A handful of estimates, spread over the months."""
        for order, offer in enumerate(OFFERS):
            now = after(self.begin + (12 + self.size.days * order // len(OFFERS)) * DAY, 150, self.zone)
            yield now
            self.team.make_offer(offer, f"{2204 + order}", now)

    def _sales(self) -> Iterator[Iterator[int]]:
        """Goods over the counter before the cut-off: some invoiced twice, some that came back."""
        pairs = [
            day
            for day, next_day in zip(self.days, self.days[1:], strict=False)
            if next_day - day == timedelta(days=1) and at(day, 0, 0, self.zone) < self.team.key.cut_off - 16 * DAY
        ]
        goods = [name for name, parts in GOODS.items() if parts[4].startswith("Hardware")]
        hourly = self.pools.of("hourly")
        for place in range(6 * self.size.fold):
            business = hourly[place % len(hourly)]
            now = at(self.rng.choice(pairs[4:]), 11, 0, self.zone) + self.rng.randrange(120) * MINUTE
            what = goods[place % len(goods)]
            if place % 6 < 3:
                yield plots_sales.sold_twice_scene(self.team, business, what, now, 6 if place % 6 == 2 else 1)
            elif place % 6 < 5:
                yield plots_sales.credit_note_scene(self.team, business, what, now)
            else:
                yield plots_sales.sale_scene(self.team, business, what, now)

    def _judge_service_levels(self) -> None:
        """The flags of open tickets under a service level, as they stand at the end."""
        for ticket in self.account.tickets:
            if ticket["resolution_time"] and ticket["resolved_at"] is None:
                used = (self.end - ticket["created_at"]) / (ticket["resolution_time"] * SECOND)
                ticket.update(sla_breached=used > 1, sla_breaching_soon=0.75 < used <= 1)

    def _write_timelogs(self) -> None:
        """Everybody's attendance; today they have not left yet."""
        for day in self.days:
            for row in self.team.technicians.values():
                came = at(day, 7, 50, self.zone) + self.rng.randrange(20 * 60) * SECOND
                left = at(day, 16, 55, self.zone) + self.rng.randrange(35 * 60) * SECOND
                gone = left if left <= self.end else None
                times = {"in_at": came, "out_at": gone, "created_at": came, "updated_at": gone or came}
                self.account.timelogs.add({**times, "user_id": row["id"], "lunch": None, "manually_updated": None})
