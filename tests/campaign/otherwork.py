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
from syncro_nb.writes.customer import ContactDraft, CustomerDraft
from syncro_nb.writes.plan import Plan
from syncro_nb.writes.ticket import CloseDraft, CommentDraft, CreateDraft, DeleteDraft, UpdateDraft
from syncro_nb.writes.timer import TimerDraft

from .faults import PERSON
from .scenarios import Promise, Scenario, add_part, without_reference
from .world import LINE_TICKET, TIMER_TICKET, World

_TEXT = "Rang the office, nobody there"
_HOLDER = 312540029
_SUBJECT = "The scanner is dark"
_MADE = 32186  # the number that a new ticket gets


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


def _add_invoice(world: World) -> None:
    add_part(world)
    made = world.person("POST", "/invoices", {"ticket_id": world.ticket(LINE_TICKET)["id"], "customer_id": _HOLDER})
    world.ready["invoice"] = made["invoice"]


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
    set_here, follow = ("status", "priority"), ("updated_at", "resolved_at", "billing_status", "customer_id")
    rest = {name: value for name, value in ticket.items() if name not in (*set_here, *follow)}

    def wrong(world: World) -> list[str]:
        now = world.ticket(LINE_TICKET)
        said = _same("status and priority", (now["status"], now["priority"]), ("Waiting on Customer", "0 Urgent"))
        return said + [f"{name} is {now[name]}, not {was}" for name, was in rest.items() if now[name] != was]

    return Kept(wrong)


def _added(world: World) -> Kept:
    there = {row["id"] for row in _timers(world, LINE_TICKET)}

    def wrong(world: World) -> list[str]:
        found = [
            (row["end_time"] - row["start_time"], row["product_id"], without_reference(row["notes"]))
            for row in _timers(world, LINE_TICKET)
            if row["id"] not in there
        ]
        return _same("timers", found, [(25 * 60_000, 1190473, "Read the logs")])

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


def _line(world: World) -> dict[str, Any] | None:
    return world.sandbox._account.ticket_lines.rows.get(world.ready["line"])  # type: ignore[no-any-return]


def _repriced(world: World) -> Kept:
    def wrong(world: World) -> list[str]:
        row = _line(world) or {}
        found = [row.get(name) for name in ("name", "description", "quantity", "retail_cents")]
        return _same("the line", found, ["Cable", "2 m", "2.0", 1250])

    return Kept(wrong)


def _unbilled(world: World) -> Kept:
    def wrong(world: World) -> list[str]:
        is_there = world.ready["invoice"]["id"] in world.sandbox._account.invoices.rows
        row, others = _line(world), [one for one in _invoices(world) if ("invoices", one["id"]) in world.others]
        is_free = row is None or others or not row["converted"]
        return (["the invoice is there"] if is_there else []) + ([] if is_free else ["the line is still invoiced"])

    return Kept(wrong)


def _paid(world: World) -> Kept:
    wanted = ({str(world.ready["invoice"]["id"]): 1000}, 1000, "Check", "11006")
    return _new("payments", "applied", "amount_cents", "payment_method", "ref_num", wanted=wanted)(world)


def _created(world: World) -> Kept:
    there = {row["id"] for row in world.sandbox._account.tickets}

    def wrong(world: World) -> list[str]:
        account = world.sandbox._account
        rows = [row for row in account.tickets if ("tickets", row["id"]) not in world.others]
        new = [row for row in rows if row["id"] not in there]
        found = [(row["subject"], row["customer_id"], row["priority"]) for row in new]
        said = _same("tickets", found, [(_SUBJECT, _HOLDER, "1 High")])
        texts = [
            (without_reference(c["body"]), c["hidden"])
            for row in new
            for c in account.comments.where("ticket_id", row["id"])
        ]
        return said + _same("opening comments", texts, [(_TEXT, False)])

    return Kept(wrong, mails=1)


def _on_line(**more: Any) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(LineDraft(LINE_TICKET, world.ready["line"], **more))


def _on_timer(action: str) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(TimerDraft(TIMER_TICKET, action, timer_id=_timers(world, TIMER_TICKET)[0]["id"]))


def _on_invoice(draft: Callable[[str], Any]) -> Callable[[Workspace, World], Plan]:
    return lambda ws, world: ws.plan(draft(world.ready["invoice"]["number"]))


def _run_a_timer(world: World) -> None:
    timer = {"start_at": "2026-03-31T22:40:00Z", "product_id": 1190473, "notes": "On the phone"}
    world.person("POST", f"/tickets/{world.ticket(LINE_TICKET)['id']}/timer_entry", timer)


def _started(world: World) -> Kept:
    there = {row["id"] for row in _timers(world, LINE_TICKET)}

    def wrong(world: World) -> list[str]:
        new = [row for row in _timers(world, LINE_TICKET) if row["id"] not in there]
        found = [(row["end_time"], row["product_id"], without_reference(row["notes"]), row["recorded"]) for row in new]
        return _same("timers", found, [(None, 1190473, "Read the logs", False)])

    return Kept(wrong)


def _stopped(world: World) -> Kept:
    was = dict(_timers(world, LINE_TICKET)[-1])

    def wrong(world: World) -> list[str]:
        now = world.sandbox._account.timers.rows[was["id"]]
        said = [] if now["end_time"] else ["the timer still runs"]
        return said + [
            f"{name}: {now[name]}" for name in ("start_time", "product_id", "notes") if now[name] != was[name]
        ]

    return Kept(wrong)


def _plain(value: Any) -> Any:
    """A name, a mail address or a way to pay is the same in capitals."""
    return value.lower() if isinstance(value, str) else value


def _new(table: str, *names: str, wanted: tuple[Any, ...]) -> Callable[[World], Kept]:
    def promise(world: World) -> Kept:
        there = set(getattr(world.sandbox._account, table).rows)

        def wrong(world: World) -> list[str]:
            new = [row for row in getattr(world.sandbox._account, table) if row["id"] not in there]
            ours = [row for row in new if (table, row["id"]) not in world.others]
            # Where ours did not arrive, what somebody else has made to the letter is all that was wanted.
            found = [[tuple(_plain(row[name]) for name in names) for row in rows] for rows in (ours, new)]
            exact = [tuple(map(_plain, wanted))]
            return [] if exact in found else _same(table, found[0], exact)

        return Kept(wrong)

    return promise


def _make_a_ticket(world: World) -> None:
    plan = world.ws.plan(CreateDraft(customer=str(_HOLDER), subject=_SUBJECT))
    world.ws.apply(plan, confirm=plan.confirmation)
    world.forget_the_past()


def _ours(world: World) -> int:
    return max(row["number"] for row in world.sandbox._account.tickets)


def _gone(world: World) -> Kept:
    there = {row["number"] for row in world.sandbox._account.tickets} - {_ours(world)}
    return Kept(lambda world: _same("tickets", {row["number"] for row in world.sandbox._account.tickets}, there))


def _by_hand(path: str, body: Callable[[World], Any]) -> dict[str, Callable[[World, int], None]]:
    """Somebody makes the same in Syncro."""

    def act(world: World, number: int) -> None:
        world.person("POST", path, body(world))

    return {"makes the same": act}


def _the_same_ticket(world: World) -> Any:
    return {"customer_id": _HOLDER, "subject": _SUBJECT, "priority": "1 High"}


def _same_payment(world: World) -> Any:
    rows = _invoices(world)
    number = rows[0]["id"] if rows else None
    return {
        "customer_id": _HOLDER,
        "invoice_id": number,
        "amount_cents": 1000,
        "payment_method": "Check",
        "ref_num": "11006",
    }


_CREATE = CreateDraft(customer=str(_HOLDER), subject=_SUBJECT, text=_TEXT, priority="1 High", email=True)

OTHER_WORK: dict[str, Scenario] = {
    one.name: one
    for one in (
        Scenario("comment", LINE_TICKET, _draft(CommentDraft(LINE_TICKET, _TEXT)), _comment(False, "Update", None)),
        Scenario(
            "note", LINE_TICKET, _draft(CommentDraft(LINE_TICKET, _TEXT, hidden=True)), _comment(True, "Update", None)
        ),
        Scenario(
            "create",
            _HOLDER,
            _draft(_CREATE),
            _created,
            people=_by_hand("/tickets", _the_same_ticket),
        ),
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
        Scenario("re-price", LINE_TICKET, _on_line(price_cents=1250), _repriced, add_part),
        Scenario(
            "remove line",
            LINE_TICKET,
            _on_line(remove=True),
            lambda world: Kept(lambda world: _same("the line", _line(world), None)),
            add_part,
        ),
        Scenario("un-bill", LINE_TICKET, _on_invoice(UnbillDraft), _unbilled, _add_invoice),
        Scenario(
            "payment",
            _HOLDER,
            _on_invoice(lambda number: PaymentDraft(number, 1000, "Check", "11006")),
            _paid,
            _add_invoice,
            ticket=LINE_TICKET,
            people={
                "deletes the invoice": PERSON["deletes the invoice"],
                **_by_hand("/payments", _same_payment),
            },
        ),
        Scenario(
            "start", LINE_TICKET, _draft(TimerDraft(LINE_TICKET, "start", None, "remote", "Read the logs")), _started
        ),
        Scenario("stop", LINE_TICKET, _draft(TimerDraft(LINE_TICKET, "stop")), _stopped, _run_a_timer),
        Scenario(
            "customer",
            0,
            _draft(CustomerDraft("Nimbus Yard Foods", email="desk@nimbus.example")),
            _new("customers", "business_name", "email", wanted=("Nimbus Yard Foods", "desk@nimbus.example")),
            people=_by_hand(
                "/customers", lambda world: {"business_name": "Nimbus Yard Foods", "email": "desk@nimbus.example"}
            ),
        ),
        Scenario(
            "contact",
            _HOLDER,
            _draft(ContactDraft(str(_HOLDER), "Ida Nimbus", "ida@nimbus.example")),
            _new("contacts", "customer_id", "name", "email", wanted=(_HOLDER, "Ida Nimbus", "ida@nimbus.example")),
            people=_by_hand(
                "/contacts",
                lambda world: {"customer_id": _HOLDER, "name": "Ida Nimbus", "email": "ida@nimbus.example"},
            ),
        ),
        Scenario("delete ticket", _MADE, lambda ws, world: ws.plan(DeleteDraft(_ours(world))), _gone, _make_a_ticket),
    )
}
