"""A write as the form shows it: what it is about beside it, the plan before it is confirmed, the receipt afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from ..config import House
from ..escape import clip, line, paragraph
from ..money import cents, format_cents, round_half_up
from ..service.records import Customer, Invoice, Ticket
from ..ticketview import TicketView
from ..writes import reference
from ..writes.plan import STEP_TITLES, ExpectedLine, Plan, Step, known, show
from ..writes.receipt import Receipt
from . import markup

SHOWN_COMMENTS = 3
SHOWN_TICKETS = 6
NAMES = {  # the fields of every request (service/requests.py), as people call them
    "subject": "Subject",
    "body": "Text",
    "hidden": "Hidden",
    "do_not_email": "Mailed to the customer",
    "product_id": "Product",
    "name": "Name",
    "description": "Text",
    "quantity": "Quantity",
    "price_retail": "Price",
    "price_cost": "Cost",
    "taxable": "Taxable",
    "timer_entry_id": "Timer",
    "ticket_line_item_id": "Line",
    "category": "Category",
    "status": "Status",
    "problem_type": "Problem type",
    "priority": "Priority",
    "due_date": "Due",
    "user_id": "Technician",
    "contact_id": "Contact",
    "customer_reply": "Customer has replied",
    "tag_list": "Tags",
    "comments_attributes": "Opening comment",
    "start_at": "Begin",
    "end_at": "End",
    "duration_minutes": "Minutes",
    "notes": "Notes",
    "billable_override": "Billable seconds",
    "billable": "Billable",
    "ticket_id": "Ticket id",
    "customer_id": "Customer id",
    "invoice_id": "Invoice id",
    "amount_cents": "Amount",
    "payment_method": "Method",
    "ref_num": "Reference",
    "business_name": "Business",
    "firstname": "First name",
    "lastname": "Last name",
    "email": "Mail address",
    "phone": "Telephone",
    "tax_rate_id": "Tax rate id",
    "item": "Name",
    "price": "Price",
    "cost": "Cost",
    "note": "Note",
    "po_number": "Purchase order",
    "number": "Number",
    "date": "Dated",
}
_SAID_BELOW = ("ticket_id", "customer_id", "invoice_id")
_MONEY = ("price_retail", "price_cost", "price", "cost")


@dataclass(frozen=True)
class Terms:
    """What the account calls things: labour by product id, people by the field that names them, and its time zone."""

    house: House
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    zone: tzinfo | None = None


def ticket_panel(view: TicketView, warnings: Sequence[str] = ()) -> str:
    """The ticket's header, its billing in words, what to know before anything is done to it, and its last comments."""
    ticket = view.ticket
    pairs = [
        ("Status", ticket.status),
        ("Priority", ticket.priority or "none"),
        ("Customer", ticket.customer_name),
        ("Contact", ticket.contact_label or view.row.contact_name or "none"),
        ("Technician", ticket.technician_label or view.row.technician_label or "nobody"),
        ("Due", ticket.due_on or "none"),
        *([("Scheduled", view.scheduled(ticket.start_at.tzinfo))] if ticket.start_at else []),
        ("Billing", view.billing),
    ]
    parts = [markup.heading(f"#{ticket.number}  {line(ticket.subject)}"), markup.facts(pairs)]
    parts += [markup.text(f"Warning: {one}", "warn", bold=True) for one in warnings]
    parts += [markup.link("Open in Syncro", view.link)] if view.link else []
    for comment in view.last_comments[:SHOWN_COMMENTS]:
        when = f"{comment.created_at:%b %d, %H:%M}" if comment.created_at else ""
        mark = " · hidden" if comment.hidden else ""
        parts.append(markup.text(f"{when} · {line(comment.author) or 'unknown'}{mark}", "quiet"))
        parts.append(markup.text(clip(reference.strip(comment.body), 220)))
    return "".join(parts)


def customer_panel(customer: Customer, contacts: Sequence[str], open_tickets: Sequence[Ticket]) -> str:
    """A customer: how to reach it, its prepaid hours, its people and its open tickets."""
    hours = "none" if customer.prepaid_hours is None else f"{customer.prepaid_hours.normalize():f} left"
    pairs = [
        ("Mail address", customer.email or "none"),
        ("Telephone", customer.phone or "none"),
        ("Prepaid hours", hours),
        ("Contacts", ", ".join(map(line, contacts)) or "none"),
    ]
    pairs += [("Mail", "switched off for this customer")] if customer.no_email else []
    pairs += [("Disabled", "yes")] if customer.disabled else []
    parts = [markup.heading(line(customer.name)), markup.facts(pairs)]
    parts.append(markup.text(f"{len(open_tickets)} open ticket(s)", "quiet"))
    rows = [f"#{one.number}  {clip(one.subject, 60)} ({line(one.status)})" for one in open_tickets[:SHOWN_TICKETS]]
    rows += [f"and {len(open_tickets) - SHOWN_TICKETS} more"] if len(open_tickets) > SHOWN_TICKETS else []
    return "".join(parts) + markup.items(rows)


def invoice_panel(invoice: Invoice) -> str:
    """An invoice: whose, how much, what has come in and what is due."""
    payments = [one for one in invoice.payments or () if one.success]
    paid = sum(one.amount_cents for one in payments)
    due = invoice.balance_due_cents if invoice.balance_due_cents is not None else invoice.total_cents - paid
    name = invoice.customer_name or (invoice.customer.name if invoice.customer else "")
    pairs = [
        ("Customer", line(name)),
        ("Dated", invoice.dated_on or "not known"),
        ("Total", format_cents(invoice.total_cents)),
        ("Paid", format_cents(paid)),
        ("Due", format_cents(due)),
    ]
    rows = [f"{line(one.method) or 'payment'}, {format_cents(one.amount_cents)}" for one in payments]
    return markup.heading(f"Invoice {line(invoice.number)}") + markup.facts(pairs) + markup.items(rows)


def plan_preview(plan: Plan, terms: Terms) -> str:
    """What it comes to, what to know before, and every request. What stands against it is the status line's."""
    warnings = [markup.text(f"Warning: {one}", "warn", bold=True) for one in plan.warnings]
    notes = [markup.text(f"Note: {one}") for one in plan.notes]
    if plan.is_bill:
        said = _amounts(plan, terms.house, warnings)
    else:
        # What can be confirmed has its warnings right above the confirmation.
        said = [markup.heading(_title_of(plan)), *(warnings if plan.blockers else [])]
    if plan.blockers:
        return "".join(said)
    said += notes
    said.append(markup.heading("What will be sent, in this order"))
    said += [_step(number, step, terms, plan.is_bill) for number, step in enumerate(plan.steps, 1)]
    return "".join(said)


def _title_of(plan: Plan) -> str:
    name = line(plan.customer_name)
    if plan.ticket_number:
        return f"#{plan.ticket_number}  {clip(plan.subject, 60)} ({name})"
    return f"{clip(plan.subject, 60)} ({name})" if plan.subject else name


def _amounts(plan: Plan, house: House, warnings: Sequence[str]) -> list[str]:
    expected, invoiced = plan.expected, any(step.name == "invoice" for step in plan.steps)
    rows: list[tuple[object, ...]] = [
        (
            (_title(item), paragraph(reference.strip(item.text)) or "(no text)"),
            _quantity(item, house),
            format_cents(item.invoice_price_cents),
            format_cents(item.amount_cents),
        )
        for item in expected.lines
    ]
    rows += [("Subtotal", "", "", format_cents(expected.subtotal_cents))]
    if invoiced or expected.tax_cents is not None:
        rows += [
            (f"Tax ({expected.tax_note})", "", "", known(expected.tax_cents)),
            ("Total", "", "", known(expected.total_cents)),
        ]
    would = "would" if plan.blockers else "will"
    title = f"What the invoice {would} say" if invoiced else f"What {would} be charged; no invoice is made"
    return [
        markup.heading(title),
        *warnings,
        markup.table(("Line", "Hours", "Price", "Amount"), rows, numbers=frozenset({1, 2, 3})),
    ]


def receipt_result(receipt: Receipt) -> str:
    """The invoice as Syncro holds it, and the record of each step."""
    rows = [(STEP_TITLES[one.step.name], one.state, one.record_id or "") for one in receipt.run.steps]
    invoice, said = receipt.invoice, []
    if invoice:
        names = {"Subtotal": "subtotal_cents", "Tax": "tax_cents", "Total": "total_cents"}
        amounts = [(name, format_cents(invoice[key])) for name, key in names.items()]
        said.append(markup.table((f"Invoice {invoice['number']}, as read back", ""), amounts, numbers=frozenset({1})))
    said.append(markup.table(("Step", "State", "Record id"), rows, numbers=frozenset({2})))
    said.append(markup.text(f"Run {receipt.run.id} in the journal", "quiet"))
    return "".join(said)


def hours_text(hours: Decimal) -> str:
    """Hours with the minutes that they are: 0.5 (30 min)."""
    minutes = round_half_up(hours * 60, 2).normalize()
    return f"{hours.normalize():f} ({minutes:f} min)"


def _title(item: ExpectedLine) -> str:
    return (
        line(item.name)
        + ("" if item.ours else " (already on the ticket)")
        + (" (from prepaid hours)" if item.prepaid else "")
    )


def _quantity(item: ExpectedLine, house: House) -> str:
    is_labour = item.ours or item.prepaid or house.kind_of(item.product_id) is not None
    return hours_text(item.quantity) if is_labour else f"{item.quantity.normalize():f}"


def _step(number: int, step: Step, terms: Terms, is_bill: bool) -> str:
    title = markup.text(f"{number}. {STEP_TITLES[step.name]}", bold=True)
    if step.request is None:
        compared = (
            "it is compared with the above, to the cent" if is_bill else "what is stored is read back and compared"
        )
        return title + markup.part(markup.text(f"Nothing is sent: {compared}.", "quiet"))
    body = step.request.body
    ids = [f"{name} {show(value)}" for name, value in body.items() if name in _SAID_BELOW]
    request = ", ".join([f"{step.request.method} {step.request.path}", *ids])
    return title + markup.part(_fields(body, terms) + markup.text(request, "quiet", small=True))


def _fields(body: Mapping[str, Any], terms: Terms) -> str:
    """The fields of a request; what lies inside one of them (an opening comment) stands below, set in."""
    flat, nested = [], []
    for name, value in body.items():
        inner = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
        title = NAMES.get(name, name.replace("_", " ").capitalize())
        if inner:
            nested += [markup.text(title, "quiet") + markup.part(_fields(one, terms)) for one in inner]
        elif name not in _SAID_BELOW:
            is_hours = name == "quantity" and "product_id" in body
            flat.append(("Hours" if is_hours else title, _shown(name, value, body, terms)))
    return (markup.facts(flat) if flat else "") + "".join(nested)


def _shown(name: str, value: Any, body: Mapping[str, Any], terms: Terms) -> str:
    """A value of a request as people say it; texts keep their line breaks."""
    if name == "do_not_email":
        return show(not value)
    if name == "product_id":
        kind = terms.house.kind_of(value)
        return f"{kind} ({value})" if kind else str(value)
    if name in terms.names:
        called = terms.names[name].get(value)
        return f"{line(called)} ({value})" if called else str(value)
    if name == "quantity":
        hours = Decimal(str(value))
        return hours_text(hours) if "product_id" in body else f"{hours.normalize():f}"
    if name in _MONEY:
        return format_cents(cents(str(value)))
    if name == "amount_cents":
        return format_cents(int(value))
    if name in ("start_at", "end_at"):
        return _when(datetime.fromisoformat(str(value)), terms.zone)
    return paragraph(value) if isinstance(value, str) else show(value)


def _when(moment: datetime, zone: tzinfo | None) -> str:
    local = moment.astimezone(zone) if zone else moment
    return f"{local:%Y-%m-%d %H:%M} {line(local.tzname() or 'UTC')}"
