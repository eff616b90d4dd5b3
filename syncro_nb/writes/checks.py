"""What came back held against what was approved: field by field, no tolerance. Pure; each function lists differences.

Syncro drops fields that it does not know without a word, and invents $0.00 for a price under a wrong name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ..money import format_cents, line_cents, round_half_up
from ..service.records import Comment, Invoice, InvoiceLine, Ticket, TicketLine, Timer
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


def charge(want: ExpectedLine, timer: Timer | None, line: TicketLine) -> list[str]:
    """A charged timer: marked as recorded, and its line has the planned hours, price and product."""
    said = [] if timer is not None and timer.recorded else ["the timer is not marked as charged"]
    planned_cents = line_cents(
        want.quantity, want.price_cents
    )  # on the ticket at its price; the invoice draws prepaid hours
    if not _same_hours(want.quantity, line.quantity) or line_cents(line.quantity, line.price_cents) != planned_cents:
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


def status(sent: Request, got: Ticket, ticket_id: int) -> list[str]:
    """It is this ticket, and it has the status that was sent."""
    want = str(sent.body["status"])
    said = [] if got.status == want else [f"the status is {got.status!r}, not {want!r}"]
    return said + _ticket(got.id, ticket_id)


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
