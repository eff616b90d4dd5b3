"""The demo account, made up anew from (today, seed, size), always the same: half a year of a small service desk.

The months are played in the order of time. Each ticket is a generator (`demo.scenes`) that yields the instant at which it
goes on, and does to the account what the API could have done. So ids and numbers rise with time, and all money is what
`billing` makes of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from ..errors import ConfigError
from . import billing
from .demo import opening
from .demo.cast import BUSINESSES, NEWCOMER, OFFERS, SHOWCASE, TWO_TIMERS, Business
from .demo.scenes import Fate, showcase_scene, ticket_scene, two_timers_scene
from .demo.team import Team
from .demo.workdays import after, at, workdays
from .state import Account, Row
from .switches import Switches
from .times import DAY, MINUTE, SECOND

SHOWCASE_NUMBER = 32164
TWO_TIMERS_NUMBER = 32182
_NEWEST_NUMBER = 32185
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
class Size:
    """How much there is."""

    tickets: int
    days: int


SIZES = {"small": Size(tickets=230, days=182)}


def make_account(today: date, seed: int, size: str, switches: Switches) -> Account:
    """The demo account as it is on the afternoon of `today`."""
    if size not in SIZES:
        raise ConfigError(f"the sandbox has no size {size!r}; there is: {', '.join(SIZES)}")
    return _Play(today, seed, SIZES[size], switches).run()


class _Play:
    """The scenes that wait for their time, and what they have in common."""

    def __init__(self, today: date, seed: int, size: Size, switches: Switches) -> None:
        self.size = size
        self.account = account = Account(today, switches)
        self.rng = Random(f"{seed}/desk")
        self.zone = switches.zone
        self.days = workdays(today - timedelta(days=size.days), today)
        self.begin = at(today - timedelta(days=size.days), 7, 0, self.zone)
        self.end = at(today, 16, 20, self.zone)
        self.waiting: list[tuple[int, int, Iterator[int]]] = []  # when, which one was begun first, and what
        self.begun = 0
        account.next_ticket_number = max(1000, _NEWEST_NUMBER + 1 - size.tickets)
        account.next_invoice_number = 10412
        opening.stock(account, self.begin)
        technicians = opening.hire(account, self.begin)
        self.team = Team(account, seed, technicians, opening.welcome(account, self.begin, self.end))

    def run(self) -> Account:
        for scene in (*self._ticket_scenes(), *self._other_scenes()):
            self._begin(scene)
        while self.waiting:
            _, order, scene = heapq.heappop(self.waiting)
            self._go_on(order, scene)
            while self.team.also:
                self._begin(self.team.also.pop())
        self._judge_service_levels()
        self._write_timelogs()
        return self.account

    def _begin(self, scene: Iterator[int]) -> None:
        self.begun += 1
        self._go_on(self.begun, scene)

    def _go_on(self, order: int, scene: Iterator[int]) -> None:
        """Let a scene play up to its next instant; what lies after the end is never played."""
        instant = next(scene, None)
        if instant is not None and instant <= self.end:
            heapq.heappush(self.waiting, (instant, order, scene))

    def _ticket_scenes(self) -> Iterator[Iterator[int]]:
        """When tickets come, whose they are and how they end; the showcase is the 22nd from the last."""
        count = self.size.tickets
        showcase = count - (_NEWEST_NUMBER - SHOWCASE_NUMBER) - 1
        two_timers = count - (_NEWEST_NUMBER - TWO_TIMERS_NUMBER) - 1
        whose, fates = self._draw_customers(showcase), self._draw_fates(showcase)
        special = (SHOWCASE_NUMBER, TWO_TIMERS_NUMBER)
        numbers = (one for one in range(self.account.next_ticket_number, 10**9) if one not in special)
        for order, instant in enumerate(self._draw_instants()):
            if order == showcase:
                yield showcase_scene(self.team, instant, whose[order], SHOWCASE_NUMBER)
            elif order == two_timers:
                yield two_timers_scene(self.team, instant, whose[order], TWO_TIMERS_NUMBER)
            else:
                yield ticket_scene(self.team, instant, whose[order], next(numbers), fates.get(order, Fate()))

    def _draw_instants(self) -> list[int]:
        """When tickets come: on workdays, more of late than in autumn, mostly in the morning, few in the evening."""
        last_but_one = at(self.days[-2], 8, 20, self.zone)  # when the ticket with two timers comes, of two days' work
        after_it = _NEWEST_NUMBER - TWO_TIMERS_NUMBER
        weights = [1 + (place >= len(self.days) - 10) for place in range(len(self.days))]
        drawn: list[int] = []
        late: list[int] = []
        while len(drawn) + 1 + after_it < self.size.tickets or len(late) < after_it:
            day = self.rng.choices(self.days, weights)[0]
            minutes = self.rng.triangular(0, 490, 120) if self.rng.random() > 0.035 else self.rng.uniform(585, 735)
            instant = at(day, 8, 0, self.zone) + int(minutes * MINUTE)
            if instant <= last_but_one and len(drawn) + 1 + after_it < self.size.tickets:
                drawn.append(instant)
            elif last_but_one < instant < self.end - 20 * MINUTE and len(late) < after_it:
                late.append(instant)
        return sorted([*drawn, last_but_one, *late])

    def _draw_customers(self, showcase: int) -> list[Business]:
        """Everybody once at first; the newcomer twice, in the last days."""
        settled = [one for one in BUSINESSES if one.name != NEWCOMER]
        whose = self.rng.sample(settled, len(settled))
        whose += self.rng.choices(settled, [one.share for one in settled], k=self.size.tickets - len(whose))
        by_name = {one.name: one for one in BUSINESSES}
        whose[-5] = whose[-13] = by_name[NEWCOMER]
        whose[showcase] = by_name[SHOWCASE]
        whose[TWO_TIMERS_NUMBER - _NEWEST_NUMBER - 1] = by_name[TWO_TIMERS]
        return whose

    def _draw_fates(self, showcase: int) -> dict[int, Fate]:
        """Which tickets are still open at the end, and how they stand. The first of each customer is billed in full."""
        count = self.size.tickets
        fates = dict.fromkeys(range(len(BUSINESSES) - 1), Fate(sure=True))
        fates |= dict.fromkeys(range(count - 60, count), Fate(swift=True))
        newcomers = count - 13
        older = [order for order in range(count - 46, count - 8) if order not in (showcase, newcomers)]
        stay = dict(zip(self.rng.sample(older, len(_OLDER_STAY)), _OLDER_STAY, strict=True))
        stay |= dict(zip(range(count - 8, count), _NEWEST_STAY, strict=True))
        stay[newcomers] = "In Progress"
        return fates | {order: Fate(stays=status) for order, status in stay.items()}

    def _other_scenes(self) -> Iterator[Iterator[int]]:
        for schedule in self.account.schedules:
            yield self._schedule_scene(schedule)
        for business in BUSINESSES:
            if business.prepaid:
                yield self._first_hours_scene(business)
        yield self._offers_scene()

    def _schedule_scene(self, schedule: Row) -> Iterator[int]:
        """On the first of each month at six the invoice is made, and paid two weeks later."""
        account = self.account
        while True:
            day = date.fromisoformat(schedule["next_run"])
            now = at(day, 6, 0, self.zone)
            yield now
            schedule["next_run"] = opening.next_month(day).isoformat()
            due = (day + timedelta(days=15)).isoformat()
            fields = {"customer_id": schedule["customer_id"], "name": schedule["name"], "due_date": due}
            invoice = billing.create_invoice(account, fields, now)
            account.invoices.change(invoice, {"schedule_id": schedule["id"]})
            for line in account.schedule_lines.where("schedule_id", schedule["id"]):
                sold = {"item": line["name"], "name": line["description"], "quantity": line["quantity"]}
                billing.add_invoice_line(account, invoice, {**sold, "product_id": line["product_id"]}, now)
            now += 14 * DAY + self.rng.randrange(3, 9 * 60) * MINUTE
            yield now
            self.team.take_payment(invoice, "Credit Card", now)

    def _first_hours_scene(self, business: Business) -> Iterator[int]:
        """Those who pay for hours ahead begin with ten of them, so that their tax can be seen."""
        return self.team.sell_hours(business, 10, at(self.days[1], 10, 15, self.zone))

    def _offers_scene(self) -> Iterator[int]:
        """A handful of estimates, spread over the months."""
        for order, offer in enumerate(OFFERS):
            now = after(self.begin + (12 + self.size.days * order // len(OFFERS)) * DAY, 150, self.zone)
            yield now
            self.team.make_offer(offer, f"{2204 + order}", now)

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
