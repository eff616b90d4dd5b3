"""Every request that changes something in Syncro, as a value: built here, shown in a preview, sent by `writes/run.py`.

Pure. Each function names its endpoint, the permission it needs, and the record that the answer holds. Nothing here sends
anything. Amounts are whole cents, hours Decimal, times aware, days dates; what is None is not sent, so it stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ..money import dollars
from . import records, wire


@dataclass(frozen=True)
class Request:
    """One write. `answer` is the record's type by name, `wrapper` the key under which the answer holds it ("" for flat)."""

    method: str
    path: str
    body: Mapping[str, Any]
    answer: str
    wrapper: str = ""

    def read(self, data: object) -> Any:
        """The record in the answer. Raises wire.Unreadable."""
        return wire.read(getattr(records, self.answer), wire.unwrap(data, self.wrapper) if self.wrapper else data)

    def as_json(self) -> dict[str, Any]:
        """As the preview and the journal show it."""
        return {"method": self.method, "path": self.path, "body": dict(self.body)}


# ---------------------------------------------------------------- tickets


def create_ticket(
    customer_id: int,
    subject: str,
    *,
    comment: str | None = None,
    comment_subject: str = "Initial Issue",
    hidden: bool = False,
    do_not_email: bool = True,
    problem_type: str | None = None,
    priority: str | None = None,
    status: str | None = None,
    due_on: date | None = None,
    user_id: int | None = None,
    contact_id: int | None = None,
    tags: Sequence[str] | None = None,
) -> Request:
    """POST /tickets (Tickets - Create): a ticket, with its opening comment if there is one. Answers with the Ticket.

    There is no description: the first comment is it. Without `user_id` nobody is assigned.
    """
    opening = {"subject": comment_subject, "body": comment, "hidden": hidden, "do_not_email": do_not_email}
    body = _sent(
        customer_id=customer_id,
        subject=subject,
        problem_type=problem_type,
        priority=priority,
        status=status,
        due_date=due_on,
        user_id=user_id,
        contact_id=contact_id,
        tag_list=None if tags is None else list(tags),
        comments_attributes=[opening] if comment else None,
    )
    return Request("POST", "/tickets", body, "Ticket", "ticket")


def update_ticket(
    ticket_id: int,
    *,
    subject: str | None = None,
    status: str | None = None,
    priority: str | None = None,
    problem_type: str | None = None,
    due_on: date | None = None,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
    user_id: int | None = None,
    contact_id: int | None = None,
    customer_reply: bool | None = None,
    tags: Sequence[str] | None = None,
) -> Request:
    """PUT /tickets/{id} (Tickets - Edit): only what is given changes. Answers with the whole Ticket.

    `start_at`, `end_at`: when the work is scheduled for, aware. They are the ticket's own; an appointment is another record.
    """
    body = _sent(
        subject=subject,
        status=status,
        priority=priority,
        problem_type=problem_type,
        due_date=due_on,
        start_at=start_at,
        end_at=end_at,
        user_id=user_id,
        contact_id=contact_id,
        customer_reply=customer_reply,
        tag_list=None if tags is None else list(tags),
    )
    return Request("PUT", f"/tickets/{ticket_id}", body, "Ticket", "ticket")


def delete_ticket(ticket_id: int) -> Request:
    """DELETE /tickets/{id} (Tickets - Delete). Prove it by a 404."""
    return Request("DELETE", f"/tickets/{ticket_id}", {}, "Done")


def add_comment(ticket_id: int, *, subject: str, body: str, hidden: bool, do_not_email: bool) -> Request:
    """POST /tickets/{id}/comment (Tickets - Edit). Flat body; a wrapped one is refused. It can never be deleted."""
    content = {"subject": subject, "body": body, "hidden": hidden, "do_not_email": do_not_email}
    return Request("POST", f"/tickets/{ticket_id}/comment", content, "Comment", "comment")


# ---------------------------------------------------------------- ticket lines


def add_line_item(
    ticket_id: int,
    *,
    product_id: int | None,
    name: str,
    description: str,
    quantity: Decimal,
    price_cents: int,
    cost_cents: int,
    taxable: bool,
) -> Request:
    """POST /tickets/{id}/add_line_item (Tickets - Edit). Nothing is filled in from the catalogue. Answers flat.

    A price under any other name than `price_retail` is ignored and the line becomes $0.00.
    """
    content = _sent(
        product_id=product_id,
        name=name,
        description=description,
        quantity=wire.number(quantity),
        price_retail=wire.number(dollars(price_cents)),
        price_cost=wire.number(dollars(cost_cents)),
        taxable=taxable,
    )
    return Request("POST", f"/tickets/{ticket_id}/add_line_item", content, "TicketLine", "line_item")


def update_line_item(
    ticket_id: int,
    line_id: int | str,
    *,
    quantity: Decimal | None = None,
    price_cents: int | None = None,
    name: str | None = None,
    description: str | None = None,
    taxable: bool | None = None,
) -> Request:
    """PUT /tickets/{id}/update_line_item (Tickets - Edit): only what is given changes.

    `line_id` is a text in the plan for a line that is not there yet.
    """
    content = _sent(
        ticket_line_item_id=line_id,
        quantity=None if quantity is None else wire.number(quantity),
        price_retail=None if price_cents is None else wire.number(dollars(price_cents)),
        name=name,
        description=description,
        taxable=taxable,
    )
    return Request("PUT", f"/tickets/{ticket_id}/update_line_item", content, "TicketLine", "ticket_line_item")


def remove_line_item(ticket_id: int, line_id: int) -> Request:
    """POST /tickets/{id}/remove_line_item (Tickets - Edit)."""
    return Request("POST", f"/tickets/{ticket_id}/remove_line_item", {"ticket_line_item_id": line_id}, "Done")


# ---------------------------------------------------------------- timers


def add_timer_entry(
    ticket_id: int,
    *,
    start_at: datetime,
    end_at: datetime | None = None,
    minutes: int | None = None,
    user_id: int | None = None,
    product_id: int | None = None,
    notes: str | None = None,
) -> Request:
    """POST /tickets/{id}/timer_entry (Ticket Timers - Overview). Without end and minutes it runs. Answers flat.

    `billable` is not taken here: set it with `set_timer_billable`.
    """
    content = _sent(
        start_at=start_at, end_at=end_at, duration_minutes=minutes, user_id=user_id, product_id=product_id, notes=notes
    )
    return Request("POST", f"/tickets/{ticket_id}/timer_entry", content, "Timer", "timer_entry")


def update_timer_entry(
    ticket_id: int,
    timer_id: int,
    *,
    start_at: datetime | None = None,
    minutes: int | None = None,
    user_id: int | None = None,
    product_id: int | None = None,
    notes: str | None = None,
    override_seconds: int | None = None,
) -> Request:
    """PUT /tickets/{id}/update_timer_entry (Ticket Timers - Overview). Answers flat; in April minutes did not move the end."""
    content = _sent(
        timer_entry_id=timer_id,
        start_at=start_at,
        duration_minutes=minutes,
        user_id=user_id,
        product_id=product_id,
        notes=notes,
        billable_override=override_seconds,
    )
    return Request("PUT", f"/tickets/{ticket_id}/update_timer_entry", content, "Timer", "timer_entry")


def charge_timer_entry(ticket_id: int, timer_id: int) -> Request:
    """POST /tickets/{id}/charge_timer_entry (Ticket Timers - Overview). Makes a ticket line; twice makes two."""
    content = {"timer_entry_id": timer_id}
    return Request("POST", f"/tickets/{ticket_id}/charge_timer_entry", content, "Timer", "timer_entry")


def delete_timer_entry(ticket_id: int, timer_id: int) -> Request:
    """POST /tickets/{id}/delete_timer_entry (Ticket Timers - Overview)."""
    return Request("POST", f"/tickets/{ticket_id}/delete_timer_entry", {"timer_entry_id": timer_id}, "Done")


def set_timer_billable(timer_id: int, billable: bool) -> Request:
    """PATCH /ticket_timers/{id} (Ticket Timers - Edit)."""
    return Request("PATCH", f"/ticket_timers/{timer_id}", {"billable": billable}, "Timer", "ticket_timer")


def start_timer(ticket_id: int, *, product_id: int | None = None, notes: str | None = None) -> Request:
    """POST /ticket_timers: a running timer of the key's owner on the ticket; the one that runs already is answered again."""
    content = _sent(ticket_id=ticket_id, product_id=product_id, notes=notes)
    return Request("POST", "/ticket_timers", content, "Timer", "ticket_timer")


def stop_timer(timer_id: int) -> Request:
    """POST /ticket_timers/{id}/stop. It also charges the timer where the account is set so."""
    return Request("POST", f"/ticket_timers/{timer_id}/stop", {}, "Timer", "ticket_timer")


# ---------------------------------------------------------------- invoices and payments


def create_invoice(ticket_id: int, customer_id: int) -> Request:
    """POST /invoices (Invoices - Create). Takes the ticket's pending lines, never its timers.

    The answer holds no lines; read the invoice by id to prove it.
    """
    content = {"ticket_id": ticket_id, "customer_id": customer_id, "category": "Standard"}
    return Request("POST", "/invoices", content, "Invoice", "invoice")


def update_invoice(
    invoice_id: int,
    *,
    note: str | None = None,
    po_number: str | None = None,
    dated_on: date | None = None,
    due_on: date | None = None,
    number: str | None = None,
) -> Request:
    """PUT /invoices/{id} (Invoices - Edit). Answers without lines."""
    content = _sent(note=note, po_number=po_number, date=dated_on, due_date=due_on, number=number)
    return Request("PUT", f"/invoices/{invoice_id}", content, "Invoice", "invoice")


def delete_invoice(invoice_id: int) -> Request:
    """DELETE /invoices/{id} (Invoices - Delete). Answers 200 even if it failed: prove it by a 404."""
    return Request("DELETE", f"/invoices/{invoice_id}", {}, "Done")


def add_invoice_line(
    invoice_id: int,
    *,
    name: str,
    description: str,
    quantity: Decimal,
    price_cents: int,
    cost_cents: int = 0,
    taxable: bool = True,
    product_id: int | None = None,
) -> Request:
    """POST /invoices/{id}/line_items (Invoices - Edit). A product's own price comes before the one given here."""
    content = _sent(
        item=name,
        name=description,
        quantity=wire.number(quantity),
        price=wire.number(dollars(price_cents)),
        cost=wire.number(dollars(cost_cents)),
        taxable=taxable,
        product_id=product_id,
    )
    return Request("POST", f"/invoices/{invoice_id}/line_items", content, "InvoiceLine", "line_item")


def update_invoice_line(
    invoice_id: int,
    line_id: int,
    *,
    name: str | None = None,
    description: str | None = None,
    quantity: Decimal | None = None,
    price_cents: int | None = None,
    taxable: bool | None = None,
) -> Request:
    """PUT /invoices/{id}/line_items/{line} (Invoices - Edit). A paid invoice answers 200 and stays as it is."""
    content = _sent(
        item=name,
        name=description,
        quantity=None if quantity is None else wire.number(quantity),
        price=None if price_cents is None else wire.number(dollars(price_cents)),
        taxable=taxable,
    )
    return Request("PUT", f"/invoices/{invoice_id}/line_items/{line_id}", content, "InvoiceLine", "line_item")


def delete_invoice_line(invoice_id: int, line_id: int) -> Request:
    """DELETE /invoices/{id}/line_items/{line} (Invoices - Edit)."""
    return Request("DELETE", f"/invoices/{invoice_id}/line_items/{line_id}", {}, "Done")


def create_payment(
    customer_id: int, *, invoice_id: int, amount_cents: int, method: str, reference: str | None = None
) -> Request:
    """POST /payments (Payments - Create): cents in, dollars out. There is no way to take it back through the API."""
    content = _sent(
        customer_id=customer_id,
        invoice_id=invoice_id,
        amount_cents=amount_cents,
        payment_method=method,
        ref_num=reference,
    )
    return Request("POST", "/payments", content, "Payment", "payment")


# ---------------------------------------------------------------- customers and contacts


def create_customer(
    *,
    business_name: str | None = None,
    firstname: str | None = None,
    lastname: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    notes: str | None = None,
    tax_rate_id: int | None = None,
) -> Request:
    """POST /customers (Customers - Create)."""
    content = _sent(
        business_name=business_name,
        firstname=firstname,
        lastname=lastname,
        email=email,
        phone=phone,
        notes=notes,
        tax_rate_id=tax_rate_id,
    )
    return Request("POST", "/customers", content, "Customer", "customer")


def update_customer(
    customer_id: int,
    *,
    business_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    notes: str | None = None,
    tax_rate_id: int | None = None,
) -> Request:
    """PUT /customers/{id} (Customers - Edit)."""
    content = _sent(business_name=business_name, email=email, phone=phone, notes=notes, tax_rate_id=tax_rate_id)
    return Request("PUT", f"/customers/{customer_id}", content, "Customer", "customer")


def create_contact(customer_id: int, name: str, *, email: str | None = None, phone: str | None = None) -> Request:
    """POST /contacts (Customers - Edit). Answers flat."""
    content = _sent(customer_id=customer_id, name=name, email=email, phone=phone)
    return Request("POST", "/contacts", content, "Contact", "contact")


def update_contact(contact_id: int, name: str, *, email: str | None = None, phone: str | None = None) -> Request:
    """PUT /contacts/{id} (Customers - Edit); the name is required. Answers flat."""
    return Request("PUT", f"/contacts/{contact_id}", _sent(name=name, email=email, phone=phone), "Contact", "contact")


def _sent(**fields: Any) -> dict[str, Any]:
    """The fields that are given, times and days as Syncro reads them."""
    given = {name: value for name, value in fields.items() if value is not None}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}
