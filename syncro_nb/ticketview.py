"""One ticket as a person wants to see it: header, last comments, time, charges, what is billed and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from . import frames
from .escape import clip, line, paragraph
from .money import format_cents, line_cents, total
from .service.records import Comment, Invoice, Ticket, Timer, in_minutes
from .writes import reference

if TYPE_CHECKING:
    import pandas as pd

LAST_COMMENTS = 5


@dataclass(frozen=True, repr=False)
class TicketView:
    """A ticket, its invoices, and where a person opens it. `row` is its list row, which knows the billing status."""

    ticket: Ticket
    row: Ticket
    invoices: tuple[Invoice, ...]
    labour: dict[int, str]
    link: str | None = None
    doubt: str = ""  # why nobody can tell which invoices are its

    @property
    def number(self) -> int:
        """The number that people see."""
        return self.ticket.number

    @property
    def comments(self) -> pd.DataFrame:
        """All comments, newest first (frames.COMMENTS)."""
        return frames.comments(self.ticket.comments or ())

    @property
    def lines(self) -> pd.DataFrame:
        """The charges (frames.LINES)."""
        return frames.lines(self.ticket.lines or ())

    @property
    def timers(self) -> pd.DataFrame:
        """The timer entries (frames.TIMERS)."""
        return frames.timers(self.ticket.timers or ())

    @property
    def last_comments(self) -> list[Comment]:
        """The last five comments, newest first."""
        return sorted(self.ticket.comments or (), key=lambda comment: comment.id, reverse=True)[:LAST_COMMENTS]

    @property
    def pending_cents(self) -> int:
        """Charges that no invoice has taken yet, in cents."""
        waiting = [row for row in self.ticket.lines or () if not row.converted]
        return total(line_cents(row.quantity, row.price_cents) for row in waiting)

    def scheduled(self, zone: tzinfo | None = None) -> str:
        """When the work on it is to be done, in `zone`; empty if it is not scheduled."""
        said = [_when(one, zone) for one in (self.ticket.start_at, self.ticket.end_at) if one]
        if len(said) == 2 and said[0][:10] == said[1][:10]:
            said[1] = said[1][11:]
        return " to ".join(said)

    @property
    def billing(self) -> str:
        """Billing status in words: invoices, pending charges, uncharged time."""
        said = [
            f"invoice {invoice.number}, {format_cents(invoice.total_cents)}, {'paid' if invoice.is_paid else 'not paid'}"
            for invoice in self.invoices
        ]
        said += [self.doubt] if self.doubt else []
        said += self.unbilled
        if not said:
            said.append(self.row.billing_status or "nothing billed, nothing waiting")
        return "; ".join(said)

    @property
    def unbilled(self) -> list[str]:
        """What on it is not billed yet, in words; empty if nothing waits."""
        said = []
        waiting = [row for row in self.ticket.lines or () if not row.converted]
        if waiting:
            said.append(f"{len(waiting)} charge(s) not invoiced, {format_cents(self.pending_cents)}")
        if self.uncharged:
            minutes = in_minutes(sum(row.charged_seconds for row in self.uncharged))
            said.append(f"{len(self.uncharged)} timer(s) not charged, {minutes} minutes")
        return said

    @property
    def uncharged(self) -> list[Timer]:
        """Timers that ended, are billable and were never charged."""
        rows = self.ticket.timers or ()
        return [row for row in rows if row.billable and row.ended_at and not row.recorded and not row.line_item_id]

    def text(self, zone: tzinfo | None = None) -> list[str]:
        """As lines for a terminal; times in `zone`, else as Syncro gave them."""
        ticket = self.ticket
        who = [name for name in (ticket.customer_name, ticket.contact_label or self.row.contact_name) if name]
        head = {
            "Status": ticket.status,
            "Priority": ticket.priority or "none",
            "Customer": " / ".join(who),
            "Technician": ticket.technician_label or self.row.technician_label or "nobody",
            "Created": _when(ticket.created_at, zone),
            "Due": str(ticket.due_on or "none"),
            **({"Scheduled": self.scheduled(zone)} if self.scheduled(zone) else {}),
            "Updated": _when(ticket.updated_at, zone),
            "Billing": self.billing,
        }
        said = [f"#{ticket.number}  {line(ticket.subject)}"]
        said += [f"  {name:<11}{line(value)}" for name, value in head.items()]
        said += [f"  {'Link':<11}{self.link}"] if self.link else []
        said += ["", f"Last comments ({len(self.last_comments)} of {len(ticket.comments or ())}), newest first"]
        for comment in self.last_comments:
            mark = " [hidden]" if comment.hidden else ""
            said.append(
                f"  {_when(comment.created_at, zone)}  {line(comment.author) or 'unknown'}: {line(comment.subject)}{mark}"
            )
            said += [f"    {part}" for part in paragraph(comment.body).split("\n")]
        said += ["", "Time"]
        for row in ticket.timers or ():
            state = "charged" if row.recorded else "running" if not row.ended_at else "not charged"
            kind = self.labour.get(row.product_id or 0, "no labour")
            state = state if row.billable else f"{state}, not billable"
            minutes = f"{in_minutes(row.charged_seconds)} min"
            said.append(
                f"  timer {row.id}  {_when(row.started_at, zone)}  {minutes:>8}  {kind}, {state}  {clip(row.notes, 60)}"
            )
        said += ["  none"] if not ticket.timers else []
        said += ["", "Charges"]
        for item in ticket.lines or ():
            amount = format_cents(line_cents(item.quantity, item.price_cents))
            state = "invoiced" if item.converted else "not invoiced"
            price = f"{item.quantity.normalize():f} × {format_cents(item.price_cents)} = {amount}"
            said.append(f"  {clip(item.name, 30)}  {price}, {state}  {clip(reference.strip(item.description), 60)}")
        said += ["  none"] if not ticket.lines else []
        return said

    def as_json(self) -> dict[str, Any]:
        """As `syncro ticket --json` prints it."""
        ticket = self.ticket
        return {
            "number": ticket.number,
            "subject": ticket.subject,
            "status": ticket.status,
            "priority": ticket.priority,
            "customer": ticket.customer_name,
            "contact": ticket.contact_label or self.row.contact_name,
            "technician": ticket.technician_label or self.row.technician_label,
            "created_at": _iso(ticket.created_at),
            "due_on": str(ticket.due_on) if ticket.due_on else None,
            "start_at": _iso(ticket.start_at),
            "end_at": _iso(ticket.end_at),
            "updated_at": _iso(ticket.updated_at),
            "billing_status": self.billing,
            "comments": [
                {
                    "id": one.id,
                    "at": _iso(one.created_at),
                    "author": one.author,
                    "subject": one.subject,
                    "body": one.body,
                    "hidden": one.hidden,
                }
                for one in self.last_comments
            ],
            "timers": [
                {
                    "id": one.id,
                    "started_at": _iso(one.started_at),
                    "ended_at": _iso(one.ended_at),
                    "billable": one.billable,
                    "charged": one.recorded,
                    "worked_seconds": one.worked_seconds,
                    "billable_seconds": one.charged_seconds,
                    "labour": self.labour.get(one.product_id or 0),
                    "notes": one.notes,
                }
                for one in ticket.timers or ()
            ],
            "line_items": [
                {
                    "id": one.id,
                    "name": one.name,
                    "description": one.description,
                    "quantity": str(one.quantity),
                    "price_cents": one.price_cents,
                    "amount_cents": line_cents(one.quantity, one.price_cents),
                    "invoiced": one.converted,
                }
                for one in ticket.lines or ()
            ],
            "invoices": [
                {
                    "number": one.number,
                    "subtotal_cents": one.subtotal_cents,
                    "tax_cents": one.tax_cents,
                    "total_cents": one.total_cents,
                    "is_paid": one.is_paid,
                }
                for one in self.invoices
            ],
        }

    def __repr__(self) -> str:
        return "\n".join(self.text())


def _when(moment: datetime | None, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone) if zone else moment:%Y-%m-%d %H:%M}" if moment else "-"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
