"""Time tracking on a ticket: start, stop, add, charge, delete. The draft, and the plan that follows. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ..config import House, unknown
from ..service import requests
from ..service.records import Timer, in_minutes
from .bill import MAX_MINUTES, MAX_TEXT, text_problem, timer_lines
from .plan import NOTHING_BILLED, Expected, ExpectedLine, Plan, Step
from .ticket import TicketFacts, number_problem, sign, ticket_plan

ACTIONS = ("start", "stop", "add", "charge", "delete")


@dataclass(frozen=True)
class TimerDraft:
    """What is to be done with time on a ticket. `action` is one of ACTIONS; `timer_id` for charge and delete."""

    ticket_number: int | None = None
    action: str = ""
    minutes: int | None = None
    labour: str = ""
    text: str = ""
    timer_id: int | None = None

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = number_problem(self.ticket_number)
        if self.action not in ACTIONS:
            return said | {"action": unknown("timer action", self.action, ACTIONS)}
        if self.action == "add":
            if self.minutes is None:
                said["minutes"] = f"how many minutes? 1 to {MAX_MINUTES}"
            elif not 1 <= self.minutes <= MAX_MINUTES:
                said["minutes"] = f"minutes must be from 1 to {MAX_MINUTES}, not {self.minutes}"
            said |= text_problem(
                "text", self.text, MAX_TEXT, "what was done? It stands on the invoice once it is charged"
            )
        elif self.text:
            said |= text_problem("text", self.text, MAX_TEXT, "the text is empty: leave it out, or say something")
        if self.labour and self.labour not in house.labour:
            said["labour"] = unknown("labour kind", self.labour, house.labour)
        elif self.action == "add" and not self.labour:
            said["labour"] = f"which labour? {', '.join(house.labour)}"
        if self.action in ("charge", "delete") and self.timer_id is None:
            said["timer_id"] = "which timer? `syncro ticket NUMBER` lists their ids"
        return said


def plan_timer(
    draft: TimerDraft, facts: TicketFacts, house: House, *, account: str, run: str, signed: bool = True
) -> Plan:
    """The plan for a draft without problems. `facts.me` is whose timers are started and stopped."""
    plans: dict[str, Callable[[TimerDraft, TicketFacts, House, str, str, bool], Plan]] = {
        "start": _start,
        "stop": _stop,
        "add": _add,
        "charge": _charge,
        "delete": _delete,
    }
    return plans[draft.action](draft, facts, house, account, run, signed)


def _timers(facts: TicketFacts) -> tuple[Timer, ...]:
    return facts.ticket.timers or ()


def _running(facts: TicketFacts) -> list[Timer]:
    me = facts.me.user_id if facts.me else None
    return [one for one in _timers(facts) if one.ended_at is None and (me is None or one.user_id in (None, me))]


def _start(draft: TimerDraft, facts: TicketFacts, house: House, account: str, run: str, signed: bool) -> Plan:
    ticket, product = facts.ticket, house.labour.get(draft.labour)
    # Notes are what the run is known by again; without any, the timer has at least the reference.
    request = requests.add_timer_entry(
        ticket.id,
        start_at=facts.read_at.replace(microsecond=0),
        product_id=product,
        notes=sign(draft.text, account, ticket.id, f"run {run}", signed=signed).strip(),
    )
    return ticket_plan(
        facts,
        "timer",
        [Step("timer", request), Step("verify")],
        account=account,
        run=run,
        blockers=[f"timer {one.id} of yours runs on this ticket already" for one in _running(facts)],
        notes=[] if product else ["the labour product will be the account's usual one"],
        done=f"A timer runs on ticket {ticket.number}",
        signed=signed,
    )


def _stop(draft: TimerDraft, facts: TicketFacts, house: House, account: str, run: str, signed: bool) -> Plan:
    running = _running(facts)
    blockers = []
    if not running:
        others = [str(one.id) for one in _timers(facts) if one.ended_at is None]
        blockers.append(
            f"timer {' and '.join(others)} runs, but is somebody else's"
            if others
            else "no timer of yours runs on this ticket"
        )
    if len(running) > 1:
        blockers.append(
            f"several timers of yours run: {', '.join(str(one.id) for one in running)}; stop them in Syncro"
        )
    steps = [Step("stop", requests.stop_timer(one.id), record_id=one.id) for one in running[:1]]
    charges = facts.words.charges_on_stop
    return ticket_plan(
        facts,
        "timer",
        [*steps, Step("verify")],
        account=account,
        run=run,
        blockers=blockers,
        warnings=["this account also charges a timer when it is stopped: a line comes on the ticket"]
        if charges
        else [],
        done=f"The timer on ticket {facts.ticket.number} is stopped",
        signed=signed,
    )


def _add(draft: TimerDraft, facts: TicketFacts, house: House, account: str, run: str, signed: bool) -> Plan:
    ticket, minutes = facts.ticket, draft.minutes or 0
    end = facts.read_at.replace(microsecond=0)
    request = requests.add_timer_entry(
        ticket.id,
        start_at=end - timedelta(minutes=minutes),
        end_at=end,
        product_id=house.product_id(draft.labour),
        notes=sign(draft.text, account, ticket.id, f"run {run}", signed=signed),
    )
    day, kind = end - timedelta(hours=24), house.product_id(draft.labour)
    same = [
        one
        for one in _timers(facts)
        if one.product_id == kind
        and one.worked_seconds == minutes * 60
        and one.started_at is not None
        and one.started_at >= day
        and sign(one.notes, "", 0, "", signed=False).casefold() == draft.text.strip().casefold()
    ]
    return ticket_plan(
        facts,
        "timer",
        [Step("timer", request), Step("verify")],
        account=account,
        run=run,
        blockers=[f"timer {one.id} of today holds the same time, labour and text already" for one in same],
        notes=[f"{minutes} minutes of {draft.labour}, ending now; not charged yet"],
        done=f"The time is on ticket {ticket.number}",
        signed=signed,
    )


def _charge(draft: TimerDraft, facts: TicketFacts, house: House, account: str, run: str, signed: bool) -> Plan:
    ticket, number = facts.ticket, draft.timer_id or 0
    timer = next((one for one in _timers(facts) if one.id == number), None)
    lines = timer_lines(timer, facts.products) if timer else []
    blockers = []
    if timer is None:
        blockers.append(f"timer {number} is not on this ticket")
    elif timer.recorded or timer.line_item_id:
        blockers.append(f"timer {number} is charged already")
    elif timer.ended_at is None:
        blockers.append(f"timer {number} is still running")
    elif not timer.billable:
        blockers.append(f"timer {number} is marked as not billable in Syncro")
    elif not 0 < timer.charged_seconds <= MAX_MINUTES * 60:
        minutes = timer.charged_seconds / 60
        blockers.append(f"timer {number} holds {minutes:g} billable minutes, not 1 to {MAX_MINUTES}")
    elif not lines:
        blockers.append(f"timer {number} has no labour product: choose one in Syncro")
    blockers += [
        f"{line.name} costs $0.00 in Syncro: nothing would be billed" for line in lines if line.price_cents <= 0
    ]
    step = Step("charge", requests.charge_timer_entry(ticket.id, number), timer_id=number)
    return ticket_plan(
        facts,
        "timer",
        [step, Step("verify")],
        account=account,
        run=run,
        unit=f"timer {number}",
        expected=_only(lines),
        blockers=blockers,
        warnings=[f"the ticket is invoiced already: invoice {one.number}" for one in facts.invoices or ()],
        done=f"Timer {number} on ticket {ticket.number} is charged; no invoice was made",
        signed=signed,
    )


def _only(lines: list[ExpectedLine]) -> Expected:
    """What the lines come to; nothing is invoiced, so there is no tax yet."""
    subtotal = sum(line.amount_cents for line in lines)
    if not lines:
        return NOTHING_BILLED
    return Expected(tuple(lines), subtotal, None, None, Decimal(0), "no invoice is made")


def _delete(draft: TimerDraft, facts: TicketFacts, house: House, account: str, run: str, signed: bool) -> Plan:
    ticket, number = facts.ticket, draft.timer_id or 0
    timer = next((one for one in _timers(facts) if one.id == number), None)
    blockers, notes = [], []
    if timer is None:
        blockers.append(f"timer {number} is not on this ticket")
    else:
        notes.append(
            f"{in_minutes(timer.worked_seconds)} minutes of work are deleted: {sign(timer.notes, '', 0, '', signed=False)}"
        )
        if timer.recorded or timer.line_item_id:
            blockers.append(f"timer {number} is charged: remove its line first, or keep it")
    step = Step("remove_timer", requests.delete_timer_entry(ticket.id, number), record_id=number, claims=(number,))
    return ticket_plan(
        facts,
        "timer",
        [step, Step("verify")],
        account=account,
        run=run,
        unit=f"timer {number}",
        blockers=blockers,
        notes=notes,
        warnings=["a deleted timer cannot be brought back"],
        done=f"Timer {number} is no longer on ticket {ticket.number}",
        signed=signed,
    )


def product_ids(draft: TimerDraft, timers: tuple[Timer, ...]) -> set[int]:
    """The products whose price the plan needs."""
    if draft.action != "charge":
        return set()
    return {one.product_id for one in timers if one.id == draft.timer_id and one.product_id}
