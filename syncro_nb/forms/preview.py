"""A bill as the form shows it: the ticket beside it, the plan before it is confirmed, the receipt afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..config import House
from ..escape import clip, line, paragraph
from ..money import cents, format_cents, round_half_up
from ..ticketview import TicketView
from ..writes import reference
from ..writes.plan import STEP_TITLES, ExpectedLine, Plan, Step, known, show
from ..writes.receipt import Receipt
from . import markup

SHOWN_COMMENTS = 3
_NAMES = {
    "subject": "Subject",
    "body": "Text",
    "hidden": "Hidden",
    "do_not_email": "Mailed to the customer",
    "product_id": "Product",
    "name": "Name",
    "description": "Text",
    "quantity": "Hours",
    "price_retail": "Price",
    "price_cost": "Cost",
    "taxable": "Taxable",
    "timer_entry_id": "Timer",
    "category": "Category",
    "status": "Status",
}
_SAID_ABOVE = ("ticket_id", "customer_id")


def ticket_panel(view: TicketView) -> str:
    """The ticket's header, its billing in words, and its last comments."""
    ticket = view.ticket
    pairs = [
        ("Status", ticket.status),
        ("Priority", ticket.priority or "none"),
        ("Customer", ticket.customer_name),
        ("Contact", ticket.contact_label or view.row.contact_name or "none"),
        ("Technician", ticket.technician_label or view.row.technician_label or "nobody"),
        ("Due", ticket.due_on or "none"),
        ("Billing", view.billing),
    ]
    parts = [markup.heading(f"#{ticket.number}  {line(ticket.subject)}"), markup.facts(pairs)]
    parts += [markup.link("Open in Syncro", view.link)] if view.link else []
    for comment in view.last_comments[:SHOWN_COMMENTS]:
        when = f"{comment.created_at:%b %d, %H:%M}" if comment.created_at else ""
        mark = " · hidden" if comment.hidden else ""
        parts.append(markup.text(f"{when} · {line(comment.author) or 'unknown'}{mark}", "quiet"))
        parts.append(markup.text(clip(reference.strip(comment.body), 220)))
    return "".join(parts)


def plan_preview(plan: Plan, house: House) -> str:
    """What the invoice will say, what to know before, and every request. What stands against it is the status line's."""
    expected, blocked = plan.expected, bool(plan.blockers)
    rows: list[tuple[object, ...]] = [
        (
            (_title(item), paragraph(reference.strip(item.text)) or "(no text)"),
            _quantity(item, house),
            format_cents(item.invoice_price_cents),
            format_cents(item.amount_cents),
        )
        for item in expected.lines
    ]
    rows += [
        ("Subtotal", "", "", format_cents(expected.subtotal_cents)),
        (f"Tax ({expected.tax_note})", "", "", known(expected.tax_cents)),
        ("Total", "", "", known(expected.total_cents)),
    ]
    said = [
        markup.heading("What the invoice would say" if blocked else "What the invoice will say"),
        *(markup.text(f"Warning: {one}", "warn", bold=True) for one in plan.warnings),
        markup.table(("Line", "Hours", "Price", "Amount"), rows, numbers=frozenset({1, 2, 3})),
    ]
    if blocked:
        return "".join(said)
    said += [markup.text(f"Note: {note}") for note in plan.notes]
    said.append(markup.heading("What will be sent, in this order"))
    said += [_step(number, step, house) for number, step in enumerate(plan.steps, 1)]
    return "".join(said)


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


def _step(number: int, step: Step, house: House) -> str:
    title = markup.text(f"{number}. {STEP_TITLES[step.name]}", bold=True)
    if step.request is None:
        return title + markup.part(markup.text("Nothing is sent: it is compared with the above, to the cent.", "quiet"))
    pairs = [
        (_NAMES.get(name, name), _shown(name, value, step.request.body, house))
        for name, value in step.request.body.items()
        if name not in _SAID_ABOVE
    ]
    ids = [f"{name} {show(value)}" for name, value in step.request.body.items() if name in _SAID_ABOVE]
    request = ", ".join([f"{step.request.method} {step.request.path}", *ids])
    return title + markup.part(markup.facts(pairs) + markup.text(request, "quiet", small=True))


def _shown(name: str, value: Any, body: Mapping[str, Any], house: House) -> str:
    """A value of a request as people say it; texts keep their line breaks."""
    if name == "do_not_email":
        return show(not value)
    if name == "product_id":
        kind = house.kind_of(value)
        return f"{kind} ({value})" if kind else str(value)
    if name == "quantity":
        return hours_text(Decimal(str(value)))
    if name in ("price_retail", "price_cost"):
        return format_cents(cents(str(value)))
    return paragraph(value) if isinstance(value, str) else show(value)
