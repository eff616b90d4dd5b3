"""Answers about products, invoices, payments, and what recurs: schedules, contracts, estimates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import billing, lists, render_billing
from .render import Json, ticket_detail
from .request import Refusal, Request, flag, in_cents, text, whole
from .state import Account, Row, Table

Reply = tuple[int, object]


def list_products(account: Account, request: Request) -> Reply:
    """GET /products"""
    rows = list(lists.contain(account.products, request.asked("query"), "name", "description", "upc_code"))
    rows = list(lists.contain(rows, request.asked("name"), "name"))
    if request.asked("upc_code"):
        rows = [row for row in rows if row["upc_code"] == request.asked("upc_code")]
    if request.asked("sku"):
        rows = []  # no product here has one
    rows = lists.ordered(request, list(lists.chosen(request, rows, "id", "id_not")))
    return lists.page(account, request, "products", rows, render_billing.product)


def get_product(account: Account, request: Request) -> Reply:
    """GET /products/{id}"""
    return 200, {"product": render_billing.product(account, _find(account.products, request))}


def change_product(account: Account, request: Request) -> Reply:
    """PUT /products/{id}: only what is named changes."""
    row = _find(account.products, request)
    values: Row = {}
    for name in request.body.keys() & {"name", "description"}:
        values[name] = text(request.body[name])
        if values[name] is None:
            raise Refusal(422, {"success": False, "message": [f"{name.capitalize()} can't be blank"]})
    for name, kept in {"price_retail": "retail_cents", "price_cost": "cost_cents"}.items():
        if name in request.body:
            values[kept] = in_cents(request.body[name]) or 0
    for name in ("taxable", "disabled"):
        if flag(request.body.get(name)) is not None:
            values[name] = flag(request.body[name])
    account.products.change(row, {**values, "updated_at": request.now})
    return 200, {"product": render_billing.product(account, row)}


def _find(table: Table, request: Request) -> Row:
    row = table.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404)
    return row


def _find_invoice(account: Account, request: Request) -> Row:
    """The invoice that the path names by its id or by its number."""
    row = billing.find_invoice(account, request.ids[0])
    if row is None:
        raise Refusal(404)
    return row


def list_invoices(account: Account, request: Request) -> Reply:
    """GET /invoices: there is no filter by customer."""
    rows: Sequence[Row] = lists.Newest(account.invoices)
    if not lists.is_unfiltered(request):
        rows = lists.remembered(account, request, lambda: _find_invoices(account, request))
    return lists.page(account, request, "invoices", rows, render_billing.listed_invoice)


def _find_invoices(account: Account, request: Request) -> list[Row]:
    ticket_id = request.asked_id("ticket_id")
    found = account.invoices if ticket_id is None else account.invoices.where("ticket_id", ticket_id)
    rows = lists.newest(lists.since(account, request, found, since_updated_at="updated_at"))
    if flag(request.asked("paid")):
        rows = [row for row in rows if billing.is_paid(row)]
    if flag(request.asked("unpaid")):
        rows = [row for row in rows if not billing.is_paid(row)]
    return rows


def create_invoice(account: Account, request: Request) -> Reply:
    """POST /invoices"""
    row = billing.create_invoice(account, request.body, request.now)
    return 200, {"invoice": render_billing.invoice(account, row)}


def get_invoice(account: Account, request: Request) -> Reply:
    """GET /invoices/{id or number}"""
    return 200, {"invoice": render_billing.invoice_detail(account, _find_invoice(account, request))}


def change_invoice(account: Account, request: Request) -> Reply:
    """PUT /invoices/{id}"""
    row = _find_invoice(account, request)
    billing.change_invoice(account, row, request.body, request.now)
    return 200, {"invoice": render_billing.invoice(account, row)}


def delete_invoice(account: Account, request: Request) -> Reply:
    """DELETE /invoices/{id}: 200 also when it could not be deleted."""
    row = _find_invoice(account, request)
    billing.delete_invoice(account, row, request.now)
    return 200, {"message": f"{row['id']}: We deleted # {row['number']}"}


def invoice_ticket(account: Account, request: Request) -> Reply:
    """GET /invoices/{id}/ticket"""
    ticket = account.tickets.get(_find_invoice(account, request)["ticket_id"])
    if ticket is None:
        raise Refusal(404)
    return 200, {"ticket": ticket_detail(account, ticket)}


def add_line(account: Account, request: Request) -> Reply:
    """POST /invoices/{id}/line_items"""
    invoice = _open_invoice(account, request)
    if invoice is None:
        return _PAID
    row = billing.add_invoice_line(account, invoice, request.body, request.now)
    return 200, {"line_item": render_billing.invoice_line(account, row)}


def change_line(account: Account, request: Request) -> Reply:
    """PUT /invoices/{id}/line_items/{id}"""
    row = _find_line(account, request)
    invoice = _open_invoice(account, request)
    if invoice is None:
        return _PAID
    billing.change_invoice_line(account, invoice, row, request.body, request.now)
    return 200, {"line_item": render_billing.invoice_line(account, row)}


def remove_line(account: Account, request: Request) -> Reply:
    """DELETE /invoices/{id}/line_items/{id}: the invoice with its new totals."""
    row = _find_line(account, request)
    invoice = _open_invoice(account, request)
    if invoice is None:
        return _PAID
    billing.remove_invoice_line(account, invoice, row, request.now)
    return 200, {"invoice": render_billing.invoice(account, invoice)}


_PAID: Reply = (200, {"message": "Invoice is already paid"})


def _open_invoice(account: Account, request: Request) -> Row | None:
    """The invoice of the path; None where it is paid, which Syncro answers with 200 and does nothing."""
    row = _find_invoice(account, request)
    return None if billing.is_paid(row) else row


def _find_line(account: Account, request: Request) -> Row:
    invoice = _find_invoice(account, request)
    row = account.invoice_lines.get(whole(request.ids[1]))
    if row is None or row["invoice_id"] != invoice["id"]:
        raise Refusal(404)
    return row


def list_lines(account: Account, request: Request) -> Reply:
    """GET /line_items: of invoices and of estimates, the oldest first."""
    rows = account.invoice_lines.in_order()
    if not lists.is_unfiltered(request):
        rows = lists.remembered(account, request, lambda: _find_lines(account, request))
    return lists.page(account, request, "line_items", rows, render_billing.invoice_line)


def _find_lines(account: Account, request: Request) -> Iterable[Row]:
    found: Iterable[Row] = account.invoice_lines
    for name in ("invoice_id", "estimate_id"):
        if request.asked(name) is not None:
            found = account.invoice_lines.where(name, request.asked_id(name))
    rows = lists.equal(request, found, invoice_id="invoice_id", estimate_id="estimate_id")
    for name in ("invoice_id", "estimate_id"):
        if flag(request.asked(f"{name}_not_null")):
            rows = [row for row in rows if row[name] is not None]
    return rows


def list_payments(account: Account, request: Request) -> Reply:
    """GET /payments"""
    everything, words = lists.Newest(account.payments), request.asked("query")
    rows: Sequence[Row] = everything
    if not lists.is_unfiltered(request):
        rows = lists.remembered(account, request, lambda: lists.contain(everything, words, "ref_num", "payment_method"))
    return lists.page(account, request, "payments", rows, render_billing.payment_detail)


def get_payment(account: Account, request: Request) -> Reply:
    """GET /payments/{id}"""
    return 200, {"payment": render_billing.payment_detail(account, _find(account.payments, request))}


def create_payment(account: Account, request: Request) -> Reply:
    """POST /payments: shows tickets in place of the customer."""
    row = billing.add_payment(account, request.body, request.now)
    return 200, {"payment": {**render_billing.payment(account, row), "tickets": []}}


def list_payment_methods(account: Account, request: Request) -> Reply:
    """GET /payment_methods: all of them, without pages."""
    return 200, {"payment_methods": [render_billing.payment_method(account, row) for row in account.payment_methods]}


def list_schedules(account: Account, request: Request) -> Reply:
    """GET /schedules"""
    rows = list(lists.equal(request, account.schedules, customer_id="customer_id"))
    return lists.page(account, request, "schedules", rows, render_billing.schedule)


def get_schedule(account: Account, request: Request) -> Reply:
    """GET /schedules/{id}"""
    return 200, {"schedule": render_billing.schedule(account, _find(account.schedules, request))}


def list_contracts(account: Account, request: Request) -> Reply:
    """GET /contracts"""
    return lists.page(account, request, "contracts", list(account.contracts), render_billing.contract)


def get_contract(account: Account, request: Request) -> Reply:
    """GET /contracts/{id}: a flat object."""
    return 200, render_billing.contract(account, _find(account.contracts, request))


def list_estimates(account: Account, request: Request) -> Reply:
    """GET /estimates"""
    rows = lists.newest(account.estimates)
    status = (request.asked("status") or "").lower()
    if status in ("approved", "declined"):
        rows = [row for row in rows if row["status"].lower() == status]
    if flag(request.asked("mine")):
        rows = [row for row in rows if row["employee"] == account.owner["email"]]

    def show(account: Account, row: Row) -> Json:
        return render_billing.estimate(account, row)

    return lists.page(account, request, "estimates", rows, show)


def get_estimate(account: Account, request: Request) -> Reply:
    """GET /estimates/{id}"""
    return 200, {"estimate": render_billing.estimate_detail(account, _find(account.estimates, request))}
