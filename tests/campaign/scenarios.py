"""What is planned, and what must then be true on the server: one scenario for each sort of plan.

The promise is worked out here from the definitions (a line is quantity times price, half up; the tax once, on the taxable
subtotal) and the sandbox's own tables, and shares nothing with the code that it judges.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from syncro_nb.workspace import Workspace
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.plan import Plan
from syncro_nb.writes.receipt import Receipt

from .world import LINE_TICKET, TIMER_TICKET, World

_REFERENCE = re.compile(r"\n+Ref SNB-[0-9A-Z]{6}-[0-9A-Z]{4}\s*$")
_TAX_PERCENT = Fraction("8.7")


@dataclass(frozen=True)
class Line:
    """A line that must be there. `text` None: Syncro words it."""

    product_id: int
    name: str
    text: str | None
    hours: Fraction
    price_cents: int
    taxable: bool

    @property
    def cents(self) -> int:
        """What it comes to, half up."""
        return half_up(self.hours * self.price_cents)


@dataclass(frozen=True)
class Promise:
    """What the server must hold once a run calls itself verified; no more of ours, no less, nothing otherwise."""

    number: int
    customer_id: int
    comment: tuple[str, str, bool] | None  # subject, text, hidden
    lines: tuple[Line, ...]
    is_invoiced: bool
    status: str | None  # None: it is left as it is, whatever that is
    mails: int
    waiting: tuple[Line, ...] = ()  # what other people had put on the ticket, which the invoice takes too

    def broken(self, world: World) -> list[str]:
        """What is not as promised, in words; empty if the server holds exactly that."""
        ticket = world.ticket(self.number)
        said = self._comment(world, ticket) + self._lines(world, ticket)
        if self.is_invoiced:
            said += self._invoice(world, ticket)
        elif world.rows("invoices", ticket["id"]):
            said.append("an invoice was made")
        if self.status not in (None, ticket["status"]):
            said.append(f"the status is {ticket['status']}")
        return said

    def _comment(self, world: World, ticket: dict[str, Any]) -> list[str]:
        found = [
            (row["subject"], without_reference(row["body"]), row["hidden"])
            for row in world.rows("comments", ticket["id"])
            if row["id"] not in world.claims
        ]
        wanted = [self.comment] if self.comment else []
        return [] if found == wanted else [f"the comments are {found}"]

    def _lines(self, world: World, ticket: dict[str, Any]) -> list[str]:
        """A timer that somebody else charged meanwhile is charged, too: nobody can tell whose line it is."""
        charged = any(line.text is None for line in self.lines)
        found = [
            Counter(
                self._shape(row, row["name"], row["description"], row["retail_cents"])
                for row in world.rows("ticket_lines", ticket["id"], ours=ours)
            )
            for ours in ((True, False) if charged else (True,))
        ]
        return [] if self._wanted(self.lines) in found else [f"the lines are {dict(found[0])}"]

    def _invoice(self, world: World, ticket: dict[str, Any]) -> list[str]:
        rows = world.rows("invoices", ticket["id"], ours=False)
        if len(rows) != 1:
            return [f"there are {len(rows)} invoices"]
        invoice = rows[0]
        lines = world.sandbox._account.invoice_lines.where("invoice_id", invoice["id"])
        found = Counter(self._shape(row, row["item"], row["name"], row["price_cents"]) for row in lines)
        taken = (*self.lines, *self.waiting)
        subtotal = sum(line.cents for line in taken)
        tax = half_up(_TAX_PERCENT * sum(line.cents for line in taken if line.taxable) / 100)
        said = [] if found == self._wanted(taken) else [f"the invoice's lines are {dict(found)}"]
        amounts = tuple(invoice[name] for name in ("subtotal_cents", "tax_cents", "total_cents"))
        if amounts != (subtotal, tax, subtotal + tax):
            said.append(f"the amounts are {amounts}, not {(subtotal, tax, subtotal + tax)}")
        if invoice["customer_id"] != self.customer_id:
            said.append("the invoice is another customer's")
        return said

    def _wanted(self, lines: tuple[Line, ...]) -> Counter[tuple[Any, ...]]:
        return Counter(
            (line.product_id, *self._words(line.name, line.text), line.hours, line.price_cents, line.taxable)
            for line in lines
        )

    def _words(self, name: str, text: str | None) -> tuple[str | None, str | None]:
        """Where Syncro words the lines itself, the words are no part of the promise."""
        worded = any(line.text is None for line in self.lines)
        return (None, None) if worded or text is None else (name, without_reference(text))

    def _shape(self, row: dict[str, Any], name: str, text: str, price_cents: int) -> tuple[Any, ...]:
        return (row["product_id"], *self._words(name, text), Fraction(row["quantity"]), price_cents, row["taxable"])


def waiting(world: World, number: int) -> tuple[Line, ...]:
    """The lines that are on the ticket and not invoiced yet."""
    rows = world.sandbox._account.ticket_lines.where("ticket_id", world.ticket(number)["id"])
    return tuple(
        Line(
            r["product_id"], r["name"], r["description"], Fraction(r["quantity"]), r["retail_cents"] or 0, r["taxable"]
        )
        for r in rows
        if not r["converted"]
    )


@dataclass(frozen=True)
class Scenario:
    """A sort of plan: how it is made, and what it promises on this world (asked before anything is written)."""

    name: str
    number: int
    plan: Callable[[Workspace, World], Plan]
    promise: Callable[[World], Any]  # a Promise, or what can tell the same
    prepare: Callable[[World], None] = lambda world: None  # what is there before
    claims: bool = False  # the account has its tickets claimed before they are billed
    carry: Callable[[Workspace, World], Receipt | str] | None = (
        None  # how it goes on, where it is not one plan and one run
    )
    ticket: int | None = None  # on which other people are at work meanwhile; None: `number`
    people: Mapping[str, Callable[[World, int], None]] | None = (
        None  # what they do there; None: whatever one does on tickets
    )


def without_reference(text: str) -> str:
    """The text without the reference line that may follow it."""
    return _REFERENCE.sub("", text.replace("\r\n", "\n"))


def half_up(amount: Fraction) -> int:
    """The nearest whole number; a half goes up."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


_TEXT = "Cleared the print queue"
_HALF_AN_HOUR = Line(1190473, "Labor - Remote", _TEXT, Fraction(1, 2), 15000, True)


def _by_line(**more: Any) -> Callable[[Workspace, World], Plan]:
    draft = BillDraft(ticket_number=LINE_TICKET, minutes=30, labour="remote", text=_TEXT, **more)
    return lambda ws, world: ws.plan_bill(draft)


def _timers(world: World) -> list[dict[str, Any]]:
    return world.sandbox._account.timers.where("ticket_id", world.ticket(TIMER_TICKET)["id"])


def _by_timers(ws: Workspace, world: World) -> Plan:
    numbers = tuple(row["id"] for row in _timers(world))
    return ws.plan_bill(BillDraft(ticket_number=TIMER_TICKET, text="Replaced the dock", timer_ids=numbers))


def _timer_promise(world: World) -> Promise:
    products = world.sandbox._account.products.rows
    lines = tuple(
        Line(
            row["product_id"],
            products[row["product_id"]]["name"],
            None,
            Fraction(half_up(Fraction(row["billable_override"] or row["billable_time"], 3600) * 10**6), 10**6),
            products[row["product_id"]]["retail_cents"],
            products[row["product_id"]]["taxable"],
        )
        for row in _timers(world)
        if not row["recorded"]
    )
    holder = world.ticket(TIMER_TICKET)["customer_id"]
    return Promise(
        TIMER_TICKET,
        holder,
        ("Work done", "Replaced the dock", False),
        lines,
        True,
        "Invoiced",
        1,
        waiting(world, TIMER_TICKET),
    )


_SET_SECONDS = 2700


def _by_timers_set(ws: Workspace, world: World) -> Plan:
    """The policy comes to other hours than Syncro: they are set on the first timer before it is charged."""
    numbers = tuple(row["id"] for row in _timers(world))
    overrides = ((numbers[0], _SET_SECONDS),)
    draft = BillDraft(ticket_number=TIMER_TICKET, text="Replaced the dock", timer_ids=numbers, overrides=overrides)
    return ws.plan_bill(draft)


def _set_promise(world: World) -> Promise:
    first, *others = _timer_promise(world).lines
    return replace(_timer_promise(world), lines=(replace(first, hours=Fraction(_SET_SECONDS, 3600)), *others))


def add_part(world: World) -> None:
    """Somebody has put a part on the ticket."""
    part = {"name": "Cable", "description": "2 m", "quantity": 2, "price_retail": 10, "taxable": True}
    made = world.person("POST", f"/tickets/{world.ticket(LINE_TICKET)['id']}/add_line_item", part)
    world.ready["line"] = made["id"]


def _waiting_promise(world: World) -> Promise:
    """Nothing is added; what waits on the ticket is invoiced."""
    holder, there = world.ticket(LINE_TICKET)["customer_id"], waiting(world, LINE_TICKET)
    return Promise(LINE_TICKET, holder, ("Billed", "What waited", True), (), True, "Invoiced", 0, there)


_WAITING = BillDraft(LINE_TICKET, text="What waited", subject="Billed", hidden=True, email=False, waiting=True)
_AGREED_CENTS = 12345


def _by_timers_agreed(ws: Workspace, world: World) -> Plan:
    numbers = tuple(row["id"] for row in _timers(world))
    amends = tuple((number, _AGREED_CENTS, False) for number in numbers)
    return ws.plan_bill(
        BillDraft(ticket_number=TIMER_TICKET, text="Replaced the dock", timer_ids=numbers, amends=amends)
    )


def _agreed_promise(world: World) -> Promise:
    own = _timer_promise(world)
    return replace(own, lines=tuple(replace(line, price_cents=_AGREED_CENTS, taxable=False) for line in own.lines))


def _line_promise(*, hidden: bool, invoice: bool) -> Callable[[World], Promise]:
    def promise(world: World) -> Promise:
        ticket = world.ticket(LINE_TICKET)
        status = "Invoiced" if invoice else None
        comment = ("Work done", _TEXT, hidden)
        lines, mails = (_HALF_AN_HOUR,), int(not hidden)
        there = waiting(world, LINE_TICKET)
        return Promise(LINE_TICKET, ticket["customer_id"], comment, lines, invoice, status, mails, there)

    return promise


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("line", LINE_TICKET, _by_line(), _line_promise(hidden=False, invoice=True)),
        Scenario("timers", TIMER_TICKET, _by_timers, _timer_promise),
        Scenario("no invoice", LINE_TICKET, _by_line(invoice=False), _line_promise(hidden=False, invoice=False)),
        Scenario("hidden", LINE_TICKET, _by_line(hidden=True), _line_promise(hidden=True, invoice=True)),
        Scenario("claimed", LINE_TICKET, _by_line(), _line_promise(hidden=False, invoice=True), claims=True),
        Scenario("agreed", TIMER_TICKET, _by_timers_agreed, _agreed_promise),
        Scenario("set hours", TIMER_TICKET, _by_timers_set, _set_promise),
        Scenario("waiting", LINE_TICKET, lambda ws, world: ws.plan_bill(_WAITING), _waiting_promise, add_part),
    )
}
