"""Answers about tickets: the operations below /tickets, /ticket_timers and /ticket_comments."""

from __future__ import annotations

from collections.abc import Iterable

from . import desk, lists, render, timers
from .render import Json
from .request import Refusal, Request, flag, text, whole
from .state import Account, Row, is_resolved

Reply = tuple[int, object]


def find_ticket(account: Account, request: Request) -> Row:
    """The ticket that the path names by its id."""
    row = account.tickets.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404)
    return row


def list_tickets(account: Account, request: Request) -> Reply:
    """GET /tickets"""
    whole_talk = flag(request.asked("all_comments")) or False

    def show(account: Account, row: Row) -> Json:
        return render.listed_ticket(account, row, all_comments=whole_talk)

    if lists.is_unfiltered(request):
        return lists.page(account, request, "tickets", lists.Newest(account.tickets), show)
    rows = lists.remembered(account, request, lambda: _find_tickets(account, request))
    return lists.page(account, request, "tickets", rows, show)


def _find_tickets(account: Account, request: Request) -> list[Row]:
    rows = _filtered(account, request)
    words = (request.asked("query") or "").lower()
    if words:
        rows = [row for row in rows if words in _searchable(account, row)]
    if account.switches.autumn:
        rows = list(lists.equal(request, rows, parent_id="parent_id"))
        if request.asked("asset_name") or request.asked("asset_serial"):
            rows = []  # there are no assets here
    return rows


def _filtered(account: Account, request: Request) -> list[Row]:
    """Newest first, by the filters that /tickets and /ticket_comments share."""
    customer_id, number = request.asked_id("customer_id"), request.asked("number")
    found: Iterable[Row] = account.tickets
    if number is not None and request.path.endswith("/tickets"):
        found = account.tickets.where("number", whole(number))
    elif customer_id is not None:
        found = account.tickets.where("customer_id", customer_id)
    rows = lists.equal(request, found, customer_id="customer_id", contact_id="contact_id", user_id="user_id")
    rows = lists.since(
        account,
        request,
        rows,
        resolved_after="resolved_at",
        created_after="created_at",
        since_updated_at="updated_at",
    )
    status = request.asked("status")
    if status == "Not Closed":
        rows = (row for row in rows if not is_resolved(row["status"]))
    elif status is not None:
        rows = (row for row in rows if row["status"] == status)
    if flag(request.asked("mine")):
        rows = (row for row in rows if row["user_id"] == account.owner_id)
    return lists.newest(rows)


def _searchable(account: Account, row: Row) -> str:
    customer = account.customers.rows[row["customer_id"]]
    return f"{row['number']} {row['subject']} {customer['business_then_name']}".lower()


def create_ticket(account: Account, request: Request) -> Reply:
    """POST /tickets"""
    return _detail(account, desk.create_ticket(account, request.body, request.now))


def get_ticket(account: Account, request: Request) -> Reply:
    """GET /tickets/{id}"""
    return _detail(account, find_ticket(account, request))


def change_ticket(account: Account, request: Request) -> Reply:
    """PUT /tickets/{id}"""
    row = find_ticket(account, request)
    desk.change_ticket(account, row, request.body, request.now)
    return _detail(account, row)


def _detail(account: Account, row: Row) -> Reply:
    return 200, {"ticket": render.ticket_detail(account, row)}


def delete_ticket(account: Account, request: Request) -> Reply:
    """DELETE /tickets/{id}"""
    row = account.tickets.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404, {"message": "Not found"})
    desk.delete_ticket(account, row)
    return 200, {"message": "Ticket was successfully deleted. "}


def list_comments(account: Account, request: Request) -> Reply:
    """GET /tickets/{id}/comments"""
    rows = account.comments.where("ticket_id", find_ticket(account, request)["id"])
    kept = lists.since(account, request, rows, created_after="created_at", updated_after="updated_at")
    kept = lists.before(account, request, kept, created_before="created_at", updated_before="updated_at")
    by = "updated_at" if request.asked("sort_by") == "updated_at" else "created_at"
    falling = (request.asked("sort_direction") or "DESC").upper() != "ASC"
    order = sorted(kept, key=lambda row: (row[by], row["id"]), reverse=falling)
    return lists.page(account, request, "comments", order, render.listed_comment)


def list_all_comments(account: Account, request: Request) -> Reply:
    """GET /ticket_comments: by ticket, the newest first within each."""
    rows = lists.remembered(account, request, lambda: _find_comments(account, request))
    return lists.page(account, request, "ticket_comments", rows, render.listed_comment, wrapper="comments")


def _find_comments(account: Account, request: Request) -> Iterable[Row]:
    tickets = _filtered(account, request)
    one = request.asked_id("ticket_id")
    if one is not None:
        tickets = [row for row in tickets if row["id"] == one]
    rows = [
        comment
        for row in sorted(tickets, key=lambda row: int(row["id"]))
        for comment in reversed(account.comments.where("ticket_id", row["id"]))
    ]
    kept = lists.since(account, request, rows, comment_created_after="created_at")
    return lists.before(account, request, kept, comment_created_before="created_at")


def add_comment(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/comment"""
    ticket = find_ticket(account, request)
    row = desk.add_comment(account, ticket, request.body, request.now, account.owner)
    return 200, {"comment": render.comment(account, row)}


def add_line(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/add_line_item: a flat object."""
    row = desk.add_line(account, find_ticket(account, request), request.body, request.now)
    return 200, render.ticket_line(account, row)


def _find_line(account: Account, request: Request, ticket: Row) -> Row:
    row = account.ticket_lines.get(whole(request.body.get("ticket_line_item_id")))
    if row is None or row["ticket_id"] != ticket["id"]:
        raise Refusal(404)
    return row


def change_line(account: Account, request: Request) -> Reply:
    """PUT /tickets/{id}/update_line_item"""
    ticket = find_ticket(account, request)
    row = _find_line(account, request, ticket)
    desk.change_line(account, ticket, row, request.body, request.now)
    return 200, {"ticket_line_item": render.ticket_line(account, row)}


def remove_line(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/remove_line_item"""
    ticket = find_ticket(account, request)
    desk.remove_line(account, ticket, _find_line(account, request, ticket), request.now)
    return 200, {"success": True, "message": ""}


def enter_time(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/timer_entry: a flat object."""
    row = timers.enter_time(account, find_ticket(account, request), request.body, request.now)
    return 200, render.timer(account, row)


def _find_entry(account: Account, request: Request, ticket: Row) -> Row:
    return timers.find_timer(account, ticket["id"], request.body.get("timer_entry_id"))


def change_time(account: Account, request: Request) -> Reply:
    """PUT /tickets/{id}/update_timer_entry: a flat object."""
    ticket = find_ticket(account, request)
    row = _find_entry(account, request, ticket)
    timers.change_timer(account, ticket, row, request.body, request.now)
    return 200, render.changed_timer(account, row)


def delete_time(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/delete_timer_entry: a line item that was charged for it stays."""
    ticket = find_ticket(account, request)
    account.timers.remove(_find_entry(account, request, ticket))
    account.tickets.change(ticket, {"updated_at": request.now})
    return 200, {"success": True}


def charge_time(account: Account, request: Request) -> Reply:
    """POST /tickets/{id}/charge_timer_entry: a flat object, which as a rule does not name the line item it made."""
    ticket = find_ticket(account, request)
    row = _find_entry(account, request, ticket)
    timers.charge_timer(account, ticket, row, request.now)
    shown = render.changed_timer(account, row)
    linked = account.switches.charge_link_in_response
    return 200, shown if linked else {**shown, "ticket_line_item_id": None}


def list_timers(account: Account, request: Request) -> Reply:
    """GET /ticket_timers: in April 2026 only the filters by time were there."""

    def show(account: Account, row: Row) -> Json:
        return render.live_timer(account, row, request.now)

    if lists.is_unfiltered(request):
        return lists.page(account, request, "ticket_timers", lists.Newest(account.timers), show)
    rows = lists.remembered(account, request, lambda: _find_timers(account, request))
    return lists.page(account, request, "ticket_timers", rows, show)


def _find_timers(account: Account, request: Request) -> list[Row]:
    autumn = account.switches.autumn
    found: Iterable[Row] = account.timers
    ticket_id, customer_id = request.asked_id("ticket_id"), request.asked_id("customer_id")
    if autumn and ticket_id is not None:
        found = account.timers.where("ticket_id", ticket_id)
    elif autumn and customer_id is not None:
        tickets = account.tickets.where("customer_id", customer_id)
        found = [row for ticket in tickets for row in account.timers.where("ticket_id", ticket["id"])]
    rows = lists.since(account, request, found, created_at_gt="created_at")
    rows = lists.before(account, request, rows, created_at_lt="created_at")
    return lists.newest(_filter_timers(account, request, rows) if autumn else rows)


def _filter_timers(account: Account, request: Request, rows: Iterable[Row]) -> list[Row]:
    kept = list(lists.equal(request, rows, user_id="user_id"))
    customer_id = request.asked_id("customer_id")
    if customer_id is not None:
        tickets = account.tickets.rows
        kept = [row for row in kept if tickets[row["ticket_id"]]["customer_id"] == customer_id]
    status, billing = request.asked("status"), request.asked("billing_status")
    if status in ("running", "paused", "stopped"):
        kept = [row for row in kept if timers.live_status(row) == status]
    if billing in ("non-billable", "unbilled", "billed", "invoiced"):
        kept = [row for row in kept if _billing_status(account, row) == billing]
    return kept


def _billing_status(account: Account, row: Row) -> str:
    if not row["billable"]:
        return "non-billable"
    if not row["recorded"]:
        return "unbilled"
    line = account.ticket_lines.get(row["ticket_line_item_id"])
    return "invoiced" if line and line["converted"] else "billed"


def start_timer(account: Account, request: Request) -> Reply:
    """POST /ticket_timers: 201 for a new one, 200 for one that goes on."""
    if text(request.body.get("ticket_id")) is None:
        raise Refusal(422, {"errors": ["ticket_id is required"]})
    ticket = account.tickets.get(whole(request.body["ticket_id"]))
    if ticket is None:
        raise Refusal(404, {"errors": ["Ticket not found"]})
    row, made = timers.start_live(account, ticket, request.body, request.now)
    return 201 if made else 200, {"ticket_timer": render.live_timer(account, row, request.now)}


def move_timer(account: Account, request: Request) -> Reply:
    """POST /ticket_timers/{id}/start, /pause and /stop"""
    row = timers.find_timer(account, None, request.ids[0])
    timers.move_live(account, row, request.path.rsplit("/", 1)[-1], request.now)
    return 200, {"ticket_timer": render.live_timer(account, row, request.now)}


def change_billable(account: Account, request: Request) -> Reply:
    """PATCH /ticket_timers/{id}: in the query as in April 2026, or in the body as since autumn."""
    row = timers.find_timer(account, None, request.ids[0])
    named = request.body.get("billable") if "billable" in request.body else request.asked("billable")
    timers.set_billable(account, row, named, request.now)
    return 200, {"ticket_timer": render.live_timer(account, row, request.now)}
