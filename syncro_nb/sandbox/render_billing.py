"""Rows in the shape of Syncro's JSON: products, invoices, payments and what recurs."""

from __future__ import annotations

from ..money import line_cents, total
from .billing import is_paid, lines_of
from .render import Json, as_dollars, customer, day, first_instant, in_dollars, phone, stamp, times
from .state import ACCOUNT_ID, Account, Row


def product(account: Account, row: Row) -> Json:
    """A product; labour is one too."""
    return {
        "id": row["id"],
        "price_cost": as_dollars(row["cost_cents"]),
        "price_retail": as_dollars(row["retail_cents"]),
        "condition": None,
        "description": row["description"],
        "maintain_stock": row["maintain_stock"],
        "name": row["name"],
        "quantity": row["quantity"],
        "warranty": None,
        "sort_order": None,
        "reorder_at": None,
        "disabled": row["disabled"],
        "taxable": row["taxable"],
        "product_category": row["product_category"],
        "category_path": row["category_path"],
        "upc_code": row["upc_code"],
        "discount_percent": None,
        "warranty_template_id": None,
        "qb_item_id": None,
        "desired_stock_level": None,
        "price_wholesale": 0.0,
        "notes": None,
        "tax_rate_id": None,
        "physical_location": None,
        "serialized": False,
        "vendor_ids": [],
        "product_skus": [],
        "long_description": None,
        "location_quantities": [],
        "photos": [],
    }


def invoice(account: Account, row: Row) -> Json:
    """An invoice, as POST and PUT answer: without lines and without a balance."""
    hardware = row["hardwarecost_cents"]
    shown = {
        "id": row["id"],
        "customer_id": row["customer_id"],
        "customer_business_then_name": account.customers.rows[row["customer_id"]]["business_then_name"],
        "number": row["number"],
        "created_at": stamp(account, row["created_at"]),
        "updated_at": stamp(account, row["updated_at"]),
        "date": day(account, row["date"]),
        "due_date": day(account, row["due_date"]),
        "subtotal": in_dollars(row["subtotal_cents"]),
        "total": in_dollars(row["total_cents"]),
        "tax": in_dollars(row["tax_cents"]),
        "verified_paid": False,
        "tech_marked_paid": row["took_payment"],
        "ticket_id": row["ticket_id"],
        "pdf_url": None,
        "is_paid": is_paid(row),
        "location_id": None,
        "po_number": row["po_number"],
        "contact_id": row["contact_id"],
        "note": row["note"],
        "hardwarecost": None if hardware is None else in_dollars(hardware),
        "user_id": row["user_id"],
    }
    return {**shown, "name": row["name"]} if account.switches.autumn else shown


def listed_invoice(account: Account, row: Row) -> Json:
    """An invoice, as the list shows it: its balance is a number here, and a string in the detail."""
    shown = invoice(account, row)
    if not account.switches.invoice_rows_with_ticket_id:
        del shown["ticket_id"]
    if not account.switches.autumn:
        return shown
    return {
        **shown,
        **_links(row),
        "is_recurring": row["schedule_id"] is not None,
        "amount_paid": as_dollars(row["paid_cents"]),
        "balance_due": as_dollars(row["total_cents"] - row["paid_cents"]),
    }


def invoice_detail(account: Account, row: Row) -> Json:
    """An invoice, as it is shown by itself: with lines, payments and the customer, but without `customer_id`."""
    shown = invoice(account, row)
    for name in ("customer_id", "customer_business_then_name"):
        if account.switches.autumn or name == "customer_id":
            del shown[name]
    return {
        **shown,
        **(_links(row) if account.switches.autumn else {}),
        "balance_due": in_dollars(row["total_cents"] - row["paid_cents"]),
        "line_items": [invoice_line(account, one) for one in lines_of(account, row)],
        "payments": [payment(account, account.payments.rows[one]) for one in row["payment_ids"]],
        "customer": customer(account, account.customers.rows[row["customer_id"]]),
    }


def _links(row: Row) -> Json:
    return {"external_id": None, "schedule_id": row["schedule_id"], "qbsdk_external_id": None, "xero_id": None}


def invoice_line(account: Account, row: Row) -> Json:
    """A line of an invoice or an estimate: `item` is the product's name here, and `name` is the description."""
    return {
        "id": row["id"],
        **times(account, row),
        "invoice_id": row["invoice_id"],
        "item": row["item"],
        "name": row["name"],
        "cost": in_dollars(row["cost_cents"]),
        "price": in_dollars(row["price_cents"]),
        "quantity": row["quantity"],
        "product_id": row["product_id"],
        "taxable": row["taxable"],
        "discount_percent": row["discount_percent"],
        "position": row["position"],
        "invoice_bundle_id": None,
        "discount_dollars": row["discount_dollars"],
        "product_category": row["product_category"],
    }


def payment(account: Account, row: Row) -> Json:
    """What every form of a payment shows. Without an invoice, its list of them holds one null."""
    invoice_ids: list[int | None] = [int(invoice_id) for invoice_id in row["applied"]]
    return {
        "id": row["id"],
        **times(account, row),
        "success": row["success"],
        "payment_amount": as_dollars(row["amount_cents"]),
        "invoice_ids": invoice_ids or [None],
        "ref_num": row["ref_num"],
        "applied_at": day(account, row["applied_at"]),
        "payment_method": row["payment_method"],
        "transaction_response": None,
    }


def payment_detail(account: Account, row: Row) -> Json:
    """A payment, as GET shows it."""
    payer = customer(account, account.customers.rows[row["customer_id"]])
    return {**payment(account, row), "signature_date": None, "customer": payer}


def payment_method(account: Account, row: Row) -> Json:
    """A way to pay."""
    return {"id": row["id"], "name": row["name"], **times(account, row), "uses_card_processing": False}


def customer_detail(account: Account, row: Row) -> Json:
    """A customer, as it is shown by itself on real accounts: with links to what it has."""
    tickets = account.tickets.where("customer_id", row["id"])
    invoices = account.invoices.where("customer_id", row["id"])
    return {
        **customer(account, row),
        "ticket_links": [{name: one[name] for name in ("id", "number", "status", "subject")} for one in tickets],
        "invoice_links": [_invoice_link(account, one) for one in invoices],
        "phones": [phone(account, one) for one in account.phones.where("customer_id", row["id"])],
        "contracts": [contract(account, one) for one in account.contracts.where("customer_id", row["id"])],
        "addresses": [],
        "recurring_invoices": [
            {"id": one["id"], "name": one["name"], "frequency": one["frequency"]}
            for one in account.schedules.where("customer_id", row["id"])
        ],
        "prepay_hours": row["prepay_hours"],
        "kabuto_customer_id": None,
        "enable_internal_warning": False,
        "internal_warning_value": None,
        "default_device_policy_id": None,
        "since_updated_at": stamp(account, row["updated_at"]),
    }


def _invoice_link(account: Account, row: Row) -> Json:
    return {
        "id": row["id"],
        "number": row["number"],
        "took_payment": is_paid(row),
        "total": in_dollars(row["total_cents"]),
        "date": day(account, row["date"]),
    }


def contract(account: Account, row: Row) -> Json:
    """A contract; its amount is free text."""
    return {
        "id": row["id"],
        "account_id": ACCOUNT_ID,
        "customer_id": row["customer_id"],
        "name": row["name"],
        "contract_amount": row["contract_amount"],
        "start_date": first_instant(account, row["start_date"]),
        "end_date": first_instant(account, row["end_date"]),
        "primary_contact": row["primary_contact"],
        "description": row["description"],
        **times(account, row),
        "status": row["status"],
        "likelihood": row["likelihood"],
        "apply_to_all": row["apply_to_all"],
        "sla_id": row["sla_id"],
    }


def schedule(account: Account, row: Row) -> Json:
    """A recurring invoice."""
    lines = account.schedule_lines.where("schedule_id", row["id"])
    subtotal = total(line_cents(one["quantity"], one["retail_cents"]) for one in lines)
    return {
        "id": row["id"],
        "account_id": ACCOUNT_ID,
        "customer_id": row["customer_id"],
        "email_customer": row["email_customer"],
        "frequency": row["frequency"],
        "name": row["name"],
        "next_run": first_instant(account, row["next_run"]),
        "snail_mail": False,
        "charge_mop": False,
        "subtotal": as_dollars(subtotal),
        "invoice_unbilled_ticket_charges": row["invoice_unbilled_ticket_charges"],
        "paused": row["paused"],
        "last_invoice_paid": row["last_invoice_paid"],
        "lines": [_schedule_line(one) for one in lines],
    }


def _schedule_line(row: Row) -> Json:
    return {
        "id": row["id"],
        "cost_cents": row["cost_cents"],
        "description": row["description"],
        "name": row["name"],
        "position": row["position"],
        "product_id": row["product_id"],
        "quantity": row["quantity"],
        "retail_cents": row["retail_cents"],
        "schedule_id": row["schedule_id"],
        "taxable": row["taxable"],
        "user_id": row["user_id"],
        "price_cost": as_dollars(row["cost_cents"]),
        "price_retail": as_dollars(row["retail_cents"]),
        "product_category": row["product_category"],
        "asset_type_id": None,
        "recurring_type_id": None,
        "device_ids": [],
        "one_time_charge": False,
    }


def estimate(account: Account, row: Row) -> Json:
    """An estimate, as the list shows it."""
    return {
        "id": row["id"],
        "customer_id": row["customer_id"],
        "customer_business_then_name": account.customers.rows[row["customer_id"]]["business_then_name"],
        "name": row["name"],
        "number": row["number"],
        "status": row["status"],
        **times(account, row),
        "date": first_instant(account, row["date"]),
        "subtotal": in_dollars(row["subtotal_cents"]),
        "total": in_dollars(row["total_cents"]),
        "tax": in_dollars(row["tax_cents"]),
        "ticket_id": row["ticket_id"],
        "pdf_url": None,
        "location_id": None,
        "invoice_id": row["invoice_id"],
        "employee": row["employee"],
    }


def estimate_detail(account: Account, row: Row) -> Json:
    """An estimate, as it is shown by itself on real accounts: with lines."""
    lines = account.invoice_lines.where("estimate_id", row["id"])
    return {**estimate(account, row), "line_items": [invoice_line(account, one) for one in lines]}


def timelog(account: Account, row: Row) -> Json:
    """A technician's attendance."""
    return {
        "id": row["id"],
        "in_at": stamp(account, row["in_at"]),
        "out_at": stamp(account, row["out_at"]),
        "account_id": ACCOUNT_ID,
        "user_id": row["user_id"],
        "in_note": None,
        "out_note": None,
        **times(account, row),
        "lunch": row["lunch"],
        "manually_updated": row["manually_updated"],
    }
