"""What others have to do with a ticket that is planned on: claims of other machines, and runs that this journal does not know.

Pure: a plan goes in, and comes out with what stands against it and what to know. A reference that this journal never made was
written by another machine, or by a journal that was lost. Its work must not be done twice, and must not stop a shop of two
machines: a charge of such a run that waits on the ticket, or one that says what this plan says, forbids the plan; that it was
here at all is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..service.records import Comment, Ticket, TicketLine
from . import claim, reference
from .bill import INVOICED, LOOK_ALIKE_DAYS
from .plan import Plan


@dataclass(frozen=True)
class History:
    """What the journal knows of a ticket: its references, its runs that have ended, and when a person last accepted it."""

    references: frozenset[str] = frozenset()
    ended_runs: frozenset[str] = frozenset()
    accepted_at: datetime | None = None


def beside_claims(plan: Plan, ticket: Ticket, history: History, now: datetime) -> Plan:
    """The plan, blocked by a claim that stands, and warned of one that has expired: the run will ask about it."""
    stands = claim.standing(
        ticket.comments or (),
        plan.account,
        ticket.id,
        is_invoiced=ticket.status == INVOICED,
        ended_runs=history.ended_runs,
    )
    alive = [one for one in stands if not one.is_expired(now)]
    expired = [one for one in stands if one.is_expired(now)]
    minutes = claim.CLAIM_SECONDS // 60
    blockers = [
        f"{one} is at work on this ticket; try again when it is done, or {minutes} minutes later" for one in alive
    ]
    warnings = [
        f"{one} claimed this ticket and never ended it: look at what it wrote; the run asks before it goes on"
        if any(step.name == claim.STEP for step in plan.steps)
        else f"{one} claimed this ticket and never ended it: look at what it wrote"
        for one in expired
    ]
    return replace(plan, blockers=(*plan.blockers, *blockers), warnings=(*plan.warnings, *warnings))


def beside_lost_runs(plan: Plan, ticket: Ticket, history: History, now: datetime, *, takes_waiting: bool) -> Plan:
    """The plan of a bill, held against what runs that this journal does not know have written to the ticket lately.

    `takes_waiting`: a person has asked for what waits on the ticket to be invoiced, whoever put it there.
    """
    since = now - timedelta(days=LOOK_ALIKE_DAYS)
    if history.accepted_at is not None:
        since = max(since, history.accepted_at)

    def is_strange(text: str, created_at: datetime | None) -> bool:
        recent = created_at is None or created_at >= since
        return recent and bool(reference.unknown_references([text], plan.account, ticket.id, history.references))

    comments = [
        one for one in ticket.comments or () if one.user_id is not None and is_strange(one.body, one.created_at)
    ]
    lines = [one for one in ticket.lines or () if is_strange(one.description, one.created_at)]
    texts = {
        reference.strip(str(step.request.body[field])).casefold()
        for step in plan.steps
        if step.request is not None
        for field in ("body", "description")
        if field in step.request.body
    }
    who = "a run that this journal does not know (another machine's, or of a journal that was lost)"
    blockers = [
        f"line {one.id} waits on the ticket, and is by {who}: finish that run where it was started, or invoice or remove the "
        "line in Syncro"
        for one in lines
        if not one.converted and not takes_waiting
    ]
    blockers += [
        f"{name} {one.id} says the same, and is by {who}: say what is different, or it is done"
        for name, one, text in _named(comments, lines)
        if reference.strip(text).casefold() in texts
    ]
    warnings = []
    if comments or lines:
        named = ", ".join(f"{name} {one.id}" for name, one, _ in _named(comments, lines))
        warnings = [f"{named}: by {who}; is this work billed already?"]
    return replace(plan, blockers=(*plan.blockers, *blockers), warnings=(*plan.warnings, *warnings))


def _named(comments: list[Comment], lines: list[TicketLine]) -> list[tuple[str, Comment | TicketLine, str]]:
    return [*(("comment", one, one.body) for one in comments), *(("line", one, one.description) for one in lines)]
