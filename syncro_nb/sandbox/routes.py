"""From a request to Syncro's answer: the table of routes, the key, permissions, and the shape of a refusal.

Pure: given the account, the request and the instant, it gives status and body, and knows no socket and no clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from . import account_answers as desk_account
from . import billing_answers as money
from . import customer_answers as people
from . import ticket_answers as desk
from .request import PREFIX, Refusal, Request
from .state import Account

Reply = tuple[int, object]
Operation = Callable[[Account, Request], Reply]

ROUTES: dict[str, tuple[str, Operation]] = {
    # operation: (area of permissions, or "" where everybody may), what does it
    "GET /me": ("", desk_account.me),
    "GET /users": ("", desk_account.list_users),
    "GET /users/{id}": ("", desk_account.get_user),
    "GET /settings": ("", desk_account.settings),
    "GET /tickets/settings": ("", desk_account.ticket_settings),
    "GET /timelogs": ("timelog", desk_account.list_timelogs),
    "GET /search": ("customer", people.search),
    "GET /customers": ("customer", people.list_customers),
    "POST /customers": ("customer", people.create_customer),
    "GET /customers/autocomplete": ("", people.complete_customers),
    "GET /customers/latest": ("customer", people.latest_customer),
    "GET /customers/{id}": ("customer", people.get_customer),
    "PUT /customers/{id}": ("customer", people.change_customer),
    "DELETE /customers/{id}": ("customer", people.delete_customer),
    "GET /customers/{id}/phones": ("customer", people.list_phones),
    "GET /contacts": ("customer", people.list_contacts),
    "POST /contacts": ("customer", people.create_contact),
    "GET /contacts/{id}": ("customer", people.get_contact),
    "PUT /contacts/{id}": ("customer", people.change_contact),
    "DELETE /contacts/{id}": ("customer", people.delete_contact),
    "GET /tickets": ("ticket", desk.list_tickets),
    "POST /tickets": ("ticket", desk.create_ticket),
    "GET /tickets/{id}": ("ticket", desk.get_ticket),
    "PUT /tickets/{id}": ("ticket", desk.change_ticket),
    "DELETE /tickets/{id}": ("ticket", desk.delete_ticket),
    "GET /tickets/{id}/comments": ("ticket", desk.list_comments),
    "POST /tickets/{id}/comment": ("ticket", desk.add_comment),
    "POST /tickets/{id}/add_line_item": ("ticket", desk.add_line),
    "PUT /tickets/{id}/update_line_item": ("ticket", desk.change_line),
    "POST /tickets/{id}/remove_line_item": ("ticket", desk.remove_line),
    "POST /tickets/{id}/timer_entry": ("timer", desk.enter_time),
    "PUT /tickets/{id}/update_timer_entry": ("timer", desk.change_time),
    "POST /tickets/{id}/delete_timer_entry": ("timer", desk.delete_time),
    "POST /tickets/{id}/charge_timer_entry": ("timer", desk.charge_time),
    "GET /ticket_timers": ("timer", desk.list_timers),
    "PATCH /ticket_timers/{id}": ("timer", desk.change_billable),
    "POST /ticket_timers": ("timer", desk.start_timer),
    "POST /ticket_timers/{id}/start": ("timer", desk.move_timer),
    "POST /ticket_timers/{id}/pause": ("timer", desk.move_timer),
    "POST /ticket_timers/{id}/stop": ("timer", desk.move_timer),
    "GET /ticket_comments": ("ticket", desk.list_all_comments),
    "GET /products": ("product", money.list_products),
    "GET /products/{id}": ("product", money.get_product),
    "PUT /products/{id}": ("product", money.change_product),
    "GET /invoices": ("invoice", money.list_invoices),
    "POST /invoices": ("invoice", money.create_invoice),
    "GET /invoices/{id}": ("invoice", money.get_invoice),
    "PUT /invoices/{id}": ("invoice", money.change_invoice),
    "DELETE /invoices/{id}": ("invoice", money.delete_invoice),
    "GET /invoices/{id}/ticket": ("invoice", money.invoice_ticket),
    "POST /invoices/{id}/line_items": ("invoice", money.add_line),
    "PUT /invoices/{id}/line_items/{id}": ("invoice", money.change_line),
    "DELETE /invoices/{id}/line_items/{id}": ("invoice", money.remove_line),
    "GET /line_items": ("global_admin", money.list_lines),
    "GET /payments": ("payment", money.list_payments),
    "POST /payments": ("payment", money.create_payment),
    "GET /payments/{id}": ("payment", money.get_payment),
    "GET /payment_methods": ("", money.list_payment_methods),
    "GET /schedules": ("schedule", money.list_schedules),
    "GET /schedules/{id}": ("schedule", money.get_schedule),
    "GET /contracts": ("contract", money.list_contracts),
    "GET /contracts/{id}": ("contract", money.get_contract),
    "GET /estimates": ("estimate", money.list_estimates),
    "GET /estimates/{id}": ("estimate", money.get_estimate),
}

# These came between April and autumn 2026.
_AUTUMN_ONLY = {"GET /ticket_comments", *(name for name in ROUTES if name.startswith("POST /ticket_timers"))}

_NO_PERMISSION = {"error": "Not authorized. Please ask account admin to update your group permissions."}
_NO_ROUTE = {"status": 404, "error": "Not Found"}


def answer(account: Account, request: Request) -> Reply:
    """Do what is asked. A body of None stands for no body at all; a text for a page that is not JSON."""
    try:
        operation, area, act = _find(account, request)
        verb = {"GET": "read", "DELETE": "delete"}.get(operation.split()[0], "write")
        if verb != "read":
            account.found.clear()
        if area and account.switches.denies(area, verb):
            raise Refusal(401, _NO_PERMISSION)
        return act(account, request)
    except Refusal as refusal:
        return refusal.status, refusal.body


def is_list(request: Request) -> bool:
    """Whether a whole collection is asked for, and not one record."""
    return _method(request) == "GET" and f"GET {request.path.removeprefix(PREFIX)}" in ROUTES


def has_key(request: Request, key: str) -> bool:
    """Whether the right key was sent in one of the four places where Syncro takes it. It is removed from all of them."""
    bearer = request.headers.get("authorization", "")
    bearer = bearer.removeprefix("Bearer ").strip()
    sent = [*request.query.pop("api_key", []), request.body.pop("api_key", None), bearer]
    return key in sent


WRONG_KEY = Refusal(401, {"error": "Unauthorized"})


def as_bytes(body: object) -> tuple[str, bytes]:
    """The content type and the bytes of a reply's body."""
    if isinstance(body, str):
        return "text/html; charset=utf-8", body.encode()
    return "application/json; charset=utf-8", b"" if body is None else json.dumps(body).encode()


def _find(account: Account, request: Request) -> tuple[str, str, Operation]:
    if not request.path.startswith(PREFIX + "/"):
        raise Refusal(404, _NO_ROUTE)
    parts = request.path.removeprefix(PREFIX + "/").split("/")
    for operation in _BY_SHAPE.get((_method(request), len(parts)), ()):
        pattern = operation.split("/")[1:]
        if all(want in ("{id}", got) for want, got in zip(pattern, parts, strict=True)):
            if operation in _AUTUMN_ONLY and not account.switches.autumn:
                break
            request.ids = tuple(got for want, got in zip(pattern, parts, strict=True) if want == "{id}")
            return operation, *ROUTES[operation]
    raise Refusal(404, _NO_ROUTE)


def _method(request: Request) -> str:
    return "GET" if request.method == "HEAD" else request.method


def _shapes() -> dict[tuple[str, int], list[str]]:
    """The operations by method and number of path segments; those with fewer {id} first, so that words win."""
    shapes: dict[tuple[str, int], list[str]] = {}
    for operation in sorted(ROUTES, key=lambda name: name.count("{id}")):
        method, path = operation.split()
        shapes.setdefault((method, path.count("/")), []).append(operation)
    return shapes


_BY_SHAPE = _shapes()
