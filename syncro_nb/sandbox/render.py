"""Rows in the shape of Syncro's JSON: people, tickets and what hangs on them. `render_billing` has the money."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

from .desk import TICKET_TYPE, ticket_lines
from .state import ACCOUNT_ID, Account, Row
from .timers import elapsed_seconds, live_status
from .times import from_ms, midnight

Json = dict[str, Any]


def stamp(account: Account, instant: int | None) -> str | None:
    """A timestamp: in the account's own zone, or in UTC as the document of April 2026 prints it."""
    if instant is None:
        return None
    if account.switches.autumn:
        return from_ms(instant, account.switches.zone).isoformat(timespec="milliseconds")
    return from_ms(instant, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def day(account: Account, value: str | None) -> str | None:
    """A calendar day on an invoice or a payment: bare, or in April's form as midnight in UTC."""
    return value if value is None or account.switches.autumn else f"{value}T00:00:00.000Z"


def first_instant(account: Account, value: str | None) -> str | None:
    """A calendar day as a timestamp: its first instant in the account's zone."""
    return None if value is None else stamp(account, midnight(date.fromisoformat(value), account.switches.zone))


def as_dollars(cents: int | None) -> float:
    """A price as a JSON number. The only place where money is a float: nothing is computed with it."""
    return (cents or 0) / 100


def in_dollars(cents: int) -> str:
    """An amount as a JSON string: "81.53", "75.0", "0.0"."""
    whole, part = divmod(abs(cents), 100)
    return ("-" if cents < 0 else "") + f"{whole}.{part:02}".removesuffix("0")


def times(account: Account, row: Row) -> Json:
    """When a record was made and changed."""
    return {"created_at": stamp(account, row["created_at"]), "updated_at": stamp(account, row["updated_at"])}


def user(account: Account, row: Row | None) -> Json | None:
    """A technician."""
    return row and {
        "id": row["id"],
        "email": row["email"],
        "full_name": row["full_name"],
        **times(account, row),
        "group": row["group"],
        "admin": row["admin"],
        "color": row["color"],
    }


def contact(account: Account, row: Row | None) -> Json | None:
    """A contact of a customer: a flat object."""
    return row and {
        "id": row["id"],
        "name": row["name"],
        "address1": row["address1"],
        "address2": row["address2"],
        "city": row["city"],
        "state": row["state"],
        "zip": row["zip"],
        "email": row["email"],
        "phone": row["phone"],
        "mobile": row["mobile"],
        "latitude": None,
        "longitude": None,
        "customer_id": row["customer_id"],
        "account_id": ACCOUNT_ID,
        "notes": row["notes"],
        **times(account, row),
        "vendor_id": None,
        "properties": row["properties"],
        "opt_out": False,
        "extension": None,
        "processed_phone": row["phone"],  # these three are on real accounts, though in neither document
        "processed_mobile": row["mobile"],
        "ticket_matching_emails": row["email"],
    }


def phone(account: Account, row: Row) -> Json:
    """A phone number of a customer."""
    return {
        "id": row["id"],
        "label": row["label"],
        "number": row["number"],
        "customer_id": row["customer_id"],
        **times(account, row),
        "extension": None,
    }


def customer(account: Account, row: Row) -> Json:
    """A customer, as in lists and inside other records."""
    number = row["id"]
    return {
        "id": number,
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "fullname": row["fullname"],
        "business_name": row["business_name"],
        "email": row["email"],
        "phone": row["phone"],
        "mobile": row["mobile"],
        **times(account, row),
        "pdf_url": None,
        "address": row["address"],
        "address_2": row["address_2"],
        "city": row["city"],
        "state": row["state"],
        "zip": row["zip"],
        "latitude": None,
        "longitude": None,
        "notes": row["notes"],
        "get_sms": row["get_sms"],
        "opt_out": row["opt_out"],
        "disabled": row["disabled"],
        "no_email": row["no_email"],
        "location_name": None,
        "location_id": None,
        "properties": row["properties"],
        "online_profile_url": f"https://demo.example.com/my_profile/v2/index?portal_key=demo{number * 7919 % 10**9:09}",
        "tax_rate_id": row["tax_rate_id"],
        "notification_email": row["notification_email"],
        "invoice_cc_emails": row["invoice_cc_emails"],
        "invoice_term_id": row["invoice_term_id"],
        "referred_by": row["referred_by"],
        "ref_customer_id": row["ref_customer_id"],
        "business_and_full_name": row["business_and_full_name"],
        "business_then_name": row["business_then_name"],
        "contacts": [contact(account, one) for one in account.contacts.where("customer_id", number)],
    }


def comment(account: Account, row: Row) -> Json:
    """A comment, as its own POST and a ticket's detail show it."""
    return {
        "id": row["id"],
        **times(account, row),
        "ticket_id": row["ticket_id"],
        "subject": row["subject"],
        "body": row["body"],
        "tech": row["tech"],
        "hidden": row["hidden"],
        "user_id": row["user_id"],
    }


def listed_comment(account: Account, row: Row) -> Json:
    """A comment, as the lists of comments show it."""
    author = user(account, account.users.get(row["user_id"]))
    return {**comment(account, row), "is_rich_text": False, "user": author}


def ticket_line(account: Account, row: Row) -> Json:
    """A line item of a ticket."""
    return {
        "id": row["id"],
        "ticket_id": row["ticket_id"],
        "user_id": row["user_id"],
        "product_id": row["product_id"],
        "name": row["name"],
        "description": row["description"],
        "quantity": row["quantity"],
        "product_category": row["product_category"],
        "upc_code": row["upc_code"],
        "taxable": row["taxable"],
        "cost_cents": row["cost_cents"],
        "retail_cents": row["retail_cents"],
        **times(account, row),
        "converted": row["converted"],
        "item_id": None,
        "position": row["position"],
        "estimate_line_item_id": None,
        "old_price": None,
        "line_discount_percent": None,
        "discount_dollars": None,
        "original_ticket_line_item_id": None,
        "price_cost": as_dollars(row["cost_cents"]),
        "price_retail": as_dollars(row["retail_cents"]),
    }


def timer(account: Account, row: Row) -> Json:
    """A timer, as a ticket and the routes below /tickets show it."""
    return {
        "id": row["id"],
        "ticket_id": row["ticket_id"],
        "user_id": row["user_id"],
        "start_time": stamp(account, row["start_time"]),
        "end_time": stamp(account, row["end_time"]),
        "recorded": row["recorded"],
        **times(account, row),
        "billable": row["billable"],
        "notes": row["notes"],
        "toggl_id": None,
        "product_id": row["product_id"],
        "comment_id": row["comment_id"],
        "ticket_line_item_id": row["ticket_line_item_id"],
        "active_duration": row["active_duration"],
        "billable_time": row["billable_time"],
        "billable_override": row["billable_override"],
    }


def changed_timer(account: Account, row: Row) -> Json:
    """A timer, as its update and its charge show it: the same keys in another order."""
    first = timer(account, row)
    return {name: first[name] for name in ("ticket_id", "id", "notes", "user_id", "toggl_id")} | first


def live_timer(account: Account, row: Row, now: int) -> Json:
    """A timer, as the routes below /ticket_timers show it."""
    if not account.switches.autumn:
        return timer(account, row)
    status = {"status": f"status_{live_status(row)}", "elapsed_seconds": elapsed_seconds(row, now)}
    return {**timer(account, row), **status}


def listed_ticket(account: Account, row: Row, *, all_comments: bool = False) -> Json:
    """A ticket, as the list shows it: with its first comment only, without line items and timers."""
    owner = account.customers.rows[row["customer_id"]]
    asked_by = account.contacts.get(row["contact_id"])
    contract = account.contracts.get(row["contract_id"])
    comments = account.comments.where("ticket_id", row["id"])
    ticket = {
        "id": row["id"],
        "number": row["number"],
        "subject": row["subject"],
        "created_at": stamp(account, row["created_at"]),
        "customer_id": row["customer_id"],
        "customer_business_then_name": owner["business_then_name"],
        "due_date": stamp(account, row["due_date"]),
        "resolved_at": stamp(account, row["resolved_at"]),
        "start_at": stamp(account, row["start_at"]),
        "end_at": stamp(account, row["end_at"]),
        "location_id": None,
        "location_name": None,
        "problem_type": row["problem_type"],
        "status": row["status"],
        "ticket_type_id": TICKET_TYPE["id"],
        "ticket_type_name": TICKET_TYPE["name"],
        "properties": row["properties"],
        "user_id": row["user_id"],
        "updated_at": stamp(account, row["updated_at"]),
        "pdf_url": None,
        "priority": row["priority"],
        "billing_status": row["billing_status"],
        "tag_list": row["tag_list"],
        "sla_name": row["sla_name"],
        "creator_name_or_email": row["creator_name_or_email"],
        "contact_fullname": asked_by["name"] if asked_by else None,
        "contract_name": contract["name"] if contract else None,
        "address_id": None,
        "parent": False,
        "parent_id": row["parent_id"],
        "child": row["parent_id"] is not None,
        "recurring": False,
        "customer_reply": row["customer_reply"],
        "total_formatted_billable_time": None,
        "contact_id": row["contact_id"],
        "sla_breached": row["sla_breached"],
        "sla_breaching_soon": row["sla_breaching_soon"],
        "contract_id": row["contract_id"],
        "sla_id": row["sla_id"],
        "customer_tag_list": [],
        "resolution_time": row["resolution_time"],
        "response_time": row["response_time"],
        "customer_icons": [],
        "comments": [comment(account, one) for one in (comments if all_comments else comments[:1])],
        "user": user(account, account.users.get(row["user_id"])),
    }
    return {**ticket, "child_ticket_ids": [], "assets": []} if account.switches.autumn else ticket


def ticket_detail(account: Account, row: Row) -> Json:
    """A ticket, as it is shown by itself."""
    owner = account.customers.rows[row["customer_id"]]
    family = {"parent_id": row["parent_id"], "child_ticket_ids": []} if account.switches.autumn else {}
    return {
        "id": row["id"],
        "number": row["number"],
        "subject": row["subject"],
        "created_at": stamp(account, row["created_at"]),
        "customer_id": row["customer_id"],
        "customer_business_then_name": owner["business_then_name"],
        "due_date": stamp(account, row["due_date"]),
        "start_at": stamp(account, row["start_at"]),
        "end_at": stamp(account, row["end_at"]),
        "location_id": None,
        "problem_type": row["problem_type"],
        "status": row["status"],
        "properties": row["properties"],
        "user_id": row["user_id"],
        "updated_at": stamp(account, row["updated_at"]),
        "pdf_url": None,
        "intake_form_html": None,
        "signature_name": row["signature_name"],
        "signature_date": None,
        "asset_ids": [],
        "priority": row["priority"],
        "resolved_at": stamp(account, row["resolved_at"]),
        "outtake_form_name": None,
        "outtake_form_date": None,
        "outtake_form_html": None,
        "comments": [comment(account, one) for one in reversed(account.comments.where("ticket_id", row["id"]))],
        "attachments": [],
        "ticket_timers": [timer(account, one) for one in account.timers.where("ticket_id", row["id"])],
        "line_items": [ticket_line(account, one) for one in ticket_lines(account, row)],
        "worksheet_results": [],
        "assets": [],
        "appointments": [],
        "ticket_fields": [],
        "ticket_answers": [],
        "tag_list": row["tag_list"],
        "customer": customer(account, owner),
        "contact": contact(account, account.contacts.get(row["contact_id"])),
        "user": user(account, account.users.get(row["user_id"])),
        "ticket_type": {
            **TICKET_TYPE,
            "account_id": ACCOUNT_ID,
            **times(account, account.owner),
            "disabled": False,
            "intake_terms": None,
            "skip_intake": False,
            "outtake_terms": None,
            "skip_outtake": False,
            "ticket_fields": [],
        },
        "address": None,
        **family,
    }
