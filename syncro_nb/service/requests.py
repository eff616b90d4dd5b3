"""Every request that changes something in Syncro, as a value: built here, shown in a preview, sent by `writes/run.py`.

Pure. Each function names its endpoint and the record that the answer holds. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..money import dollars
from . import wire


@dataclass(frozen=True)
class Request:
    """One write. `answer` is the record's type by name, `wrapper` the key under which the answer holds it."""

    method: str
    path: str
    body: Mapping[str, Any]
    answer: str
    wrapper: str

    def read(self, data: object) -> Any:
        """The record in the answer. Raises wire.Unreadable."""
        return wire.read(getattr(wire, self.answer), wire.unwrap(data, self.wrapper))

    def as_json(self) -> dict[str, Any]:
        """As the preview and the journal show it."""
        return {"method": self.method, "path": self.path, "body": dict(self.body)}


def add_comment(ticket_id: int, *, subject: str, body: str, hidden: bool, do_not_email: bool) -> Request:
    """POST /tickets/{id}/comment (permission: tickets, edit). Flat body; a wrapped one is refused."""
    content = {"subject": subject, "body": body, "hidden": hidden, "do_not_email": do_not_email}
    return Request("POST", f"/tickets/{ticket_id}/comment", content, "Comment", "comment")


def add_line_item(
    ticket_id: int,
    *,
    product_id: int,
    name: str,
    description: str,
    quantity: Decimal,
    price_cents: int,
    cost_cents: int,
    taxable: bool,
) -> Request:
    """POST /tickets/{id}/add_line_item (permission: tickets, edit). Nothing is filled in from the catalogue.

    A price under any other name than `price_retail` is ignored and the line becomes $0.00.
    """
    content = {
        "product_id": product_id,
        "name": name,
        "description": description,
        "quantity": wire.number(quantity),
        "price_retail": wire.number(dollars(price_cents)),
        "price_cost": wire.number(dollars(cost_cents)),
        "taxable": taxable,
    }
    return Request("POST", f"/tickets/{ticket_id}/add_line_item", content, "TicketLine", "line_item")


def charge_timer_entry(ticket_id: int, timer_id: int) -> Request:
    """POST /tickets/{id}/charge_timer_entry (permission: tickets, edit). Makes a ticket line; twice makes two."""
    content = {"timer_entry_id": timer_id}
    return Request("POST", f"/tickets/{ticket_id}/charge_timer_entry", content, "Timer", "timer_entry")


def create_invoice(ticket_id: int, customer_id: int) -> Request:
    """POST /invoices (permission: invoices, create). Takes the ticket's pending lines, never its timers.

    The answer holds no lines; read the invoice by id to prove it.
    """
    content = {"ticket_id": ticket_id, "customer_id": customer_id, "category": "Standard"}
    return Request("POST", "/invoices", content, "Invoice", "invoice")


def set_status(ticket_id: int, status: str) -> Request:
    """PUT /tickets/{id} (permission: tickets, edit). Only the fields that are sent change."""
    return Request("PUT", f"/tickets/{ticket_id}", {"status": status}, "Ticket", "ticket")
