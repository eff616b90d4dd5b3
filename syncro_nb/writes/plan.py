"""A plan: every write in order, what it should come to, what it was based on, and what stands against it. Pure values.

A plan is what a person sees and confirms. It is kept in the journal as it was confirmed, so that any process can finish it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..escape import clip, line, paragraph
from ..money import format_cents, line_cents
from ..service.requests import Request
from . import reference

STEP_TITLES = {
    "comment": "Comment",
    "line_item": "Labour line",
    "charge": "Charge timer",
    "invoice": "Invoice",
    "verify": "Read back",
    "status": "Ticket status",
}


@dataclass(frozen=True)
class Step:
    """One step of a plan. `request` None: it only reads. `timer_id` names the timer that a charge is for.

    `visible`: the customer sees it, so that only a person may have it sent a second time.
    """

    name: str
    request: Request | None = None
    visible: bool = False
    timer_id: int | None = None


@dataclass(frozen=True)
class ExpectedLine:
    """A line that the invoice must hold. `price_cents` is that of one hour or piece; `ours`: this plan adds it.

    `prepaid`: the customer's prepaid hours pay for it, so that it costs $0.00 on the invoice. `description` None: Syncro
    words it, as for a charged timer, whose note (`hint`) it usually takes.
    """

    name: str
    description: str | None
    quantity: Decimal
    price_cents: int
    taxable: bool
    product_id: int | None = None
    ours: bool = False
    prepaid: bool = False
    hint: str = ""

    @property
    def text(self) -> str:
        """What the customer will read, as far as we know."""
        return self.hint if self.description is None else self.description

    @property
    def invoice_price_cents(self) -> int:
        """The price as it stands on the invoice."""
        return 0 if self.prepaid else self.price_cents

    @property
    def amount_cents(self) -> int:
        """What it comes to on the invoice: quantity times price, half up."""
        return line_cents(self.quantity, self.invoice_price_cents)


@dataclass(frozen=True)
class Expected:
    """What the invoice must come to, in cents. Tax and total None: this customer's tax rate is not known yet."""

    lines: tuple[ExpectedLine, ...]
    subtotal_cents: int
    tax_cents: int | None
    total_cents: int | None
    prepaid_hours: Decimal
    tax_note: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `--dry-run --json` prints it; hours as a JSON number."""
        return {
            "subtotal_cents": self.subtotal_cents,
            "tax_cents": self.tax_cents,
            "total_cents": self.total_cents,
            "prepaid_hours": float(str(self.prepaid_hours)),
        }


@dataclass(frozen=True)
class Basis:
    """What the ticket was like when the plan was made. If any of it has changed, the plan is void."""

    customer_id: int | None
    subject: str
    status: str
    prepaid_hours: str
    comment_ids: tuple[int, ...]
    lines: tuple[str, ...]
    line_ids: tuple[int, ...]
    timers: tuple[str, ...]
    invoice_ids: tuple[int, ...]

    def without(self, ours: frozenset[int], timer_ids: frozenset[int]) -> Basis:
        """The same without the records of those ids, and with those timers as they were before they were charged."""
        return replace(
            self,
            comment_ids=tuple(one for one in self.comment_ids if one not in ours),
            lines=tuple(line for line, number in zip(self.lines, self.line_ids, strict=True) if number not in ours),
            line_ids=tuple(one for one in self.line_ids if one not in ours),
            timers=tuple(str(one) if (one := int(timer.split()[0])) in timer_ids else timer for timer in self.timers),
            invoice_ids=tuple(one for one in self.invoice_ids if one not in ours),
        )

    def changes(self, now: Basis) -> list[str]:
        """What is different now, in words."""
        said = [
            f"the {name} was {then!r} and is {present!r}"
            for name, then, present in (
                ("customer", self.customer_id, now.customer_id),
                ("subject", self.subject, now.subject),
                ("status", self.status, now.status),
                ("balance of prepaid hours", self.prepaid_hours, now.prepaid_hours),
            )
            if then != present
        ]
        for name, then, present in (
            ("comment", self.comment_ids, now.comment_ids),
            ("line item", self.lines, now.lines),
            ("timer", self.timers, now.timers),
            ("invoice", self.invoice_ids, now.invoice_ids),
        ):
            new = [str(one) for one in present if one not in then]
            gone = [str(one) for one in then if one not in present]
            said += [f"{name} {' and '.join(new)} is new"] if new else []
            said += [f"{name} {' and '.join(gone)} is no longer there"] if gone else []
        return said


@dataclass(frozen=True, repr=False)
class Plan:
    """Everything that will be written to one ticket, in order.

    `blockers` forbid it; `warnings` may cost money or a customer's trust; `notes` are for information.
    """

    run: str
    kind: str
    account: str
    ticket_id: int
    ticket_number: int
    customer_id: int
    customer_name: str
    subject: str
    unit: str
    steps: tuple[Step, ...]
    expected: Expected
    basis: Basis
    ticket_created_at: datetime | None = None
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def requests(self) -> list[Request]:
        """The writes, in order."""
        return [step.request for step in self.steps if step.request]

    def as_json(self) -> dict[str, Any]:
        """As `--dry-run --json` prints it."""
        return {
            "ticket": self.ticket_number,
            "requests": [request.as_json() for request in self.requests],
            "expected": self.expected.as_json(),
            "blockers": list(self.blockers),
        }

    def text(self) -> list[str]:
        """The whole preview as lines: every request in order, the amounts, what to know, what stands against it."""
        said = [f"Ticket #{self.ticket_number}  {line(self.customer_name)}  {clip(self.subject, 60)}", ""]
        said.append("Requests, in this order")
        for number, request in enumerate(self.requests, 1):
            said.append(f"  {number}. {request.method} {request.path}")
            said += [f"       {name}: {show(value)}" for name, value in request.body.items()]
        expected, invoiced = self.expected, any(step.name == "invoice" for step in self.steps)
        title = (
            "Expected on the invoice, which is read back and compared" if invoiced else "Expected (no invoice is made)"
        )
        said += ["", title]
        for item in expected.lines:
            whose = "" if item.ours else ", already on the ticket"
            whose += ", from prepaid hours" if item.prepaid else ""
            price = f"{item.quantity.normalize():f} × {format_cents(item.invoice_price_cents)}"
            said.append(f"  {clip(item.name, 40)}  {price} = {format_cents(item.amount_cents)}{whose}")
            said += [f"    {part}" for part in paragraph(reference.strip(item.text)).split("\n")] if item.text else []
        said.append(f"  Subtotal  {format_cents(expected.subtotal_cents)}")
        said.append(f"  Tax       {known(expected.tax_cents)}  ({expected.tax_note})")
        said.append(f"  Total     {known(expected.total_cents)}")
        if expected.prepaid_hours:
            said.append(f"  Prepaid hours drawn  {expected.prepaid_hours.normalize():f}")
        for word, lines in (("Note", self.notes), ("Warning", self.warnings), ("Blocked", self.blockers)):
            said += ["", *(f"{word}: {line(one)}" for one in lines)] if lines else []
        return said

    def __repr__(self) -> str:
        return "\n".join(self.text())


def show(value: object) -> str:
    """A value of a request's body as people read it, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return line(value)


def known(amount_cents: int | None) -> str:
    """An amount, or that it is not known yet."""
    return "not known yet" if amount_cents is None else format_cents(amount_cents)
