"""Many bills confirmed as one: what was chosen, what each ticket comes to and why, and what a person types. Pure values.

Each ticket has a plan of its own, which `Workspace.apply` carries out like any other. A batch only puts them in a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .. import frames
from ..errors import InputError
from ..escape import clip, line
from ..money import dollars, format_cents, total
from ..tables import Column
from . import reference
from .charge import Charge
from .plan import Basis, Plan, known

if TYPE_CHECKING:
    import pandas as pd

MOST_TICKETS = 500

TICKETS: Mapping[str, Column] = {
    "number": Column("int64", "ticket number, as people see it"),
    "customer": Column("str", "business name, else the person's"),
    "subject": Column("str", "subject as written"),
    "entries": Column("int64", "time entries that are billed or drawn"),
    "hours": Column("float64", "hours that are billed or drawn, for reading"),
    "prepaid_hours": Column("float64", "hours that are drawn from the customer's block, for reading"),
    "subtotal_cents": Column("int64", "what the invoice comes to before tax, in cents"),
    "tax_cents": Column("Int64", "tax, in cents; absent: the rate is not known"),
    "total_cents": Column("Int64", "total, in cents; absent: the tax rate is not known"),
    "blocked": Column("str", "why it cannot be billed; empty if it can"),
}
CUSTOMERS: Mapping[str, Column] = {
    "customer": Column("str", "business name, else the person's"),
    "tickets": Column("int64", "tickets that are billed"),
    "hours": Column("float64", "hours that are billed or drawn, for reading"),
    "prepaid_hours": Column("float64", "hours that are drawn from the block, for reading"),
    "subtotal_cents": Column("int64", "before tax, in cents"),
    "total_cents": Column("Int64", "total, in cents; absent: the tax rate is not known"),
}
ENTRIES: Mapping[str, Column] = {
    "number": Column("int64", "ticket number, as people see it"),
    "customer": Column("str", "business name, else the person's"),
    "timer_id": Column("int64", "timer entry id"),
    "note": Column("str", "what was done"),
    "how": Column("category", "timer (charged), line (billed as a line), or left out"),
    "amount_cents": Column("int64", "before tax, in cents"),
    "why": Column("str", "how the policy comes to it"),
}


@dataclass(frozen=True)
class Choice:
    """A ticket to be billed. `timer_ids` None: all of its time that waits, or, without any, what waits on it as lines."""

    ticket_number: int
    timer_ids: tuple[int, ...] | None = None


def merged(choices: Iterable[Choice]) -> list[Choice]:
    """The choices with each ticket once, in their order; a ticket chosen as a whole comes before some of its timers.

    Raises InputError if there are none, or more than MOST_TICKETS.
    """
    found: dict[int, Choice] = {}
    for one in choices:
        first = found.get(one.ticket_number)
        if first is None:
            found[one.ticket_number] = one
        elif first.timer_ids is None or one.timer_ids is None:
            found[one.ticket_number] = Choice(one.ticket_number)
        else:
            found[one.ticket_number] = replace(
                first, timer_ids=tuple(dict.fromkeys((*first.timer_ids, *one.timer_ids)))
            )
    if not found:
        raise InputError("nothing is chosen")
    if len(found) > MOST_TICKETS:
        raise InputError(f"{len(found)} tickets are more than a person can read at once; choose at most {MOST_TICKETS}")
    return list(found.values())


@dataclass(frozen=True)
class Item:
    """One ticket of a batch. `plan` None: it could not even be planned; `blockers` say why, and forbid billing it."""

    choice: Choice
    charge: Charge = Charge()
    plan: Plan | None = None
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    customer: str = ""
    subject: str = ""

    @property
    def number(self) -> int:
        """The ticket's number, as people see it."""
        return self.choice.ticket_number

    @property
    def is_blocked(self) -> bool:
        """Whether it cannot be billed."""
        return bool(self.blockers) or self.plan is None

    @property
    def hours(self) -> float:
        """Hours for reading."""
        return float(str(self.charge.hours))


@dataclass(frozen=True, repr=False)
class Batch:
    """What a person sees before confirming: every chosen ticket, those that cannot be billed included.

    `notes`: what holds for all of them and is to be known before, as what could not be worked out.
    """

    name: str
    account: str
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> tuple[Item, ...]:
        """The tickets that will be billed."""
        return tuple(item for item in self.items if not item.is_blocked)

    @property
    def blocked(self) -> tuple[Item, ...]:
        """The tickets that cannot be."""
        return tuple(item for item in self.items if item.is_blocked)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that will be carried out, in order."""
        return tuple(item.plan for item in self.ready if item.plan is not None)

    @property
    def is_taxed(self) -> bool:
        """Whether the total counts tax: the rate of every customer is known."""
        return all(plan.expected.total_cents is not None for plan in self.plans)

    @property
    def total_cents(self) -> int:
        """What the invoices come to together; before tax, if a tax rate is not known."""
        if not self.is_taxed:
            return total(plan.expected.subtotal_cents for plan in self.plans)
        return total(plan.expected.total_cents or 0 for plan in self.plans)

    @property
    def prepaid_hours(self) -> Decimal:
        """The hours that are drawn from blocks."""
        return sum((plan.expected.prepaid_hours for plan in self.plans), Decimal(0))

    @property
    def confirmation(self) -> str:
        """What a person types: how many tickets, and their total, as in `12 1,845.50`."""
        return f"{len(self.ready)} {dollars(self.total_cents):,.2f}"

    def unconfirmed(self, words: str) -> str:
        """Why these words do not confirm it; empty if they do."""
        return not_confirmed(words, len(self.ready), self.total_cents)

    def tickets(self) -> pd.DataFrame:
        """One row per chosen ticket (TICKETS)."""
        return frames.frame(TICKETS, (_ticket_row(item) for item in self.items))

    def customers(self) -> pd.DataFrame:
        """One row per customer of the tickets that will be billed (CUSTOMERS), by name."""
        by_name: dict[str, list[Item]] = {}
        for item in self.ready:
            by_name.setdefault(item.customer, []).append(item)
        return frames.frame(CUSTOMERS, (_customer_row(name, items) for name, items in sorted(by_name.items())))

    def entries(self) -> pd.DataFrame:
        """One row per time entry, with how it is billed and why (ENTRIES)."""
        rows = (
            (item.number, item.customer, one.timer_id, one.note, one.how, one.amount_cents, one.why)
            for item in self.items
            for one in item.charge.entries
        )
        return frames.frame(ENTRIES, rows)

    def text(self) -> list[str]:
        """The whole preview as lines: each ticket with its entries and amounts, what is blocked, what is to be typed."""
        said = []
        for item in self.items:
            said.append(f"#{item.number}  {line(item.customer)}  {clip(item.subject, 60)}")
            said += [f"    {entry.note}: {entry.why}" for entry in item.charge.entries]
            if item.plan is not None:
                expected = item.plan.expected
                waiting = [one for one in expected.lines if not one.ours]
                amount = format_cents(total(one.amount_cents for one in waiting))
                said += [f"    {len(waiting)} line(s) already on the ticket = {amount}"] if waiting else []
                sums = f"{format_cents(expected.subtotal_cents)} + tax {known(expected.tax_cents)}"
                said.append(f"    {sums} = {known(expected.total_cents)}")
            said += [f"    Warning: {line(one)}" for one in item.warnings]
            said += [f"    Blocked: {line(one)}" for one in item.blockers]
        drawn = f", {self.prepaid_hours.normalize():f} prepaid hours drawn" if self.prepaid_hours else ""
        taxed = "" if self.is_taxed else " before tax"
        sums = f"{len(self.ready)} ticket(s), {format_cents(self.total_cents)}{taxed}{drawn}"
        said += ["", *(f"Note: {line(one)}" for one in self.notes)]
        said += [f"{sums}; {len(self.blocked)} blocked", f"To confirm, type: {self.confirmation}"]
        return said

    def __repr__(self) -> str:
        return "\n".join(self.text())


def not_confirmed(words: str, count: int, total_cents: int) -> str:
    """Why the words that were typed do not confirm so many tickets of this total; empty if they do."""
    if count == 0:
        return "there is nothing to bill"
    found = re.fullmatch(r"\s*(\d{1,6})\s+\$?(\d{1,3}(?:,\d{3})+|\d{1,12})\.(\d\d)\s*", words, re.ASCII)
    if found is None:
        return f"type the number of tickets and their total, as in `{count} {dollars(total_cents):,.2f}`"
    if int(found[1]) != count:
        return f"{found[1]} is not the number of tickets"
    if int(found[2].replace(",", "") + found[3]) != total_cents:
        return f"{found[2]}.{found[3]} is not the total"
    return ""


def changes(confirmed: Plan, now: Plan) -> list[str]:
    """What is different in a plan that was made anew; empty if it is the bill that was confirmed.

    People may have talked on the ticket, and prepaid hours may have been drawn by the batch itself: neither counts, as long
    as lines and amounts are the same.
    """
    if now.blockers:
        return list(now.blockers)
    said = _still(confirmed.basis, now.basis)
    then, present = confirmed.expected, now.expected
    for name, was, is_now in (
        ("subtotal", then.subtotal_cents, present.subtotal_cents),
        ("tax", then.tax_cents, present.tax_cents),
        ("total", then.total_cents, present.total_cents),
    ):
        if was != is_now:
            said.append(f"the {name} was {known(was)} and is {known(is_now)}")
    if then.prepaid_hours != present.prepaid_hours:
        said.append(f"prepaid hours drawn were {then.prepaid_hours} and are {present.prepaid_hours}")
    if not said and (then.lines != present.lines or _writes(confirmed) != _writes(now)):
        said.append("the lines are not those of the preview")
    return said


def _still(then: Basis, now: Basis) -> list[str]:
    now = replace(now, comment_ids=then.comment_ids, prepaid_hours=then.prepaid_hours)
    return then.changes(now)


def _writes(plan: Plan) -> list[tuple[str, str, str, dict[str, Any]]]:
    """The requests without their references, which name the run where there is no timer."""
    return [
        (
            step.name,
            step.request.method,
            step.request.path,
            {
                name: reference.strip(value) if isinstance(value, str) else value
                for name, value in step.request.body.items()
            },
        )
        for step in plan.steps
        if step.request
    ]


def _ticket_row(item: Item) -> tuple[Any, ...]:
    expected = item.plan.expected if item.plan else None
    return (
        item.number,
        item.customer,
        item.subject,
        len(item.charge.billed),
        item.hours,
        float(str(expected.prepaid_hours)) if expected else 0.0,
        expected.subtotal_cents if expected else 0,
        expected.tax_cents if expected else None,
        expected.total_cents if expected else None,
        "; ".join(item.blockers),
    )


def _customer_row(name: str, items: Sequence[Item]) -> tuple[Any, ...]:
    expected = [item.plan.expected for item in items if item.plan]
    taxed = all(one.total_cents is not None for one in expected)
    return (
        name,
        len(items),
        sum(item.hours for item in items),
        float(str(sum((one.prepaid_hours for one in expected), Decimal(0)))),
        total(one.subtotal_cents for one in expected),
        total(one.total_cents or 0 for one in expected) if taxed else None,
    )
