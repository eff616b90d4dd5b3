"""The screen for billing work on a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..escape import clip, line
from ..money import format_cents
from ..service.records import Timer
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes import reference
from ..writes.bill import BillDraft
from ..writes.plan import STEP_TITLES, Plan, known, show
from ..writes.receipt import Receipt
from ..writes.run import Progress
from . import markup
from .form import Field, Form


def bill_form(workspace: Workspace, ticket: int | None = None) -> Form:
    """The form, on the open tickets of this account; `ticket` fills in the number. Reads, never writes by itself."""
    return Form(BillScreen(workspace), {"ticket_number": str(ticket)} if ticket else None)


class BillScreen:
    """Fields, draft, plan and panels of billing one ticket."""

    title = "Bill a ticket"
    looks_up = "ticket_number"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        tickets = [
            (f"{row.number} · {clip(row.customer_name, 26)} · {clip(row.subject, 44)}", row.number)
            for row in workspace.open_ticket_records()
        ]
        kinds = [(kind.capitalize(), kind) for kind in workspace.house.labour]
        self.fields: Sequence[Field] = (
            Field("ticket_number", "Ticket", "pick", hint="number, or type to search the open ones", choices=tickets),
            Field("timer_ids", "Timers", "several"),
            Field("minutes", "Minutes", "whole", hint="1 to 1440; empty if timers are chosen"),
            Field("labour", "Labour", "choice", choices=kinds),
            Field("text", "Work done", "long", hint="what was done; the customer reads it on the invoice"),
            Field("subject", "Subject", default="Work done"),
            Field("email", "Mail the comment to the customer", "flag", default=True),
            Field("hidden", "Hidden comment, for technicians only", "flag", default=False),
        )

    def draft(self, values: Mapping[str, Any]) -> BillDraft:
        """Inputs as a draft; what is no number stays empty, and is asked for."""
        return BillDraft(
            ticket_number=_leading_number(values["ticket_number"]),
            minutes=_whole(values["minutes"]),
            labour=values["labour"],
            text=values["text"],
            subject=values["subject"],
            hidden=values["hidden"],
            email=values["email"],
            timer_ids=tuple(values["timer_ids"]),
        )

    def problems(self, draft: BillDraft) -> Mapping[str, str]:
        """The draft's own problems."""
        return draft.problems(self._workspace.house)

    def look_up(self, draft: BillDraft) -> tuple[str, Mapping[str, Sequence[tuple[str, Any]]]]:
        """The ticket beside the form, and its timers that wait to be charged."""
        if draft.ticket_number is None:
            return "", {}
        try:
            view = self._workspace.ticket(draft.ticket_number)
        except InputError as error:
            return markup.text(error, "bad"), {}
        return _ticket_panel(view), {"timer_ids": [_timer_choice(view, timer) for timer in view.uncharged]}

    def plan(self, draft: BillDraft) -> Plan:
        """From live reads."""
        return self._workspace.plan_bill(draft)

    def preview(self, plan: Plan) -> str:
        """Requests, amounts, notes and blockers."""
        expected = plan.expected
        rows = [
            (
                line(item.name)
                + ("" if item.ours else " (already on the ticket)")
                + (" (from prepaid hours)" if item.prepaid else ""),
                f"{item.quantity.normalize():f}",
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
        requests = [
            (place, f"{one.method} {one.path}", _content(one.body)) for place, one in enumerate(plan.requests, 1)
        ]
        return "".join(
            [
                *(markup.text(f"Blocked: {blocker}", "bad", bold=True) for blocker in plan.blockers),
                markup.heading("What the invoice will say"),
                markup.table(("Line", "Hours", "Price", "Amount"), rows, numbers=frozenset({1, 2, 3})),
                *(markup.text(f"Note: {note}", "warn") for note in plan.notes),
                markup.heading("What will be sent, in this order"),
                markup.table(("", "Request", "With"), requests),
            ]
        )

    def question(self, plan: Plan) -> str:
        """Amount, ticket and customer in one line."""
        amount = plan.expected.total_cents
        total = format_cents(plan.expected.subtotal_cents) + " plus tax" if amount is None else format_cents(amount)
        return f"Yes, bill {total} on ticket {plan.ticket_number} to {clip(plan.customer_name, 40)}"

    def apply(self, plan: Plan, progress: Progress) -> Receipt:
        """The one path of all writes."""
        return self._workspace.apply(plan, confirm=plan.ticket_number, progress=progress)

    def result(self, receipt: Receipt) -> str:
        """The invoice as Syncro holds it, and the record of each step."""
        rows = [(STEP_TITLES[one.step.name], one.state, one.record_id or "") for one in receipt.run.steps]
        invoice = receipt.invoice
        amounts = []
        if invoice:
            names = {"Subtotal": "subtotal_cents", "Tax": "tax_cents", "Total": "total_cents"}
            amounts = [(name, format_cents(invoice[key])) for name, key in names.items()]
        return "".join(
            [
                markup.table((f"Invoice {invoice['number']}, as read back", ""), amounts, numbers=frozenset({1}))
                if invoice
                else "",
                markup.table(("Step", "State", "Record id"), rows, numbers=frozenset({2})),
                markup.text(f"Run {receipt.run.id} in the journal", "quiet"),
            ]
        )


def _timer_choice(view: TicketView, timer: Timer) -> tuple[str, int]:
    day = f"{timer.started_at:%b %d}, " if timer.started_at else ""
    kind = view.labour.get(timer.product_id or 0, "no labour")
    return f"{day}{timer.charged_seconds / 60:g} min {kind}: {clip(timer.notes, 40)}", timer.id


def _ticket_panel(view: TicketView) -> str:
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
    for comment in view.last_comments[:3]:
        when = f"{comment.created_at:%b %d, %H:%M}" if comment.created_at else ""
        mark = " · hidden" if comment.hidden else ""
        parts.append(markup.text(f"{when} · {line(comment.author) or 'unknown'}{mark}", "quiet"))
        parts.append(markup.text(clip(reference.strip(comment.body), 220)))
    return "".join(parts)


def _content(body: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {show(value)}" for name, value in body.items())


def _leading_number(text: str) -> int | None:
    found = re.match(r"\s*#?(\d{1,12})(?!\d)", text, re.ASCII)
    return int(found[1]) if found else None


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"\s*(-?\d{1,9})\s*", text, re.ASCII)
    return int(found[1]) if found else None
