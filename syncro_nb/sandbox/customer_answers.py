"""Answers about customers and contacts, and the search over everything."""

from __future__ import annotations

from . import lists, people, render, render_billing
from .render import Json
from .request import Refusal, Request, flag, whole
from .state import Account, Row

Reply = tuple[int, object]

_WORDS = ("business_name", "firstname", "lastname", "email", "phone", "mobile")


def _find_customer(account: Account, request: Request) -> Row:
    row = account.customers.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404)
    return row


def list_customers(account: Account, request: Request) -> Reply:
    """GET /customers: without those that are disabled, unless they are asked for."""
    with_disabled = flag(request.asked("include_disabled"))
    rows = [row for row in account.customers if with_disabled or not row["disabled"]]
    rows = _matching(rows, request.asked("query"))
    for name in ("firstname", "lastname", "business_name", "email"):
        rows = list(lists.contain(rows, request.asked(name), name))
    rows = list(lists.since(account, request, rows, since_updated_at="updated_at"))
    rows = lists.ordered(request, list(lists.chosen(request, rows, "id", "not_id", "id_not")))
    return lists.page(account, request, "customers", rows, render.customer)


def _matching(rows: list[Row], words: str | None) -> list[Row]:
    if not words:
        return rows
    sought = words.lower()
    return [row for row in rows if sought in " ".join(str(row[name] or "") for name in _WORDS).lower()]


def complete_customers(account: Account, request: Request) -> Reply:
    """GET /customers/autocomplete"""
    rows = [row for row in account.customers if not row["disabled"]]
    found = _matching(rows, request.asked("query"))[:25]
    return 200, {"customers": [render.customer(account, row) for row in found]}


def latest_customer(account: Account, request: Request) -> Reply:
    """GET /customers/latest"""
    rows = list(account.customers)
    if not rows:
        raise Refusal(404)
    return 200, {"customer": render_billing.customer_detail(account, rows[-1])}


def get_customer(account: Account, request: Request) -> Reply:
    """GET /customers/{id}"""
    return 200, {"customer": render_billing.customer_detail(account, _find_customer(account, request))}


def create_customer(account: Account, request: Request) -> Reply:
    """POST /customers"""
    row = people.create_customer(account, request.body, request.now)
    return 200, {"customer": render_billing.customer_detail(account, row)}


def change_customer(account: Account, request: Request) -> Reply:
    """PUT /customers/{id}"""
    row = _find_customer(account, request)
    people.change_customer(account, row, request.body, request.now)
    return 200, {"customer": render_billing.customer_detail(account, row)}


def delete_customer(account: Account, request: Request) -> Reply:
    """DELETE /customers/{id}"""
    people.delete_customer(account, _find_customer(account, request))
    return 200, {"message": "Customer was deleted from the system."}


def list_phones(account: Account, request: Request) -> Reply:
    """GET /customers/{id}/phones"""
    rows = account.phones.where("customer_id", _find_customer(account, request)["id"])
    return 200, {"phones": [render.phone(account, row) for row in lists.newest(rows)]}


def _find_contact(account: Account, request: Request) -> Row:
    row = account.contacts.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404, {"message": "Not found"})
    return row


def list_contacts(account: Account, request: Request) -> Reply:
    """GET /contacts"""
    customer_id = request.asked_id("customer_id")
    rows = list(account.contacts) if customer_id is None else account.contacts.where("customer_id", customer_id)

    def show(account: Account, row: Row) -> Json:
        return render.contact(account, row) or {}

    return lists.page(account, request, "contacts", rows, show)


def get_contact(account: Account, request: Request) -> Reply:
    """GET /contacts/{id}: a flat object."""
    return 200, render.contact(account, _find_contact(account, request))


def create_contact(account: Account, request: Request) -> Reply:
    """POST /contacts: a flat object."""
    try:
        return 200, render.contact(account, people.create_contact(account, request.body, request.now))
    except people.BadContact as bad:
        record = render.contact(account, bad.row) or {}
        record.pop("ticket_matching_emails", None)  # a contact that was not saved matches none
        raise Refusal(422, {"record": record, "errors": bad.errors}) from None


def change_contact(account: Account, request: Request) -> Reply:
    """PUT /contacts/{id}: a flat object."""
    row = _find_contact(account, request)
    try:
        people.change_contact(account, row, request.body, request.now)
    except people.BadContact as bad:
        raise Refusal(422, {"record": render.contact(account, bad.row), "errors": bad.errors}) from None
    return 200, render.contact(account, row)


def delete_contact(account: Account, request: Request) -> Reply:
    """DELETE /contacts/{id}: its tickets stay, without a contact."""
    row = _find_contact(account, request)
    for ticket in account.tickets.where("customer_id", row["customer_id"]):
        if ticket["contact_id"] == row["id"]:
            account.tickets.change(ticket, {"contact_id": None})
    account.contacts.remove(row)
    return 200, {"success": True}


def search(account: Account, request: Request) -> Reply:
    """GET /search: customers, contacts, tickets and invoices in which the words occur."""
    words = request.asked("query")
    found: list[Json] = []
    if words:
        for row in _matching(list(account.customers), words):
            phones = [render.phone(account, one) for one in account.phones.where("customer_id", row["id"])]
            shown = {name: row[name] for name in ("firstname", "lastname", "email", "business_name")}
            found.append(_hit("customer", row, {**shown, "phones": phones}))
        kinds = {
            "contact": (account.contacts, ("name", "email", "customer_id")),
            "ticket": (account.tickets, ("number", "subject", "status")),
            "invoice": (account.invoices, ("number", "customer_id", "date")),
        }
        for kind, (table, names) in kinds.items():
            for row in lists.contain(lists.newest(table), words, *names[:2]):
                found.append(_hit(kind, row, {name: row[name] for name in names}))
    return 200, {"quick_result": None, "results": found[:50], "error": None}


def _hit(kind: str, row: Row, shown: Json) -> Json:
    return {"table": {"_id": row["id"], "_type": kind, "_index": f"{kind}s", "_source": {"table": shown}}}
