"""What can be done to invoices, their lines and payments, and what that does to prepaid hours.

`fields` and `now` are as in `desk`.
"""

from __future__ import annotations

from decimal import Decimal

from ..money import cents, exact, line_cents, tax_cents, total
from .desk import change_ticket
from .request import Refusal, flag, in_cents, listed, number, shortest, text, whole
from .state import Account, Row, is_resolved
from .times import from_ms, read_date

PREPAY_CATEGORY = "Prepay Hours"


def create_invoice(account: Account, fields: Row, now: int) -> Row:
    """POST /invoices. With `ticket_id` it takes the ticket's lines that are not converted yet, and never its timers."""
    ticket = account.tickets.get(whole(fields.get("ticket_id")))
    if fields.get("ticket_id") and ticket is None:
        raise Refusal(422, {"success": False, "message": ["Ticket must exist"]})
    asked = whole(fields.get("customer_id"))
    customer = account.customers.get(asked if asked or not ticket else ticket["customer_id"])
    if customer is None:
        raise Refusal(422, {"success": False, "message": ["Customer can't be blank"]})
    zone = account.switches.zone
    day = read_date(fields.get("date"), zone) or from_ms(now, zone).date().isoformat()
    contact = ticket["contact_id"] if ticket else None
    row = account.invoices.add(
        {
            "number": text(fields.get("number")) or str(account.next_invoice_number),
            "name": text(fields.get("name")),
            "customer_id": customer["id"],
            "created_at": now,
            "updated_at": now,
            "date": day,
            "due_date": read_date(fields.get("due_date"), zone) or day,
            "ticket_id": ticket["id"] if ticket else None,
            "contact_id": contact,
            "po_number": text(fields.get("po_number")),
            "note": text(fields.get("note")),
            "hardwarecost_cents": None,
            "user_id": account.owner_id,
            "schedule_id": None,
            "took_payment": False,
            "tax_percent": str(account.switches.tax_rate(customer["tax_rate_id"])),
            "subtotal_cents": 0,
            "tax_cents": 0,
            "total_cents": 0,
            "paid_cents": 0,
            "payment_ids": [],
        }
    )
    if not text(fields.get("number")):
        account.next_invoice_number += 1
    draws = draws_hours(account, customer)  # asked once: an invoice may take the balance below zero
    if ticket:
        _take_ticket_lines(account, row, ticket, draws, now)
    if account.switches.invoice_create_line_items == "honour":
        for line in listed(fields.get("line_items")):
            if isinstance(line, dict):
                _add_line(account, row, _with_omitted(account, line), draws, now)
    recompute(account, row)
    if flag(fields.get("took_payment")):
        row["took_payment"] = True
    return row


def _take_ticket_lines(account: Account, invoice: Row, ticket: Row, draws: bool, now: int) -> None:
    for line in account.ticket_lines.where("ticket_id", ticket["id"]):
        if not line["converted"]:
            _take_line(account, invoice, line, draws, now)
    account.tickets.change(ticket, {"billing_status": "invoiced", "updated_at": now})


def sweep_tickets(account: Account, invoice: Row, now: int) -> None:
    """The pending lines of all resolved tickets of the customer go on an invoice that names none of them."""
    draws = draws_hours(account, account.customers.rows[invoice["customer_id"]])
    for ticket in account.tickets.where("customer_id", invoice["customer_id"]):
        pending = [one for one in account.ticket_lines.where("ticket_id", ticket["id"]) if not one["converted"]]
        if pending and is_resolved(ticket["status"]):
            for line in pending:
                _take_line(account, invoice, line, draws, now)
            change_ticket(account, ticket, {"status": "Invoiced"}, now)
            account.tickets.change(ticket, {"billing_status": "invoiced"})
    _touch(account, invoice, now)


def _take_line(account: Account, invoice: Row, line: Row, draws: bool, now: int) -> None:
    taken = {
        "item": line["name"],
        "name": line["description"],
        "quantity": line["quantity"],
        "product_id": line["product_id"],
        "price_cents": line["retail_cents"] or 0,
        "cost_cents": line["cost_cents"] or 0,
        "taxable": line["taxable"],
        "ticket_line_id": line["id"],
    }
    _add_line(account, invoice, taken, draws, now)
    account.ticket_lines.change(line, {"converted": True, "updated_at": now})


def change_invoice(account: Account, row: Row, fields: Row, now: int) -> None:
    """PUT /invoices/{id}. What is computed is ignored, and the hardware cost appears."""
    zone = account.switches.zone
    values: Row = {name: text(fields[name]) for name in fields.keys() & {"name", "po_number", "note"}}
    for name in fields.keys() & {"date", "due_date"}:
        values[name] = read_date(fields[name], zone) or row[name]
    if text(fields.get("number")):
        values["number"] = text(fields["number"])
    for name, table in {"customer_id": account.customers, "ticket_id": account.tickets}.items():
        found = table.get(whole(fields.get(name)))
        if found:
            values[name] = found["id"]
    if flag(fields.get("took_payment")) is not None:
        values["took_payment"] = flag(fields["took_payment"])
    account.invoices.change(row, {**values, "updated_at": now})
    _cost_hardware(account, row)


def delete_invoice(account: Account, row: Row, now: int) -> bool:
    """DELETE /invoices/{id}: whether it is gone. One with payments stays. Its ticket's lines can be invoiced again."""
    if row["paid_cents"]:
        return False
    for line in lines_of(account, row):
        _undo_line(account, row, line, now)
        account.invoice_lines.remove(line)
    account.invoices.remove(row)
    ticket = account.tickets.get(row["ticket_id"])
    if ticket and not account.invoices.where("ticket_id", ticket["id"]):
        account.tickets.change(ticket, {"billing_status": None, "updated_at": now})
    return True


def add_invoice_line(account: Account, invoice: Row, fields: Row, now: int) -> Row:
    """POST /invoices/{id}/line_items: the product's price and cost win, and its tax counts; its names only fill in."""
    product = _find_product(account, fields)
    line = _with_omitted(account, fields)
    if product:
        both = product["taxable"] and line["taxable"]
        line.update(price_cents=product["retail_cents"], cost_cents=product["cost_cents"], taxable=both)
    customer = account.customers.rows[invoice["customer_id"]]
    row = _add_line(account, invoice, line, draws_hours(account, customer), now)
    _touch(account, invoice, now)
    return row


def change_invoice_line(account: Account, invoice: Row, row: Row, fields: Row, now: int) -> None:
    """PUT /invoices/{id}/line_items/{id}: only what is named changes."""
    values: Row = {name: text(fields[name]) or row[name] for name in fields.keys() & {"item", "name"}}
    for name, kept in {"price": "price_cents", "cost": "cost_cents"}.items():
        if name in fields:
            values[kept] = in_cents(fields[name]) or 0
    if "quantity" in fields:
        values["quantity"] = shortest(number(fields["quantity"]) or 0)
    if flag(fields.get("taxable")) is not None:
        values["taxable"] = flag(fields["taxable"])
    account.invoice_lines.change(row, {**values, **_discounts(fields), "updated_at": now})
    _touch(account, invoice, now)


def remove_invoice_line(account: Account, invoice: Row, row: Row, now: int) -> None:
    """DELETE /invoices/{id}/line_items/{id}."""
    _undo_line(account, invoice, row, now)
    account.invoice_lines.remove(row)
    _touch(account, invoice, now)


def add_payment(account: Account, fields: Row, now: int) -> Row:
    """POST /payments: cents come in. To one invoice, by id or number, or to several by `apply_payments`."""
    applied = _applied(account, fields)
    amount = whole(fields.get("amount_cents"))
    amount = total(applied.values()) if amount is None else amount
    customer = account.customers.get(whole(fields.get("customer_id")))
    if customer is None:
        raise Refusal(422, {"success": False, "message": ["Customer can't be blank"]})
    if not amount:
        raise Refusal(422, {"success": False, "message": ["Payment amount can't be blank"]})
    if not any(applied.values()):
        applied = dict.fromkeys(applied, amount)
    row = account.payments.add(
        {
            "created_at": now,
            "updated_at": now,
            "customer_id": customer["id"],
            "amount_cents": amount,
            "applied": {str(invoice_id): part for invoice_id, part in applied.items()},
            "ref_num": text(fields.get("ref_num")),
            "applied_at": from_ms(now, account.switches.zone).date().isoformat(),
            "payment_method": text(fields.get("payment_method")),
            "success": True,
            "signature_date": None,
        }
    )
    for invoice_id, part in applied.items():
        invoice = account.invoices.rows[invoice_id]
        paid = {"paid_cents": invoice["paid_cents"] + part, "payment_ids": [*invoice["payment_ids"], row["id"]]}
        account.invoices.change(invoice, {**paid, "updated_at": now})
    return row


def _applied(account: Account, fields: Row) -> dict[int, int]:
    named = fields.get("apply_payments")
    one = fields.get("invoice_id") or fields.get("invoice_number")
    wanted = named if isinstance(named, dict) and named else {one: 0} if text(one) else {}
    applied: dict[int, int] = {}
    for invoice_id, part in wanted.items():
        invoice = find_invoice(account, invoice_id)
        if invoice is None:
            raise Refusal(422, {"success": False, "message": ["Invoice not found"]})
        applied[invoice["id"]] = applied.get(invoice["id"], 0) + (whole(part) or 0)
    return applied


def find_invoice(account: Account, named: object) -> Row | None:
    """An invoice by its id, or else by its number."""
    by_number = account.invoices.where("number", text(named))
    return account.invoices.get(whole(named)) or (by_number[-1] if by_number else None)


def lines_of(account: Account, invoice: Row) -> list[Row]:
    """The lines of an invoice."""
    return account.invoice_lines.where("invoice_id", invoice["id"])


def recompute(account: Account, invoice: Row) -> None:
    """Subtotal, tax and total anew: each line is rounded to the cent, the tax once."""
    lines = lines_of(account, invoice)
    subtotal = total(map(amount_cents, lines))
    tax = tax_cents(total(amount_cents(line) for line in lines if line["taxable"]), Decimal(invoice["tax_percent"]))
    invoice.update(subtotal_cents=subtotal, tax_cents=tax, total_cents=subtotal + tax)


def amount_cents(line: Row) -> int:
    """What a line comes to."""
    full = line_cents(line["quantity"], line["price_cents"])
    share = exact(line["discount_percent"] or "0")
    return full - cents(share * full / 10_000) - cents(line["discount_dollars"] or "0")


def is_paid(invoice: Row) -> bool:
    """Whether an invoice counts as paid. One of $0.00 does not, until somebody takes a payment."""
    if invoice.get("wrong_flag") is not None:  # planted: the flag and the payments disagree
        return bool(invoice["wrong_flag"])
    return bool(invoice["took_payment"] or 0 < invoice["paid_cents"] >= invoice["total_cents"])


def draws_hours(account: Account, customer: Row) -> bool:
    """Whether labour of this customer is taken from hours that were paid before."""
    return account.switches.prepaid_draws and exact(customer["prepay_hours"] or "0") > 0


def is_labor(product: Row | None) -> bool:
    """Whether a product is labour: its category path says so."""
    return product is not None and "Labor" in (product["category_path"] or "")


def _find_product(account: Account, fields: Row) -> Row | None:
    product = account.products.get(whole(fields.get("product_id")))
    item = text(fields.get("item"))
    if product is None and item:
        product = next((one for one in account.products if one["name"] == item), None)
    return product


def _with_omitted(account: Account, fields: Row) -> Row:
    """The values of a new invoice line, with what was left out filled in from the product."""
    product = _find_product(account, fields) or {}
    item, name, taxable = text(fields.get("item")), text(fields.get("name")), flag(fields.get("taxable"))
    if item is None and name is None:
        item, name = product.get("name"), product.get("description")
    price, cost = in_cents(fields.get("price")), in_cents(fields.get("cost"))
    return {
        "item": item,
        "name": name,
        "quantity": shortest(number(fields.get("quantity", 1)) or 0),
        "product_id": product.get("id"),
        "price_cents": product.get("retail_cents", 0) if price is None else price,
        "cost_cents": product.get("cost_cents", 0) if cost is None else cost,
        "taxable": product.get("taxable", True) if taxable is None else taxable,
        "ticket_line_id": None,
        **_discounts(fields),
    }


def _discounts(fields: Row) -> Row:
    values: Row = {}
    for name, kept in {"line_discount_percent": "discount_percent", "discount_dollars": "discount_dollars"}.items():
        if name in fields:
            share = number(fields[name])
            values[kept] = None if share is None else shortest(share)
    return values


def _add_line(account: Account, invoice: Row, line: Row, draws: bool, now: int) -> Row:
    """One more line. Labour that prepaid hours pay for costs nothing and draws them; hours that are sold add to them."""
    product = account.products.get(line["product_id"])
    customer = account.customers.rows[invoice["customer_id"]]
    drawn = "0.0"
    if draws and is_labor(product):
        drawn = line["quantity"]
        line = {**line, "price_cents": 0}
    elif product and product["product_category"] == PREPAY_CATEGORY:
        drawn = shortest(-exact(line["quantity"]))
    _move_hours(customer, -exact(drawn), now)
    return account.invoice_lines.add(
        {
            "created_at": now,
            "updated_at": now,
            "invoice_id": invoice["id"],
            "estimate_id": None,
            "discount_percent": None,
            "discount_dollars": None,
            "product_category": product["product_category"] if product else None,
            "position": 1 + max((one["position"] for one in lines_of(account, invoice)), default=0),
            "drawn_hours": drawn,
            **line,
        }
    )


def _undo_line(account: Account, invoice: Row, line: Row, now: int) -> None:
    """The ticket's line is free again, and hours that were drawn come back."""
    _move_hours(account.customers.rows[invoice["customer_id"]], exact(line["drawn_hours"]), now)
    ticket_line = account.ticket_lines.get(line["ticket_line_id"])
    if ticket_line:
        account.ticket_lines.change(ticket_line, {"converted": False, "updated_at": now})


def _move_hours(customer: Row, hours: Decimal, now: int) -> None:
    if hours:
        left = exact(customer["prepay_hours"] or "0") + hours
        customer.update(prepay_hours=shortest(left), updated_at=now)


def _touch(account: Account, invoice: Row, now: int) -> None:
    recompute(account, invoice)
    _cost_hardware(account, invoice)
    account.invoices.change(invoice, {"updated_at": now})


def _cost_hardware(account: Account, invoice: Row) -> None:
    parts = (line for line in lines_of(account, invoice) if not is_labor(account.products.get(line["product_id"])))
    invoice["hardwarecost_cents"] = total(line_cents(line["quantity"], line["cost_cents"]) for line in parts)
