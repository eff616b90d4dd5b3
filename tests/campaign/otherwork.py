"""The scenarios of the writes that are no bill: comments, fields of a ticket, timers, corrections, a payment, a new ticket.

Each says what the server must hold once a run calls itself verified, read off the sandbox's tables. Where a plan needs something
that is there already (a line, an invoice), somebody has made it in Syncro before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncro_nb.workspace import Workspace
from syncro_nb.writes.correction import LineDraft, PaymentDraft, UnbillDraft
from syncro_nb.writes.plan import Plan
from syncro_nb.writes.ticket import CloseDraft, CommentDraft, CreateDraft, UpdateDraft
from syncro_nb.writes.timer import TimerDraft

from .scenarios import Promise, Scenario, without_reference
from .world import LINE_TICKET, TIMER_TICKET, World

_TEXT = "Rang the office, nobody there"
_HOLDER = 312540029
_SUBJECT = "The scanner is dark"
_PART = {"name": "Cable", "description": "2 m", "quantity": 2, "price_retail": 10, "taxable": True}


@dataclass(frozen=True)
class Kept:
    """A promise that is looked up on the server: `wrong` says what is not as promised."""

    wrong: Callable[[World], list[str]]
    mails: int = 0

    def broken(self, world: World) -> list[str]:
        """What is not as promised, in words; empty if the server holds exactly that."""
        return self.wrong(world)


def _same(what: str, found: Any, wanted: Any) -> list[str]:
    return [] if found == wanted else [f"{what}: {found}, not {wanted}"]


def _add_part(world: World) -> None:
    world.person("POST", f"/tickets/{world.ticket(LINE_TICKET)['id']}/add_line_item", _PART)


def _add_invoice(world: World) -> None:
    _add_part(world)
    world.person("POST", "/invoices", {"ticket_id": world.ticket(LINE_TICKET)["id"], "customer_id": _HOLDER})


def _lines(world: World) -> list[dict[str, Any]]:
    return world.sandbox._account.ticket_lines.where("ticket_id", world.ticket(LINE_TICKET)["id"])


def _invoices(world: World) -> list[dict[str, Any]]:
    return world.sandbox._account.invoices.where("ticket_id", world.ticket(LINE_TICKET)["id"])


def _timers(world: World, number: int) -> list[dict[str, Any]]:
    return world.sandbox._account.timers.where("ticket_id", world.ticket(number)["id"])


def _comment(hidden: bool, subject: str, status: str | None) -> Callable[[World], Promise]:
    comment = (subject, _TEXT, hidden)
    return lambda world: Promise(LINE_TICKET, _HOLDER, comment, (), False, status, int(not hidden))


def _draft(draft: Any) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(draft)


def _fields(world: World) -> Kept:
    ticket = world.ticket(LINE_TICKET)
    rest = {name: value for name, value in ticket.items() if name not in ("status", "priority", "updated_at")}

    def wrong(world: World) -> list[str]:
        now = world.ticket(LINE_TICKET)
        said = _same("status and priority", (now["status"], now["priority"]), ("Waiting on Customer", "0 Urgent"))
        return said + [f"{name} is {now[name]}, not {was}" for name, was in rest.items() if now[name] != was]

    return Kept(wrong)


def _added(world: World) -> Kept:
    there = {row["id"] for row in _timers(world, LINE_TICKET)}

    def wrong(world: World) -> list[str]:
        found = [
            (row["end_time"] - row["start_time"], row["product_id"], without_reference(row["notes"]), row["recorded"])
            for row in _timers(world, LINE_TICKET)
            if row["id"] not in there
        ]
        return _same("timers", found, [(25 * 60_000, 1190473, "Read the logs", False)])

    return Kept(wrong)


def _charged(world: World) -> Kept:
    first = _timers(world, TIMER_TICKET)[0]

    def wrong(world: World) -> list[str]:
        timer = world.sandbox._account.timers.rows[first["id"]]
        lines = world.rows("ticket_lines", timer["ticket_id"])
        found = [(row["product_id"], float(row["quantity"]), row["retail_cents"]) for row in lines]
        price = world.sandbox._account.products.rows[first["product_id"]]["retail_cents"]
        hours = (first["billable_override"] or first["billable_time"]) / 3600
        return _same("charged", timer["recorded"], True) + _same("lines", found, [(first["product_id"], hours, price)])

    return Kept(wrong)


def _deleted(world: World) -> Kept:
    others = [row["id"] for row in _timers(world, TIMER_TICKET)][1:]
    return Kept(lambda world: _same("timers", [row["id"] for row in _timers(world, TIMER_TICKET)], others))


def _repriced(world: World) -> Kept:
    def wrong(world: World) -> list[str]:
        found = [
            (row["name"], row["description"], float(row["quantity"]), row["retail_cents"]) for row in _lines(world)
        ]
        return _same("lines", found, [("Cable", "2 m", 2.0, 1250)])

    return Kept(wrong)


def _unbilled(world: World) -> Kept:
    def wrong(world: World) -> list[str]:
        lines = [(row["name"], row["converted"]) for row in _lines(world)]
        return _same("invoices", _invoices(world), []) + _same("lines", lines, [("Cable", False)])

    return Kept(wrong)


def _paid(world: World) -> Kept:
    there = {row["id"] for row in world.sandbox._account.payments}
    (invoice,) = _invoices(world)

    def wrong(world: World) -> list[str]:
        new = [row for row in world.sandbox._account.payments if row["id"] not in there]
        found = [(row["applied"], row["amount_cents"], row["payment_method"], row["ref_num"]) for row in new]
        return _same("payments", found, [({str(invoice["id"]): 1000}, 1000, "Check", "11006")])

    return Kept(wrong)


def _created(world: World) -> Kept:
    there = {row["id"] for row in world.sandbox._account.tickets}

    def wrong(world: World) -> list[str]:
        account = world.sandbox._account
        new = [row for row in account.tickets if row["id"] not in there]
        found = [(row["subject"], row["customer_id"], row["priority"]) for row in new]
        said = _same("tickets", found, [(_SUBJECT, _HOLDER, "1 High")])
        texts = [
            (without_reference(c["body"]), c["hidden"])
            for row in new
            for c in account.comments.where("ticket_id", row["id"])
        ]
        return said + _same("opening comments", texts, [(_TEXT, False)])

    return Kept(wrong)


def _on_line(**more: Any) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(LineDraft(LINE_TICKET, _lines(world)[-1]["id"], **more))


def _on_timer(action: str) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(TimerDraft(TIMER_TICKET, action, timer_id=_timers(world, TIMER_TICKET)[0]["id"]))


def _on_invoice(draft: Callable[[str], Any]) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(draft(_invoices(world)[0]["number"]))


_CREATE = CreateDraft(customer=str(_HOLDER), subject=_SUBJECT, text=_TEXT, priority="high")

OTHER_WORK: dict[str, Scenario] = {
    one.name: one
    for one in (
        Scenario("comment", LINE_TICKET, _draft(CommentDraft(LINE_TICKET, _TEXT)), _comment(False, "Update", None)),
        Scenario(
            "note", LINE_TICKET, _draft(CommentDraft(LINE_TICKET, _TEXT, hidden=True)), _comment(True, "Update", None)
        ),
        Scenario("create", _HOLDER, _draft(_CREATE), _created),
        Scenario(
            "update", LINE_TICKET, _draft(UpdateDraft(LINE_TICKET, "Waiting on Customer", priority="0 Urgent")), _fields
        ),
        Scenario(
            "close", LINE_TICKET, _draft(CloseDraft(LINE_TICKET, _TEXT)), _comment(False, "Resolution", "Resolved")
        ),
        Scenario(
            "add time", LINE_TICKET, _draft(TimerDraft(LINE_TICKET, "add", 25, "remote", "Read the logs")), _added
        ),
        Scenario("charge", TIMER_TICKET, _on_timer("charge"), _charged),
        Scenario("delete timer", TIMER_TICKET, _on_timer("delete"), _deleted),
        Scenario("re-price", LINE_TICKET, _on_line(price_cents=1250), _repriced, _add_part),
        Scenario(
            "remove line",
            LINE_TICKET,
            _on_line(remove=True),
            lambda world: Kept(lambda w: _same("lines", _lines(w), [])),
            _add_part,
        ),
        Scenario("un-bill", LINE_TICKET, _on_invoice(UnbillDraft), _unbilled, _add_invoice),
        Scenario(
            "payment",
            _HOLDER,
            _on_invoice(lambda number: PaymentDraft(number, 1000, "Check", "11006")),
            _paid,
            _add_invoice,
        ),
    )
}
