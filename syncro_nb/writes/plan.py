"""A plan: every write in order, what it should come to, what it was based on, and what stands against it. Pure values.

A plan is what a person sees and confirms. It is kept in the journal as it was confirmed, so that any process can finish it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    "claim": "Claim",
    "ticket": "New ticket",
    "update": "Ticket",
    "timer": "New timer",
    "timer_setting": "Timer",
    "stop": "Stop timer",
    "reprice": "Change line",
    "remove_line": "Remove line",
    "remove_timer": "Delete timer",
    "remove_invoice": "Delete invoice",
    "remove_ticket": "Delete ticket",
    "payment": "Payment",
    "customer": "New customer",
    "contact": "New contact",
}


@dataclass(frozen=True)
class Step:
    """One step of a plan. `request` None: it only reads. `timer_id` names the timer that it charges; `claims` are those that
    no other run may touch meanwhile. `unit` is the work that its reference stands for, where it is not the plan's.

    `visible`: the customer sees it, so that only a person may have it sent a second time. `record_id` is the record that is
    set or removed; `before` holds what the preview showed of it, by the names of the request.
    """

    name: str
    request: Request | None = None
    visible: bool = False
    timer_id: int | None = None
    record_id: int | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[int, ...] = ()
    unit: str = ""

    @property
    def is_amendment(self) -> bool:
        """Whether it changes the line that the charge of its timer makes, which has no id before that."""
        return self.name == "reprice" and self.timer_id is not None

    def on_line(self, line_id: int | None) -> Step:
        """An amendment with the line that the charge has made; every other step as it is."""
        if not self.is_amendment or line_id is None or self.request is None:
            return self
        body = {**self.request.body, "ticket_line_item_id": line_id}
        return replace(self, record_id=line_id, request=replace(self.request, body=body))


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


NOTHING_BILLED = Expected((), 0, 0, 0, Decimal(0), "nothing is billed")


@dataclass(frozen=True)
class Basis:
    """What the ticket was like when the plan was made. If any of it has changed, the plan is void.

    `invoice_ids` None: no money is involved, and the invoices were not looked at. `ticket_ids` are the records that a plan
    without a ticket is based on: the customer's tickets of that subject, or the customers or contacts of that name.
    """

    customer_id: int | None
    subject: str
    status: str
    prepaid_hours: str
    comment_ids: tuple[int, ...]
    lines: tuple[str, ...]
    line_ids: tuple[int, ...]
    timers: tuple[str, ...]
    invoice_ids: tuple[int, ...] | None
    ticket_ids: tuple[int, ...] = ()
    payment_ids: tuple[int, ...] = ()

    @property
    def timer_ids(self) -> tuple[int, ...]:
        """The timers by id; their texts also say whether they are charged."""
        return tuple(int(timer.split()[0]) for timer in self.timers)

    def known(self, table: str) -> tuple[int, ...]:
        """The ids of a sort of record (`kinds.Kind.table`) that were there before: none of them can be a new one."""
        return {
            "comments": self.comment_ids,
            "lines": self.line_ids,
            "timers": self.timer_ids,
            "invoices": self.invoice_ids or (),
            "payments": self.payment_ids,
        }.get(table, self.ticket_ids)

    def without(self, ours: Mapping[str, frozenset[int]]) -> Basis:
        """The same without those records, by table."""
        none: frozenset[int] = frozenset()

        def left(table: str) -> tuple[int, ...]:
            return tuple(one for one in self.known(table) if one not in ours.get(table, none))

        lines = zip(self.lines, self.line_ids, strict=True)
        timers = zip(self.timers, self.timer_ids, strict=True)
        return replace(
            self,
            comment_ids=left("comments"),
            lines=tuple(text for text, number in lines if number in left("lines")),
            line_ids=left("lines"),
            timers=tuple(text for text, number in timers if number in left("timers")),
            invoice_ids=None if self.invoice_ids is None else left("invoices"),
            payment_ids=left("payments"),
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
            ("invoice", self.invoice_ids or (), now.invoice_ids or ()),
            ("record", self.ticket_ids, now.ticket_ids),
            ("payment", self.payment_ids, now.payment_ids),
        ):
            new = [str(one) for one in present if one not in then]
            gone = [str(one) for one in then if one not in present]
            said += [f"{name} {' and '.join(new)} is new"] if new else []
            said += [f"{name} {' and '.join(gone)} is no longer there"] if gone else []
        return said


@dataclass(frozen=True, repr=False)
class Plan:
    """Everything that will be written to one ticket, in order.

    `blockers` forbid it; `warnings` may cost money or a customer's trust; `notes` are for information. A plan that makes a
    ticket, customer or contact has the ticket number 0 and a negative `ticket_id`, which stands for what it is made for.
    `signed`: our texts carry the reference. `author_id` and `author_names` are the key's owner, where that was asked;
    `looked_since` is how far back the customer's tickets were looked at. `done` is what can be said once it is.
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
    signed: bool = True
    author_id: int | None = None
    author_names: tuple[str, ...] = ()
    looked_since: datetime | None = None
    done: str = ""
    confirm_word: str = ""

    @property
    def confirmation(self) -> str:
        """What a person types to confirm the plan: its own word (an invoice's number, say), else the ticket's number, else
        the customer's id."""
        return self.confirm_word or str(self.number)

    @property
    def confirmation_name(self) -> str:
        """What that is, in words."""
        if self.confirm_word:
            return "what it is called" if not self.customer_id else "the number of the invoice"
        return "the number of the ticket" if self.ticket_number else "the id of the customer"

    @property
    def number(self) -> int:
        """What a person types to decide on a stopped run: the ticket's number, or, without a ticket, the customer's id."""
        return self.ticket_number or self.customer_id

    @property
    def where(self) -> str:
        """What it is about, in a few words."""
        if self.ticket_number:
            return f"ticket {self.ticket_number}"
        return f"customer {line(self.customer_name)}" if self.customer_id else "a new customer"

    @property
    def is_bill(self) -> bool:
        """Whether money is charged or invoiced."""
        return any(step.name in ("line_item", "charge", "invoice") for step in self.steps)

    def charged(self, step: Step) -> ExpectedLine:
        """What the line of a charge step must be in the end."""
        charges = [one for one in self.steps if one.name == "charge"]
        ours = [line for line in self.expected.lines if line.ours]
        return ours[charges.index(step)]

    def is_amended(self, step: Step) -> bool:
        """Whether the line of a charge step is given another price or tax afterwards."""
        return any(one.is_amendment and one.timer_id == step.timer_id for one in self.steps)

    @property
    def claims(self) -> frozenset[int]:
        """The timers that no other run may touch meanwhile."""
        charged = {step.timer_id for step in self.steps if step.timer_id is not None}
        return frozenset(charged.union(*(step.claims for step in self.steps)))

    @property
    def requests(self) -> list[Request]:
        """The writes, in order."""
        return [step.request for step in self.steps if step.request]

    def as_json(self) -> dict[str, Any]:
        """As `--dry-run --json` prints it."""
        return {
            "ticket": self.ticket_number or None,
            "requests": [request.as_json() for request in self.requests],
            "expected": self.expected.as_json(),
            "blockers": list(self.blockers),
        }

    def text(self) -> list[str]:
        """The whole preview as lines: every request in order, the amounts, what to know, what stands against it."""
        title = f"Ticket #{self.ticket_number}" if self.ticket_number else "New"
        said = [f"{title}  {line(self.customer_name)}  {clip(self.subject, 60)}", ""]
        said.append("Requests, in this order")
        for number, request in enumerate(self.requests, 1):
            said.append(f"  {number}. {request.method} {request.path}")
            said += [f"       {name}: {show(value)}" for name, value in request.body.items()]
        said += self._amounts() if self.is_bill else []
        for word, lines in (("Note", self.notes), ("Warning", self.warnings), ("Blocked", self.blockers)):
            said += ["", *(f"{word}: {line(one)}" for one in lines)] if lines else []
        return said

    def _amounts(self) -> list[str]:
        expected, invoiced = self.expected, any(step.name == "invoice" for step in self.steps)
        title = (
            "Expected on the invoice, which is read back and compared" if invoiced else "Expected (no invoice is made)"
        )
        said = ["", title]
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
        return said

    def __repr__(self) -> str:
        return "\n".join(self.text())


def show(value: object) -> str:
    """A value of a request's body as people read it, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {show(inner)}" for name, inner in value.items())
    return "; ".join(map(show, value)) if isinstance(value, list | tuple) else line(value)


def known(amount_cents: int | None) -> str:
    """An amount, or that it is not known yet."""
    return "not known yet" if amount_cents is None else format_cents(amount_cents)
