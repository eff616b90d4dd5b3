"""Looking for a write that may have landed: every page of every list, and nothing but reads.

A comment or line is ours if its last line is the reference of this very attempt, a technician wrote it, and its id was not
there when the plan was made. A customer's quoted reply, an older attempt, a merged ticket never match.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from ..service.client import Client
from ..service.records import Comment, Invoice, Ticket, TicketLine
from . import checks, reference
from .facts import pull_ticket_invoices
from .plan import ExpectedLine, Plan, Step

Record = Comment | TicketLine | Invoice | Ticket


@dataclass(frozen=True)
class Sight:
    """What a complete look found: the records that are ours, and what else a person should know."""

    ours: tuple[Record, ...]
    doubts: tuple[str, ...] = ()
    looked_at: str = ""


def pull_sight(client: Client, plan: Plan, step: Step, attempt: int, taken: frozenset[int]) -> Sight:
    """Look whether the step's write is in Syncro. `taken`: ids that other steps of this run already account for."""
    if step.name == "comment":
        return _comment(client, plan, reference.make(plan.account, plan.ticket_id, plan.unit, attempt))
    if step.name == "line_item":
        return _line(client, plan, reference.make(plan.account, plan.ticket_id, plan.unit, attempt))
    if step.name == "charge":
        return _charge(client, plan, step, taken)
    return _invoice(client, plan)


def new_charge_line(plan: Plan, ticket: Ticket, timer_id: int, taken: frozenset[int]) -> TicketLine | None:
    """The line that charging a timer made: the one that the timer names, else the only new one."""
    timer = next((one for one in ticket.timers or () if one.id == timer_id), None)
    lines = [line for line in ticket.lines or () if line.id not in plan.basis.line_ids and line.id not in taken]
    named = [line for line in lines if timer is not None and line.id == timer.line_item_id]
    return named[0] if named else lines[0] if len(lines) == 1 else None


def expected_charge(plan: Plan, step: Step) -> ExpectedLine:
    """What the line of a charge step must be."""
    charges = [one for one in plan.steps if one.name == "charge"]
    ours = [line for line in plan.expected.lines if line.ours]
    return ours[charges.index(step)]


def _comment(client: Client, plan: Plan, mark: str) -> Sight:
    rows = list(client.comments(plan.ticket_id))
    marked = [
        row for row in rows if reference.last_reference(row.body) == mark and row.id not in plan.basis.comment_ids
    ]
    ours = tuple(row for row in marked if row.user_id is not None)
    doubts = [
        f"comment {row.id} carries the reference, but no technician wrote it" for row in marked if row.user_id is None
    ]
    doubts += _elsewhere("comment", mark, [(row.id, row.body) for row in rows if row not in marked])
    return Sight(ours, tuple(doubts), f"{len(rows)} comments")


def _line(client: Client, plan: Plan, mark: str) -> Sight:
    rows = client.ticket(plan.ticket_id).lines or ()
    ours = [
        row for row in rows if reference.last_reference(row.description) == mark and row.id not in plan.basis.line_ids
    ]
    doubts = _elsewhere("line item", mark, [(row.id, row.description) for row in rows if row not in ours])
    return Sight(tuple(ours), tuple(doubts), f"{len(rows)} line items")


def _elsewhere(what: str, mark: str, rows: list[tuple[int, str]]) -> list[str]:
    """Records that hold the reference, though not as their last line: Syncro may have joined the lines, or somebody quotes."""
    return [
        f"{what} {number} holds the reference, though not as its last line" for number, text in rows if mark in text
    ]


def _charge(client: Client, plan: Plan, step: Step, taken: frozenset[int]) -> Sight:
    ticket = client.ticket(plan.ticket_id)
    looked = f"{len(ticket.timers or ())} timers and {len(ticket.lines or ())} line items"
    timer = next((one for one in ticket.timers or () if one.id == step.timer_id), None)
    line = new_charge_line(plan, ticket, step.timer_id or 0, taken)
    if timer is not None and timer.recorded and line is not None:
        return Sight((line,), (), looked)
    if timer is None or timer.recorded or line is not None:
        state = "gone" if timer is None else "charged" if timer.recorded else "not charged"
        found = f"line {line.id} is new" if line else "it has no new line of its own"
        return Sight((), (f"timer {step.timer_id} is {state}, and {found}",), looked)
    return Sight((), (), looked)


def _invoice(client: Client, plan: Plan) -> Sight:
    try:
        rows = pull_ticket_invoices(client, plan.ticket_id, plan.customer_id, plan.ticket_created_at)
    except InputError as error:
        return Sight((), (str(error),), "the invoices of the customer")
    new = [client.invoice(row.id) for row in rows if row.id not in plan.basis.invoice_ids]
    ours, doubts = [], []
    for invoice in new:
        if checks.lacks_ours(plan.expected, invoice):
            doubts.append(
                f"invoice {invoice.number} (id {invoice.id}) is new on this ticket, but does not hold our lines"
            )
        else:
            ours.append(invoice)
    return Sight(tuple(ours), tuple(doubts), f"{len(rows)} invoices of the ticket")
