"""What can be done to ticket timers: entered after the work, started and stopped live, and charged."""

from __future__ import annotations

from decimal import Decimal

from ..money import round_half_up
from .desk import add_line, product_line
from .request import Refusal, flag, shortest, text, whole
from .state import Account, Row
from .times import DAY, HOUR, MINUTE, SECOND, read_instant

_LONGEST = 3650 * DAY


def enter_time(account: Account, ticket: Row, fields: Row, now: int) -> Row:
    """POST /tickets/{id}/timer_entry. Without an end and without minutes, the timer runs from its start."""
    if fields.get("start_at") is None:
        raise Refusal(422, {"error": "no implicit conversion of nil into String"})
    start = read_instant(fields["start_at"], account.switches.zone)
    if start is None:
        raise Refusal(422, {"error": "invalid date"})
    end = read_instant(fields.get("end_at"), account.switches.zone)
    minutes = whole(fields.get("duration_minutes"))
    if end is None and minutes is not None:
        end = start + min(minutes * MINUTE, _LONGEST)
    billable = flag(fields.get("billable")) if account.switches.timer_billable == "honour" else None
    user = account.users.get(whole(fields.get("user_id"))) or account.owner
    row = _new(account, ticket, start, now, fields, user, billable)
    row["running_since"] = start
    if end is not None:
        _stop(row, end)
    account.tickets.change(ticket, {"updated_at": now})
    return row


def start_live(account: Account, ticket: Row, fields: Row, now: int) -> tuple[Row, bool]:
    """POST /ticket_timers: a running timer of the caller's, and whether it is new; one that is active goes on."""
    for row in account.timers.where("ticket_id", ticket["id"]):
        if row["user_id"] == account.owner_id and row["end_time"] is None:
            if row["running_since"] is None:
                row["running_since"] = now
            return row, False
    row = _new(account, ticket, now, now, fields, account.owner, flag(fields.get("billable")))
    row["running_since"] = now
    account.tickets.change(ticket, {"updated_at": now})
    return row, True


def move_live(account: Account, row: Row, wanted: str, now: int) -> None:
    """POST /ticket_timers/{id}/start, pause or stop."""
    status = live_status(row)
    if wanted not in _MOVES[status]:
        said = f"Ticket timer cannot transition from status 'status_{status}'"
        raise Refusal(422, {"errors": [said]})
    if wanted == "start":
        row.update(running_since=now, end_time=None)
    else:
        seconds = elapsed_seconds(row, now)
        row.update(before_seconds=seconds, active_duration=seconds, billable_time=seconds, running_since=None)
        if wanted == "stop":
            row["end_time"] = now
    row["updated_at"] = now
    account.tickets.change(account.tickets.rows[row["ticket_id"]], {"updated_at": now})


_MOVES = {"running": ("pause", "stop"), "paused": ("start", "stop"), "stopped": ("start",)}


def change_timer(account: Account, ticket: Row, row: Row, fields: Row, now: int) -> None:
    """PUT /tickets/{id}/update_timer_entry. `duration_minutes` has no effect here, and an end cannot be given."""
    values: Row = {"updated_at": now}
    start = read_instant(fields.get("start_at"), account.switches.zone)
    if start is not None:
        values["start_time"] = start
    if "notes" in fields:
        values["notes"] = text(fields["notes"])
    for name, table in {"user_id": account.users, "product_id": account.products}.items():
        found = table.get(whole(fields.get(name)))
        if found:
            values[name] = found["id"]
    if "billable_override" in fields and account.switches.autumn:
        values["billable_override"] = whole(fields["billable_override"])
    account.timers.change(row, values)
    account.tickets.change(ticket, {"updated_at": now})


def charge_timer(account: Account, ticket: Row, row: Row, now: int) -> Row:
    """POST /tickets/{id}/charge_timer_entry: one more line item from the timer's product; gives that line."""
    if row["recorded"] and account.switches.double_charge == "404":
        raise Refusal(404)
    if row["end_time"] is None:
        move_live(account, row, "stop", now)
    product = account.products.get(row["product_id"] or account.default_labor_product_id)
    if product is None:
        raise Refusal(422, {"error": "Labor product can't be blank"})
    hours = round_half_up(Decimal(billable_seconds(row)) * SECOND / HOUR, 6)
    line = add_line(
        account, ticket, product_line(product, shortest(hours), row["notes"] or product["description"]), now
    )
    line["user_id"] = row["user_id"]
    row.update(recorded=True, ticket_line_item_id=line["id"], updated_at=now)
    return line


def set_billable(account: Account, row: Row, value: object, now: int) -> None:
    """PATCH /ticket_timers/{id}."""
    billable = flag(value)
    if billable is None:
        raise Refusal(422, {"errors": [f"{'B' if account.switches.autumn else 'b'}illable must be true or false"]})
    row.update(billable=billable, updated_at=now)


def live_status(row: Row) -> str:
    """Whether a timer is running, paused or stopped."""
    return "stopped" if row["end_time"] is not None else "running" if row["running_since"] is not None else "paused"


def elapsed_seconds(row: Row, now: int) -> int:
    """The seconds worked so far."""
    since = row["running_since"]
    return int(row["before_seconds"] + (max(0, now - since) // SECOND if since is not None else 0))


def billable_seconds(row: Row) -> int:
    """The seconds that a charge bills."""
    override = row["billable_override"]
    return int(row["billable_time"] or 0) if override is None else int(override)


def find_timer(account: Account, ticket_id: int | None, timer_id: object) -> Row:
    """A timer by its id, on this ticket where one is given; otherwise 404."""
    row = account.timers.get(whole(timer_id))
    if row is None or ticket_id not in (None, row["ticket_id"]):
        autumn = {"errors": ["Ticket timer not found"]} if account.switches.autumn else {"message": "Not found"}
        raise Refusal(404, None if ticket_id else autumn)
    return row


def _new(account: Account, ticket: Row, start: int, now: int, fields: Row, user: Row, billable: bool | None) -> Row:
    product = account.products.get(whole(fields.get("product_id")))
    comment = account.comments.get(whole(fields.get("comment_id")))
    return account.timers.add(
        {
            "ticket_id": ticket["id"],
            "user_id": user["id"],
            "start_time": start,
            "end_time": None,
            "recorded": False,
            "created_at": now,
            "updated_at": now,
            "billable": account.switches.timer_billable_default if billable is None else billable,
            "notes": text(fields.get("notes")),
            "product_id": product["id"] if product else account.default_labor_product_id,
            "comment_id": comment["id"] if comment else None,
            "ticket_line_item_id": None,
            "active_duration": None,
            "billable_time": None,
            "billable_override": None,
            "before_seconds": 0,  # worked before the last pause
            "running_since": None,
        }
    )


def _stop(row: Row, end: int) -> None:
    seconds = (end - row["start_time"]) // SECOND
    worked = max(0, seconds)
    row.update(end_time=end, active_duration=seconds, billable_time=worked, before_seconds=worked, running_since=None)
