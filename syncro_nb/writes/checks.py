"""What came back held against what was approved: field by field, no tolerance. Pure; each function lists differences.

Syncro drops fields that it does not know without a word, and invents $0.00 for a price under a wrong name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..money import dollars, format_cents, line_cents, round_half_up
from ..service.records import (
    Comment,
    Contact,
    Customer,
    Invoice,
    InvoiceLine,
    Payment,
    Ticket,
    TicketLine,
    Timer,
)
from ..service.requests import Request
from ..service.wire import number
from . import reference
from .plan import Expected, ExpectedLine


def comment(sent: Request, got: Comment, ticket_id: int) -> list[str]:
    """A comment as sent: subject, text, hidden, ticket."""
    said = _text("subject", str(sent.body["subject"]), got.subject)
    said += _text("text", str(sent.body["body"]), got.body)
    if got.hidden != sent.body["hidden"]:
        said.append(f"hidden is {_yes(got.hidden)}, not {_yes(bool(sent.body['hidden']))}")
    return said + _ticket(got.ticket_id, ticket_id)


def line_item(sent: Request, got: TicketLine, ticket_id: int) -> list[str]:
    """A ticket line as sent: product, name, text, quantity, price, taxable, ticket."""
    body = sent.body
    said = _text("name", str(body["name"]), got.name) + _text("text", str(body["description"]), got.description)
    if number(got.quantity) != body["quantity"]:
        said.append(f"quantity is {got.quantity}, not {body['quantity']}")
    want_cents = int(round_half_up(Decimal(str(body["price_retail"])) * 100))
    if got.price_cents != want_cents:
        said.append(f"price is {format_cents(got.price_cents)}, not {format_cents(want_cents)}")
    if got.product_id != body["product_id"]:
        said.append(f"product is {got.product_id}, not {body['product_id']}")
    if got.taxable != body["taxable"]:
        said.append(f"taxable is {_yes(got.taxable)}, not {_yes(bool(body['taxable']))}")
    return said + _ticket(got.ticket_id, ticket_id)


def charge(want: ExpectedLine, timer: Timer | None, line: TicketLine, *, amended: bool = False) -> list[str]:
    """A charged timer: marked as recorded, and its line has the planned hours, price and product."""
    said = [] if timer is not None and timer.recorded else ["the timer is not marked as charged"]
    return said + charged_line(want, line, amended=amended)


def charged_line(want: ExpectedLine, line: TicketLine, *, amended: bool = False) -> list[str]:
    """The line that charging a timer made: on the ticket at its price; only the invoice draws prepaid hours.

    `amended`: a step of its own sets the price, and looks at it.
    """
    want = replace(want, price_cents=line.price_cents) if amended else want
    said = []
    planned_cents = line_cents(want.quantity, want.price_cents)
    same = _same_hours(want.quantity, line.quantity) and line_cents(line.quantity, line.price_cents) == planned_cents
    if not same or line.price_cents != want.price_cents:
        planned = f"{want.quantity.normalize():f} h × {format_cents(want.price_cents)}"
        said.append(f"the line is {line.quantity.normalize():f} h × {format_cents(line.price_cents)}, not {planned}")
    if line.product_id is not None and line.product_id != want.product_id:
        said.append(f"product is {line.product_id}, not {want.product_id}")
    return said


def new_invoice(got: Invoice, ticket_id: int, customer_id: int) -> list[str]:
    """The answer to an invoice's creation names the ticket and the customer."""
    said = [] if got.ticket_id == ticket_id else [f"the invoice names ticket id {got.ticket_id}, not {ticket_id}"]
    if got.customer_id not in (None, customer_id):
        said.append(f"the invoice is customer {got.customer_id}'s, not {customer_id}'s")
    return said


def invoice(want: Expected, got: Invoice, ticket_id: int, customer_id: int) -> list[str]:
    """The invoice read back: the planned lines and no others, subtotal, tax and total to the cent."""
    holder = got.customer_id or (got.customer.id if got.customer else customer_id)
    said = new_invoice(replace(got, customer_id=holder), ticket_id, customer_id)
    missing, extra = _unmatched(want.lines, got.lines or ())
    said += [f"a line is missing: {_line(one)}" for one in missing]
    said += [f"a line was not planned: {_line(one)}" for one in extra]
    amounts = [("subtotal", want.subtotal_cents, got.subtotal_cents)]
    if want.tax_cents is not None and want.total_cents is not None:
        amounts += [("tax", want.tax_cents, got.tax_cents), ("total", want.total_cents, got.total_cents)]
    for name, planned_cents, present_cents in amounts:
        if planned_cents != present_cents:
            said.append(f"{name} is {format_cents(present_cents)}, not {format_cents(planned_cents)}")
    if got.subtotal_cents + got.tax_cents != got.total_cents:
        said.append(f"subtotal and tax do not make the total of {format_cents(got.total_cents)}")
    return said


def lacks_ours(want: Expected, got: Invoice) -> bool:
    """Whether a line of this plan's own is missing from the invoice."""
    missing, _ = _unmatched([line for line in want.lines if line.ours], got.lines or ())
    return bool(missing)


def is_paid(got: Invoice) -> bool:
    """Whether any money has come in for an invoice. A total of nothing counts as unpaid, whatever its flag says."""
    payments = [row for row in got.payments or () if row.success]
    part = got.balance_due_cents is not None and got.balance_due_cents < got.total_cents
    return bool(payments) or part or (got.is_paid and got.total_cents != 0)


# ---------------------------------------------------------------- fields of a ticket, timers, and what stands alone

_FIELDS = (
    "subject",
    "status",
    "priority",
    "problem_type",
    "due_date",
    "start_at",
    "end_at",
    "user_id",
    "contact_id",
    "customer_reply",
    "tag_list",
)


def field_values(ticket: Ticket) -> dict[str, Any]:
    """A ticket's fields by the names, and in the form, of a request. The detail has the contact, not its id."""
    return {
        "subject": ticket.subject,
        "status": ticket.status,
        "priority": ticket.priority,
        "problem_type": ticket.problem_type,
        "due_date": ticket.due_on.isoformat() if ticket.due_on else None,
        "start_at": _sent_instant(ticket.start_at),
        "end_at": _sent_instant(ticket.end_at),
        "user_id": ticket.user_id
        if ticket.user_id is not None
        else (ticket.technician.id if ticket.technician else None),
        "contact_id": ticket.contact.id if ticket.contact else ticket.contact_id,
        "customer_reply": ticket.customer_reply,
        "tag_list": list(ticket.tags),
    }


def _sent_instant(moment: datetime | None) -> str | None:
    """An instant as a request has it, whatever zone the answer was printed in."""
    return moment.astimezone(UTC).isoformat() if moment else None


def fields(sent: Request, got: Ticket) -> list[str]:
    """A ticket's fields as sent; those that were not sent are nobody's business."""
    present, said = field_values(got), []
    for name in _FIELDS:
        if name in sent.body and not _same_value(sent.body[name], present[name]):
            said.append(f"{title(name)} is {word(present[name])}, not {word(sent.body[name])}")
    return said


def _same_value(want: Any, got: Any) -> bool:
    return want.strip() == (got or "").strip() if isinstance(want, str) else want == got


def title(name: str) -> str:
    """A field's name as people read it."""
    known = {"user_id": "technician", "start_at": "begin", "end_at": "end"}
    return known.get(name, name.removesuffix("_id").replace("_", " "))


def word(value: object) -> str:
    """A field's value as people read it."""
    return "empty" if value in (None, "", []) else repr(value)


def opening(sent: Request, got: Ticket) -> list[str]:
    """A new ticket's opening comment as sent."""
    comments, said = got.comments or (), []
    for one in sent.body.get("comments_attributes") or ():
        match = next((row for row in comments if not _text("text", str(one["body"]), row.body)), None)
        if match is None:
            said.append(
                "the opening comment is not there" if not comments else "the opening comment's text was changed"
            )
        elif match.hidden != one["hidden"]:
            said.append(f"the opening comment's hidden is {_yes(match.hidden)}, not {_yes(bool(one['hidden']))}")
    return said


def customer(got: Ticket, customer_id: int) -> list[str]:
    """It is this customer's."""
    holder = got.customer_id or (got.customer.id if got.customer else None)
    return [] if holder in (None, customer_id) else [f"it is customer {holder}'s, not {customer_id}'s"]


def same_ticket(got: int | None, want: int) -> list[str]:
    """It is this ticket."""
    return _ticket(got, want)


def timer(sent: Request, got: Timer, ticket_id: int) -> list[str]:
    """A timer entry as sent: begin, end, labour product, notes, ticket."""
    body, said = sent.body, []
    for name, present in (("start_at", got.started_at), ("end_at", got.ended_at)):
        want = datetime.fromisoformat(str(body[name])) if body.get(name) else None
        shown = name.removesuffix("_at")
        if want is None and name == "end_at" and present is not None:
            said.append("it does not run")
        elif want is not None and (present is None or abs((present - want).total_seconds()) >= 1):
            said.append(f"{shown} is {present and present.isoformat()}, not {want.isoformat()}")
    if "product_id" in body and got.product_id != body["product_id"]:
        said.append(f"labour product is {got.product_id}, not {body['product_id']}")
    if body.get("user_id") is not None and got.user_id != body["user_id"]:
        said.append(f"technician is {got.user_id}, not {body['user_id']}")
    if "notes" in body:
        said += _text("notes", str(body["notes"]), got.notes)
    return said + _ticket(got.ticket_id, ticket_id)


def timer_setting(sent: Request, got: Timer) -> list[str]:
    """A timer's settings as sent: billable seconds set by a person, labour product, notes."""
    body, said = sent.body, []
    pairs = (
        ("billable_override", "billable seconds", got.override_seconds),
        ("product_id", "labour product", got.product_id),
    )
    for name, title, present in pairs:
        if name in body and present != body[name]:
            said.append(f"{title} is {word(present)}, not {word(body[name])}")
    if "billable" in body and got.billable != body["billable"]:
        said.append(f"billable is {_yes(got.billable)}, not {_yes(bool(body['billable']))}")
    return said + (_text("notes", str(body["notes"]), got.notes) if "notes" in body else [])


def line_values(got: TicketLine) -> dict[str, Any]:
    """A ticket line by the names, and in the form, of a request."""
    return {
        "quantity": number(got.quantity),
        "price_retail": number(dollars(got.price_cents)),
        "name": got.name,
        "description": got.description,
        "taxable": got.taxable,
    }


def repriced(sent: Request, got: TicketLine) -> list[str]:
    """A changed line: the fields that were sent."""
    body, present, said = sent.body, line_values(got), []
    for name in ("quantity", "price_retail", "taxable"):
        if name in body and present[name] != body[name]:
            said.append(f"{name.replace('_retail', '')} is {word(present[name])}, not {word(body[name])}")
    for name in ("name", "description"):
        said += _text(name, str(body[name]), str(present[name])) if name in body else []
    return said


def payment(sent: Request, got: Payment, *, listed: bool = False) -> list[str]:
    """A payment as sent: amount, invoice, method, reference. `listed`: a row inside an invoice, which may lack the method."""
    body, said = sent.body, []
    if got.amount_cents != body["amount_cents"]:
        said.append(f"the amount is {format_cents(got.amount_cents)}, not {format_cents(int(body['amount_cents']))}")
    if body["invoice_id"] not in got.invoice_ids:
        where = f"invoice id {got.invoice_ids[0]}" if got.invoice_ids else "no invoice"
        said.append(f"it is applied to {where}, not to {body['invoice_id']}")
    if (got.method or not listed) and got.method.casefold() != str(body["payment_method"]).casefold():
        said.append(f"the method is {got.method!r}, not {body['payment_method']!r}")
    if body.get("ref_num") and got.reference != body["ref_num"]:
        said.append(f"the reference is {got.reference!r}, not {body['ref_num']!r}")
    return said if got.success else [*said, "it did not go through"]


def new_customer(sent: Request, got: Customer) -> list[str]:
    """A customer as sent: names and mail address."""
    present = {
        "business_name": got.business_name,
        "firstname": got.firstname,
        "lastname": got.lastname,
        "email": got.email,
    }
    return _same_texts(sent, present)


def new_contact(sent: Request, got: Contact) -> list[str]:
    """A contact as sent: customer, name and mail address."""
    said = _same_texts(sent, {"name": got.name, "email": got.email})
    return said if got.customer_id in (None, sent.body["customer_id"]) else [*said, "it is another customer's"]


def _same_texts(sent: Request, present: Mapping[str, str]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} is {word(got)}, not {word(sent.body[name])}"
        for name, got in present.items()
        if name in sent.body and str(sent.body[name]).strip().casefold() != got.strip().casefold()
    ]


def _unmatched(
    planned: Sequence[ExpectedLine], present: Sequence[InvoiceLine]
) -> tuple[list[ExpectedLine], list[InvoiceLine]]:
    """The planned lines that are not there, and those there that were not planned. The ones with a known text first."""
    left, missing = list(present), []
    for want in sorted(planned, key=lambda line: line.description is None):
        match = next((line for line in left if _same_line(want, line)), None)
        if match is None:
            missing.append(want)
        else:
            left.remove(match)
    return missing, left


def _same_line(want: ExpectedLine, got: InvoiceLine) -> bool:
    """Syncro calls a ticket line's name `item` on the invoice, and its description `name`; wire.py has undone that."""
    if want.invoice_price_cents != got.price_cents or not _same_hours(want.quantity, got.quantity):
        return False
    if got.product_id is not None and want.product_id is not None and got.product_id != want.product_id:
        return False
    if got.taxable is not None and got.taxable != want.taxable and not want.prepaid:
        return False
    if want.description is None:  # a charged timer: Syncro words the line itself
        return True
    same_name = want.name.strip() == got.name.strip()
    return same_name and reference.strip(want.description) == reference.strip(got.description)


def _line(line: ExpectedLine | InvoiceLine) -> str:
    price = line.invoice_price_cents if isinstance(line, ExpectedLine) else line.price_cents
    return f"{line.name}, {line.quantity.normalize():f} × {format_cents(price)}"


def _same_hours(planned: Decimal, present: Decimal) -> bool:
    """Equal at the number of decimals that Syncro keeps, two at least and six at most."""
    exponent = present.normalize().as_tuple().exponent
    places = min(6, max(2, -exponent if isinstance(exponent, int) else 2))
    return round_half_up(planned, places) == round_half_up(present, places)


def _text(name: str, sent: str, got: str) -> list[str]:
    same = reference.strip(sent) == reference.strip(got) and reference.last_reference(sent) == reference.last_reference(
        got
    )
    return [] if same else [f"the {name} was changed"]


def _ticket(got: int | None, want: int) -> list[str]:
    return [] if got in (None, want) else [f"it is on ticket id {got}, not {want}"]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
