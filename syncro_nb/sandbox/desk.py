"""What can be done to tickets, their comments and their line items.

These functions and those of `timers` and `billing` are used by the routes and by the demo data alike. `fields` are those of
Syncro's request bodies; what Syncro ignores, they ignore. `now` is the instant at which it is done.
"""

from __future__ import annotations

from ..money import dollars
from .request import Refusal, flag, in_cents, listed, number, plain, shortest, text, whole
from .state import Account, Row, is_resolved
from .times import read_instant

TICKET_TYPE = {"id": 27_401, "name": "Service Ticket"}


def create_ticket(account: Account, fields: Row, now: int) -> Row:
    """POST /tickets. `start_at` is not kept on this call, and the first comments have no author: so Syncro does it."""
    customer = account.customers.get(whole(fields.get("customer_id")))
    if customer is None:
        raise Refusal(422, {"error": "Customer required field"})
    if text(fields.get("subject")) is None:
        raise Refusal(422, {"error": "Subject can't be blank"})
    wanted = whole(fields.get("number"))
    taken = wanted is None or account.tickets.where("number", wanted)
    row = account.tickets.add(
        {
            "number": account.next_ticket_number if taken else wanted,
            "subject": None,
            "created_at": now,
            "updated_at": now,
            "customer_id": customer["id"],
            "due_date": now,
            "resolved_at": None,
            "start_at": None,
            "end_at": None,
            "problem_type": None,
            "status": "New",
            "ticket_type_id": TICKET_TYPE["id"],
            "properties": {},
            "user_id": None,
            "priority": None,
            "billing_status": None,
            "tag_list": [],
            "customer_reply": False,
            "contact_id": None,
            "contract_id": None,
            "sla_id": None,
            "sla_name": None,
            "sla_breached": False,
            "sla_breaching_soon": False,
            "response_time": None,
            "resolution_time": None,
            "signature_name": None,
            "parent_id": None,
            "creator_name_or_email": account.owner["full_name"],
        }
    )
    account.next_ticket_number = max(account.next_ticket_number, row["number"] + 1)
    change_ticket(account, row, {name: value for name, value in fields.items() if name != "start_at"}, now)
    return row


def change_ticket(account: Account, row: Row, fields: Row, now: int) -> None:
    """PUT /tickets/{id}: only what is named changes. Any status is taken, also one that is on no list."""
    if "subject" in fields and text(fields["subject"]) is None:
        raise Refusal(422, {"success": False, "message": ["Subject can't be blank"]})
    zone = account.switches.zone
    values: Row = {}
    for name in fields.keys() & {"subject", "problem_type", "priority", "signature_name"}:
        values[name] = text(fields[name])
    for name in fields.keys() & {"start_at", "end_at"}:
        values[name] = read_instant(fields[name], zone)
    for name, table in {"user_id": account.users, "contact_id": account.contacts, "parent_id": account.tickets}.items():
        found = table.get(whole(fields.get(name)))
        if name in fields and (found or not fields[name]):
            values[name] = found["id"] if found else None
    if "due_date" in fields:
        values["due_date"] = read_instant(fields["due_date"], zone)
    customer = account.customers.get(whole(fields.get("customer_id")))
    if customer:
        values["customer_id"] = customer["id"]
    if isinstance(fields.get("properties"), dict):
        values["properties"] = plain(fields["properties"])
    if isinstance(fields.get("tag_list"), list):
        values["tag_list"] = [tag for tag in map(text, fields["tag_list"]) if tag]
    if flag(fields.get("customer_reply")) is not None:
        values["customer_reply"] = flag(fields["customer_reply"])
    status = text(fields.get("status"))
    if status:
        values["status"] = status
        values["resolved_at"] = (row["resolved_at"] or now) if is_resolved(status) else None
    account.tickets.change(row, {**values, "updated_at": now})
    for comment in listed(fields.get("comments_attributes")):
        if isinstance(comment, dict) and text(comment.get("body")):
            add_comment(account, row, comment, now, author=None)


def delete_ticket(account: Account, row: Row) -> None:
    """DELETE /tickets/{id}: what hangs on it goes with it; its invoices stay, and name it no more."""
    for table in (account.comments, account.ticket_lines, account.timers):
        for part in table.where("ticket_id", row["id"]):
            table.remove(part)
    for invoice in account.invoices.where("ticket_id", row["id"]):
        account.invoices.change(invoice, {"ticket_id": None})
    account.tickets.remove(row)


def add_comment(account: Account, ticket: Row, fields: Row, now: int, author: Row | None) -> Row:
    """POST /tickets/{id}/comment. `author` is the technician; without one it is the customer's, or nobody's."""
    subject, body = text(fields.get("subject")), text(fields.get("body"))
    blank = [f"{name} can't be blank" for name, value in (("Body", body), ("Subject", subject)) if value is None]
    if blank and author is not None:
        raise Refusal(422, {"success": False, "message": blank})
    hidden = flag(fields.get("hidden")) or False
    row = account.comments.add(
        {
            "created_at": now,
            "updated_at": now,
            "ticket_id": ticket["id"],
            "subject": subject,
            "body": body,
            "tech": text(fields.get("tech")) or (author["full_name"] if author else None),
            "hidden": hidden,
            "user_id": author["id"] if author else None,
        }
    )
    answered = {"customer_reply": False} if author and not hidden else {}
    account.tickets.change(ticket, {**answered, "updated_at": now})
    return row


def hear_from_customer(account: Account, ticket: Row, body: str, now: int) -> None:
    """A mail of the customer's arrives: Syncro keeps it as a comment, flags the ticket, and wakes one that waited."""
    contact = account.contacts.get(ticket["contact_id"])
    name = contact["name"] if contact else account.customers.rows[ticket["customer_id"]]["fullname"]
    add_comment(account, ticket, {"subject": f"RE: {ticket['subject']}", "body": body, "tech": name}, now, author=None)
    status = "Customer Reply" if ticket["status"] in ("Waiting on Customer", "Resolved") else ticket["status"]
    change_ticket(account, ticket, {"customer_reply": True, "status": status}, now)


def add_line(account: Account, ticket: Row, fields: Row, now: int) -> Row:
    """POST /tickets/{id}/add_line_item: nothing is filled in from the product, and a price has just these two names."""
    missing = [name for name in ("name", "description") if text(fields.get(name)) is None]
    if missing:
        said = ", ".join(f"{name.capitalize()} can't be blank" for name in missing)
        raise Refusal(422, {"errors": said, "params": plain(fields)})
    product = account.products.get(whole(fields.get("product_id")))
    taxable = flag(fields.get("taxable"))
    row = account.ticket_lines.add(
        {
            "ticket_id": ticket["id"],
            "user_id": account.owner_id,
            "product_id": product["id"] if product else None,
            "name": text(fields["name"]),
            "description": text(fields["description"]),
            "quantity": shortest(number(fields.get("quantity", 1)) or 0),
            "product_category": product["product_category"] if product else None,
            "upc_code": text(fields.get("upc_code")),
            "taxable": True if taxable is None else taxable,
            "cost_cents": in_cents(fields.get("price_cost")),
            "retail_cents": in_cents(fields.get("price_retail")),
            "created_at": now,
            "updated_at": now,
            "converted": False,
            "position": 1 + max((one["position"] for one in ticket_lines(account, ticket)), default=0),
        }
    )
    account.tickets.change(ticket, {"updated_at": now})
    return row


def change_line(account: Account, ticket: Row, row: Row, fields: Row, now: int) -> None:
    """PUT /tickets/{id}/update_line_item: only what is named changes."""
    values: Row = {"updated_at": now}
    for name in fields.keys() & {"name", "description", "upc_code"}:
        values[name] = text(fields[name]) or row[name]
    for name, kept in {"price_cost": "cost_cents", "price_retail": "retail_cents"}.items():
        if name in fields:
            values[kept] = in_cents(fields[name])
    if "quantity" in fields:
        values["quantity"] = shortest(number(fields["quantity"]) or 0)
    if flag(fields.get("taxable")) is not None:
        values["taxable"] = flag(fields["taxable"])
    product = account.products.get(whole(fields.get("product_id")))
    if product:
        values.update(product_id=product["id"], product_category=product["product_category"])
    account.ticket_lines.change(row, values)
    account.tickets.change(ticket, {"updated_at": now})


def remove_line(account: Account, ticket: Row, row: Row, now: int) -> None:
    """POST /tickets/{id}/remove_line_item. A timer that was charged stays charged, and points to a line that is gone."""
    account.ticket_lines.remove(row)
    account.tickets.change(ticket, {"updated_at": now})


def ticket_lines(account: Account, ticket: Row) -> list[Row]:
    """The line items of a ticket."""
    return account.ticket_lines.where("ticket_id", ticket["id"])


def product_line(product: Row, quantity: str, description: str) -> Row:
    """The fields of a line item for a product, with its own name, price, cost and tax."""
    return {
        "name": product["name"],
        "description": description,
        "quantity": quantity,
        "product_id": product["id"],
        "price_retail": dollars(product["retail_cents"]),
        "price_cost": dollars(product["cost_cents"]),
        "taxable": product["taxable"],
    }
