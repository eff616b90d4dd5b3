"""Writing to a ticket without money: comment, create, update, close, delete. Drafts, and the plans that follow. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from ..config import House
from ..errors import InputError
from ..money import format_cents, line_cents, total
from ..service import requests
from ..service.records import Contact, Customer, Invoice, Me, Product, Ticket, in_minutes
from ..words import Words, pick
from . import checks, reference
from .bill import MAX_SUBJECT, MAX_TEXT, basis_of, text_problem
from .plan import NOTHING_BILLED, Basis, Expected, Plan, Step

SAME_TEXT_HOURS = 24
_YEARS = range(2000, 2100)  # what a service desk can mean
_MARKDOWN = re.compile(r"(^|\n)(#{1,6} |[-*] \[[ x]\]|```)|\*\*\S|\]\(https?:|`[^`\n]+`")


@dataclass(frozen=True)
class TicketFacts:
    """What was read live to plan a write on a ticket. `invoices` None: no money is involved, and they were not looked at."""

    ticket: Ticket
    words: Words
    read_at: datetime
    open_run: str | None = None
    invoices: tuple[Invoice, ...] | None = None
    customer: Customer | None = None
    contacts: tuple[Contact, ...] = ()
    products: Mapping[int, Product] = field(default_factory=dict)
    me: Me | None = None
    zone: tzinfo | None = None  # the account's, where times are said or shown

    @property
    def customer_id(self) -> int:
        """The ticket's customer; 0 if it has none."""
        ticket = self.ticket
        return ticket.customer_id or (ticket.customer.id if ticket.customer else 0)


def ticket_plan(
    facts: TicketFacts,
    kind: str,
    steps: Sequence[Step],
    *,
    account: str,
    run: str,
    unit: str = "",
    expected: Expected = NOTHING_BILLED,
    blockers: Sequence[str] = (),
    warnings: Sequence[str] = (),
    notes: Sequence[str] = (),
    done: str,
    signed: bool = True,
) -> Plan:
    """A plan on one ticket, with what it is based on. An unfinished run on the ticket is a blocker of every one."""
    ticket = facts.ticket
    unfinished = (
        [f"run {facts.open_run} on this ticket is not finished: `syncro runs show {facts.open_run}`"]
        if facts.open_run
        else []
    )
    prepaid = facts.customer.prepaid_hours if facts.customer and facts.invoices is not None else None
    return Plan(
        run=run,
        kind=kind,
        account=account,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        customer_id=facts.customer_id,
        customer_name=ticket.customer_name or (ticket.customer.name if ticket.customer else ""),
        subject=ticket.subject,
        unit=unit or f"run {run}",
        steps=tuple(steps),
        expected=expected,
        basis=basis_of(ticket, facts.invoices, prepaid),
        ticket_created_at=ticket.created_at,
        blockers=(*unfinished, *blockers),
        warnings=tuple(warnings),
        notes=tuple(notes),
        signed=signed,
        author_id=facts.me.user_id if facts.me else None,
        done=done,
    )


def sign(text: str, account: str, ticket_id: int, unit: str, *, signed: bool) -> str:
    """A text with the reference of this work as its last line, unless the account does without."""
    plain = reference.strip(text)
    return reference.under(plain, reference.make(account, ticket_id, unit, 1)) if signed else plain


# ---------------------------------------------------------------- comment


@dataclass(frozen=True)
class CommentDraft:
    """One comment: public and mailed, public and silent (`email` False), or hidden from the customer."""

    ticket_number: int | None = None
    text: str = ""
    subject: str = "Update"
    hidden: bool = False
    email: bool = True

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = number_problem(self.ticket_number)
        said |= text_problem("text", self.text, MAX_TEXT, "what is the comment?")
        return said | _subject_problem(self.subject, "the comment needs a subject")


def plan_comment(draft: CommentDraft, facts: TicketFacts, *, account: str, run: str, signed: bool = True) -> Plan:
    """The plan for one comment."""
    step = comment_step(
        facts.ticket,
        draft.text,
        draft.subject,
        hidden=draft.hidden,
        email=draft.email,
        account=account,
        run=run,
        signed=signed,
    )
    return ticket_plan(
        facts,
        "comment",
        [step, Step("verify")],
        account=account,
        run=run,
        blockers=said_already(facts, draft.text),
        warnings=markdown_warning(draft.text),
        notes=[mail_note(facts.ticket, hidden=draft.hidden, email=draft.email)],
        done=f"The comment is on ticket {facts.ticket.number}",
        signed=signed,
    )


def comment_step(
    ticket: Ticket, text: str, subject: str, *, hidden: bool, email: bool, account: str, run: str, signed: bool
) -> Step:
    """The step that adds a comment with this run's reference."""
    request = requests.add_comment(
        ticket.id,
        subject=subject.strip(),
        body=sign(text, account, ticket.id, f"run {run}", signed=signed),
        hidden=hidden,
        do_not_email=hidden or not email,
    )
    return Step("comment", request, visible=not hidden)


def said_already(facts: TicketFacts, text: str) -> list[str]:
    """The same text, written by a technician within a day: a cell that was run twice, or a colleague who was quicker."""
    since, plain = facts.read_at - timedelta(hours=SAME_TEXT_HOURS), reference.strip(text).casefold()
    return [
        f"comment {row.id} of {row.created_at:%Y-%m-%d %H:%M} UTC says the same already"
        for row in facts.ticket.comments or ()
        if row.user_id is not None
        and row.created_at is not None
        and row.created_at >= since
        and reference.strip(row.body).casefold() == plain
    ]


def mail_note(ticket: Ticket, *, hidden: bool, email: bool) -> str:
    """Who will get mail."""
    if hidden:
        return "the comment is hidden: only technicians see it, and nobody gets mail"
    if not email:
        return "the customer can see the comment, and gets no mail"
    if ticket.customer is not None and ticket.customer.no_email:
        return "the customer has mail switched off: the comment is not mailed"
    address = ticket.contact.email if ticket.contact and ticket.contact.email else ""
    address = address or (ticket.customer.email if ticket.customer else "")
    return f"the comment is mailed to {address or 'the customer'}"


def markdown_warning(text: str) -> list[str]:
    """Syncro shows a comment as plain text."""
    return ["the text looks like Markdown, which Syncro shows as it is typed"] if _MARKDOWN.search(text) else []


# ---------------------------------------------------------------- create


@dataclass(frozen=True)
class CreateDraft:
    """A new ticket. Customer, technician and contact are named as people name them. `email`: the opening comment is mailed."""

    customer: str = ""
    subject: str = ""
    text: str = ""
    problem_type: str = ""
    priority: str = ""
    due_on: date | None = None
    technician: str = ""
    contact: str = ""
    hidden: bool = False
    email: bool = False

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = {} if self.customer.strip() else {"customer": "for which customer?"}
        said |= _subject_problem(self.subject, "what is it about?")
        return said | (
            text_problem("text", self.text, MAX_TEXT, "the text is empty: leave it out, or say something")
            if self.text
            else {}
        )


@dataclass(frozen=True)
class CreateFacts:
    """What was read live to plan a new ticket. `namesakes`: the customer's tickets since `since` with this subject."""

    customer: Customer
    words: Words
    read_at: datetime
    since: datetime
    namesakes: tuple[Ticket, ...] = ()
    contacts: tuple[Contact, ...] = ()
    open_run: str | None = None
    me: Me | None = None


def plan_create(draft: CreateDraft, facts: CreateFacts, *, account: str, run: str, signed: bool = True) -> Plan:
    """The plan for a new ticket. Raises InputError for a word that the account does not know."""
    customer, words = facts.customer, facts.words
    unit, key = f"run {run}", -customer.id
    request = requests.create_ticket(
        customer.id,
        draft.subject.strip(),
        comment=sign(draft.text, account, key, unit, signed=signed) if draft.text.strip() else None,
        hidden=draft.hidden,
        do_not_email=draft.hidden or not draft.email,
        problem_type=words.problem_type(draft.problem_type) if draft.problem_type else None,
        priority=words.priority(draft.priority) if draft.priority else None,
        due_on=draft.due_on,
        user_id=words.technician(draft.technician) if draft.technician else None,
        contact_id=contact_named(draft.contact, facts.contacts),
    )
    recent = [row for row in facts.namesakes if row.created_at is None or row.created_at >= facts.since]
    blockers = [f"ticket {row.number} of this customer, made within a day, has the same subject" for row in recent]
    if facts.open_run:
        blockers.insert(
            0, f"run {facts.open_run} for this customer is not finished: `syncro runs show {facts.open_run}`"
        )
    warnings = [] if draft.technician else ["nobody is assigned"]
    mailed = draft.text.strip() and draft.email and not draft.hidden
    notes = ["the opening comment is mailed to the customer" if mailed else "nobody gets mail from this"]
    return Plan(
        run=run,
        kind="create",
        account=account,
        ticket_id=key,
        ticket_number=0,
        customer_id=customer.id,
        customer_name=customer.name,
        subject=draft.subject.strip(),
        unit=unit,
        steps=(Step("ticket", request, visible=bool(mailed)), Step("verify")),
        expected=NOTHING_BILLED,
        basis=nothing_there(tuple(sorted(row.id for row in facts.namesakes))),
        blockers=tuple(blockers),
        warnings=(*warnings, *markdown_warning(draft.text)),
        notes=tuple(notes),
        signed=signed,
        author_id=facts.me.user_id if facts.me else None,
        author_names=tuple(name.strip().lower() for name in (facts.me.email, facts.me.name) if name)
        if facts.me
        else (),
        looked_since=facts.since,
        done="The ticket is made",
    )


def nothing_there(record_ids: tuple[int, ...]) -> Basis:
    """The basis of a plan without a ticket: the records that look like the one to be made."""
    return Basis(None, "", "", "none", (), (), (), (), None, ticket_ids=record_ids)


def contact_named(name: str, contacts: Sequence[Contact]) -> int | None:
    """The customer's contact of that name. Raises InputError naming the nearest."""
    if not name.strip():
        return None
    if not contacts:
        raise InputError("this customer has no contacts")
    chosen = pick("contact", name, [one.name for one in contacts])
    return next(one.id for one in contacts if one.name == chosen)


# ---------------------------------------------------------------- update and close


@dataclass(frozen=True)
class UpdateDraft:
    """Changes to a ticket; what is empty stays as it is.

    `start_at`, `end_at`: when the work is scheduled for; without a zone by the account's clock.
    """

    ticket_number: int | None = None
    status: str = ""
    priority: str = ""
    due_on: date | None = None
    technician: str = ""
    contact: str = ""
    problem_type: str = ""
    subject: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None

    @property
    def schedules(self) -> bool:
        """Whether it says when the work is to be done."""
        return self.start_at is not None or self.end_at is not None

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = number_problem(self.ticket_number)
        if self.subject:
            said |= _subject_problem(self.subject, "what is it about?")
        given = (
            self.status,
            self.priority,
            self.due_on,
            self.technician,
            self.contact,
            self.problem_type,
            self.subject,
            self.schedules,
        )
        for name, moment in (("start_at", self.start_at), ("end_at", self.end_at)):
            if moment is not None and moment.year not in _YEARS:
                said |= {name: f"nothing is scheduled for the year {moment.year}"}
        return said if any(given) else said | {"status": "what is to change? Give a status or an option"}


def plan_update(draft: UpdateDraft, facts: TicketFacts, house: House, *, account: str, run: str) -> Plan:
    """The plan for changed fields. Raises InputError for a word that the account does not know."""
    words, ticket = facts.words, facts.ticket
    request = requests.update_ticket(
        ticket.id,
        subject=draft.subject.strip() or None,
        status=words.status(draft.status) if draft.status else None,
        priority=words.priority(draft.priority) if draft.priority else None,
        problem_type=words.problem_type(draft.problem_type) if draft.problem_type else None,
        due_on=draft.due_on,
        start_at=instant(draft.start_at, facts.zone),
        end_at=instant(draft.end_at, facts.zone),
        user_id=words.technician(draft.technician) if draft.technician else None,
        contact_id=contact_named(draft.contact, facts.contacts),
    )
    present = checks.field_values(ticket)
    step = Step("update", request, before={name: present[name] for name in request.body})
    blockers = [] if checks.fields(request, ticket) else ["the ticket is like this already: nothing would change"]
    blockers += _misplaced(draft, facts) if draft.schedules else []
    status = str(request.body.get("status", ""))
    warnings = unbilled_warnings(ticket) if status and house.is_resolved(status) else []
    notes = [
        f"{checks.title(name)} goes from {before} to {after}"
        for name, value in request.body.items()
        if (before := _word(name, present[name], facts)) != (after := _word(name, value, facts))
    ]
    if draft.schedules:
        start = instant(draft.start_at, facts.zone)
        warnings += ["the begin is in the past"] if start and start < facts.read_at else []
        notes.append("these times are the ticket's own: no appointment is made in Syncro's calendar")
    return ticket_plan(
        facts,
        "update",
        [step, Step("verify")],
        account=account,
        run=run,
        blockers=blockers,
        warnings=warnings,
        notes=notes,
        done=f"Ticket {ticket.number} is changed",
    )


def instant(moment: datetime | None, zone: tzinfo | None) -> datetime | None:
    """A time that somebody said, in UTC and to the second; without a zone of its own it is in `zone`.

    Raises InputError for an hour that the account's clock leaves out in spring, and where nobody can tell the zone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        if zone is None:
            example = "2026-04-02T09:30-07:00"
            raise InputError(f"the account's time zone is not known: say the time with its offset, as in {example}")
        said, moment = moment, moment.replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != said:
            raise InputError(f"there is no {said:%H:%M} on {said:%Y-%m-%d}: the clock is put forward that night")
    return moment.astimezone(UTC).replace(microsecond=0)


def _misplaced(draft: UpdateDraft, facts: TicketFacts) -> list[str]:
    """What is wrong with the times as they will stand on the ticket, those that stay included."""
    start = instant(draft.start_at, facts.zone) or facts.ticket.start_at
    end = instant(draft.end_at, facts.zone) or facts.ticket.end_at
    if start is None:
        return ["the ticket has no begin: give one with the end"]
    if end is not None and end <= start:
        which = "" if draft.end_at else ": the ticket has that end already, so give a new one too"
        times = [_word("start_at", one.isoformat(), facts) for one in (start, end)]
        return [f"it would begin at {times[0]} and end at {times[1]}{which}"]
    return []


def _word(name: str, value: Any, facts: TicketFacts) -> str:
    """A field's value as people know it: a technician and a contact by name, a time by the account's clock."""
    if name in ("start_at", "end_at") and value is not None:
        moment = datetime.fromisoformat(value).astimezone(facts.zone or UTC)
        return f"{moment:%Y-%m-%d %H:%M %Z}"
    names = dict(facts.words.technicians) if name == "user_id" else {one.id: one.name for one in facts.contacts}
    if name in ("user_id", "contact_id") and value is not None:
        return names.get(value, str(value))
    return checks.word(value)


@dataclass(frozen=True)
class CloseDraft:
    """Resolve a ticket, with a comment that says how if there is a text."""

    ticket_number: int | None = None
    text: str = ""
    subject: str = "Resolution"
    hidden: bool = False
    email: bool = True

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = number_problem(self.ticket_number)
        said |= (
            text_problem("text", self.text, MAX_TEXT, "the text is empty: leave it out, or say something")
            if self.text
            else {}
        )
        return said | _subject_problem(self.subject, "the comment needs a subject")


def plan_close(
    draft: CloseDraft, facts: TicketFacts, house: House, *, account: str, run: str, signed: bool = True
) -> Plan:
    """The plan that resolves a ticket: comment, read back, status last."""
    ticket = facts.ticket
    resolved = next((one for one in facts.words.statuses if one.startswith("Resolved")), "Resolved")
    blockers, steps, notes = [], [], [f"the status goes from {ticket.status} to {resolved}"]
    if house.is_resolved(ticket.status):
        blockers.append(f"the ticket's status is {ticket.status} already")
    if draft.text.strip():
        blockers += said_already(facts, draft.text)
        comment = comment_step(
            ticket,
            draft.text,
            draft.subject,
            hidden=draft.hidden,
            email=draft.email,
            account=account,
            run=run,
            signed=signed,
        )
        steps += [comment, Step("verify")]
        notes.append(mail_note(ticket, hidden=draft.hidden, email=draft.email))
    before = {"status": ticket.status}
    steps += [Step("status", requests.update_ticket(ticket.id, status=resolved), before=before), Step("verify")]
    return ticket_plan(
        facts,
        "close",
        steps,
        account=account,
        run=run,
        blockers=blockers,
        warnings=[*unbilled_warnings(ticket), *markdown_warning(draft.text)],
        notes=notes,
        done=f"Ticket {ticket.number} is {resolved.lower()}",
        signed=signed,
    )


def unbilled_warnings(ticket: Ticket) -> list[str]:
    """What is unbilled on a ticket, read in full, before anybody resolves it."""
    said = []
    timers = [one for one in ticket.timers or () if not one.recorded and not one.line_item_id]
    running = [one for one in timers if one.ended_at is None]
    waiting = [one for one in ticket.lines or () if not one.converted]
    uncharged = [one for one in timers if one.ended_at is not None and one.billable]
    if running:
        said.append(f"timer {' and '.join(str(one.id) for one in running)} still runs")
    if uncharged:
        minutes = in_minutes(total(one.charged_seconds for one in uncharged))
        said.append(f"{len(uncharged)} timer(s) are not charged, {minutes} minutes")
    if waiting:
        amount = total(line_cents(one.quantity, one.price_cents) for one in waiting)
        said.append(f"{len(waiting)} charge(s) are not invoiced, {format_cents(amount)}")
    if not ticket.timers and not ticket.lines:
        said.append("no time and no charge is on this ticket")
    return said


# ---------------------------------------------------------------- delete


@dataclass(frozen=True)
class DeleteDraft:
    """Delete a ticket that nothing has happened on."""

    ticket_number: int | None = None

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        return number_problem(self.ticket_number)


def plan_delete(draft: DeleteDraft, facts: TicketFacts, *, account: str, run: str, ours: bool) -> Plan:
    """The plan that deletes a ticket. `ours`: this journal made it; anybody else's is not deleted from here."""
    ticket = facts.ticket
    parts = {
        "comments": ticket.comments,
        "timers": ticket.timers,
        "line items": ticket.lines,
        "invoices": facts.invoices,
    }
    blockers = [f"the ticket has {len(rows)} {name}" for name, rows in parts.items() if rows]
    if not ours:
        blockers.append("it was not made from here; delete it in Syncro")
    step = Step("remove_ticket", requests.delete_ticket(ticket.id), record_id=ticket.id)
    return ticket_plan(
        facts,
        "delete",
        [step],
        account=account,
        run=run,
        blockers=blockers,
        warnings=["a deleted ticket cannot be brought back"],
        done=f"Ticket {ticket.number} is deleted",
    )


# ---------------------------------------------------------------- what every draft asks


def number_problem(number: int | None) -> dict[str, str]:
    """What is wrong with a ticket number."""
    if number is None or not 0 < number < 10**12:
        return {"ticket_number": "which ticket? Its number is a whole number, as in 32164"}
    return {}


def _subject_problem(subject: str, question: str) -> dict[str, str]:
    said = text_problem("subject", subject, MAX_SUBJECT, question)
    if not said and any(character in subject for character in "\n\r\t"):
        return {"subject": "the subject must be one line"}
    return said
