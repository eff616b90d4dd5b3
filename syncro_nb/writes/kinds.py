"""The sorts of steps: how the work of each is looked for, read by its id, and held against what was sent.

A step creates a record (only once, or it is a second one), sets something (twice does no harm), or removes something (a second
time finds nothing). What a run does with that is in `run.py`; here are only reads and comparisons.

A new record is ours if it was not there when the plan was made, a technician wrote it, and its last line is the reference of
this very attempt: a customer's quoted reply, an older attempt, a merged ticket never match. An account that does without
references is matched by content and author, and anything else that could be meant is a doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, Missing
from ..escape import clip
from ..service.client import Client
from ..service.records import Comment, Customer, Invoice, Payment, Ticket, TicketLine, Timer
from ..service.requests import Request
from . import checks, reference
from .facts import pull_ticket_invoices
from .plan import Plan, Step


@dataclass(frozen=True)
class Sight:
    """What a complete look found: the records that are ours, and what else a person should know."""

    ours: tuple[Any, ...]
    doubts: tuple[str, ...] = ()
    looked_at: str = ""


@dataclass(frozen=True)
class Stand:
    """How a thing that is to be set or removed stands now: whether it is so already, and what others changed on it."""

    record: Any
    is_done: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Search:
    """One step that is looked for. `sent`: its request in each attempt so far. `taken`: ids that other steps account for."""

    client: Client
    plan: Plan
    step: Step
    sent: tuple[Request, ...]
    taken: frozenset[int]


class Kind:
    """What every sort of step can tell. `nature` is create, set or remove; `table` is what sort of record it is."""

    nature = "create"
    table = "tickets"

    def pull_sight(self, search: Search) -> Sight:
        """Look for what the step creates: every page, nothing but reads. Raises as the client does."""
        raise NotImplementedError

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        """How the thing stands that the step sets or removes; `ticket` spares a read where it has just been read."""
        raise NotImplementedError

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        """The step's record by its id, or None if there is none such."""
        return self.in_ticket(client.ticket(plan.ticket_id), record_id)

    def in_ticket(self, ticket: Ticket, record_id: int) -> Any:
        """The step's record in a ticket that was read in full, or None."""
        return None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        """The record held against what was sent; empty if it is as approved. Pure."""
        raise NotImplementedError

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        """What of the step's work is not kept on the ticket as it was answered; empty also where a ticket does not tell. Pure."""
        record = self.in_ticket(ticket, record_id)
        if record is None:
            return [f"it is not on the ticket any more (id {record_id})"]
        return self.differences(plan, step, sent, record)

    def twins(self, plan: Plan, sent: Sequence[Request], ticket: Ticket, record_id: int) -> list[int]:
        """New records beside this one that say they are the same work: a request that was delivered twice. Pure."""
        return []

    def other(self, plan: Plan, step: Step, record: Any) -> str:
        """Which other record an answer is about, in words; empty if it may be the one that was sent. Pure."""
        if getattr(record, "ticket_id", None) not in (None, plan.ticket_id) and plan.ticket_id > 0:
            return f"ticket id {record.ticket_id}"
        number = getattr(record, "id", None)
        if self.nature == "create" and number in (0, *plan.basis.known(self.table)):
            return f"record {number}, which is not a new one"
        if self.nature == "set" and step.record_id is not None and number != step.record_id:
            return f"record {number}, not {step.record_id}"
        return ""

    def shown(self, record: Any) -> dict[str, Any]:
        """What of the record the receipt shows."""
        return {}


# ---------------------------------------------------------------- matching


def _is_ours(text: str, sent: str) -> bool:
    mark = reference.last_reference(sent)
    if mark is not None:
        return reference.last_reference(text) == mark
    return reference.strip(text) == reference.strip(sent)


def _search_texts(
    search: Search, what: str, field: str, rows: Sequence[Any], text: str, old: Sequence[int], looked_at: str
) -> Sight:
    """Records whose text is one that we sent, among those that are new; and what else holds our reference."""
    texts = [str(request.body.get(field, "")) for request in search.sent]
    marks = [mark for one in texts if (mark := reference.last_reference(one))]
    found = [row for row in rows if row.id not in old and any(_is_ours(getattr(row, text), one) for one in texts)]
    ours, doubts = [], []
    for row in found:
        if row.user_id is None:
            said = "carries the reference" if marks else "says the same"
            doubts.append(f"{what} {row.id} {said}, but no technician wrote it")
        elif not marks and search.plan.author_id not in (None, row.user_id):
            doubts.append(f"{what} {row.id} says the same, but somebody else wrote it")
        else:
            ours.append(row)
    # Syncro may have joined the lines, or somebody quotes: such a record is not certainly ours.
    doubts += [
        f"{what} {row.id} holds the reference, though not as its last line"
        for row in rows
        if row not in found and any(mark in getattr(row, text) for mark in marks)
    ]
    return Sight(tuple(row for row in ours if row.id not in search.taken), tuple(doubts), looked_at)


def _twins(
    plan: Plan, rows: Sequence[Any] | None, table: str, field: str, texts: Sequence[str], mine: int
) -> list[int]:
    return [
        row.id
        for row in rows or ()
        if row.id != mine
        and row.id not in plan.basis.known(table)
        and row.user_id is not None
        and any(_is_ours(getattr(row, field), one) for one in texts)
    ]


def _one(rows: Sequence[Any] | None, record_id: int | None) -> Any:
    return next((row for row in rows or () if row.id == record_id), None)


# ---------------------------------------------------------------- what a step creates on a ticket


class CommentKind(Kind):
    """POST /tickets/{id}/comment."""

    table = "comments"

    def pull_sight(self, search: Search) -> Sight:
        rows = list(search.client.comments(search.plan.ticket_id))
        old = search.plan.basis.known(self.table)
        return _search_texts(search, "comment", "body", rows, "body", old, f"{len(rows)} comments")

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        return _one(list(client.comments(plan.ticket_id)), record_id)

    def in_ticket(self, ticket: Ticket, record_id: int) -> Comment | None:
        return _one(ticket.comments, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.comment(sent, record, plan.ticket_id)

    def twins(self, plan: Plan, sent: Sequence[Request], ticket: Ticket, record_id: int) -> list[int]:
        texts = [str(one.body["body"]) for one in sent]
        return _twins(plan, ticket.comments, self.table, "body", texts, record_id)


class LineKind(Kind):
    """POST /tickets/{id}/add_line_item."""

    table = "lines"

    def pull_sight(self, search: Search) -> Sight:
        rows = search.client.ticket(search.plan.ticket_id).lines or ()
        old, looked_at = search.plan.basis.known(self.table), f"{len(rows)} line items"
        return _search_texts(search, "line item", "description", rows, "description", old, looked_at)

    def in_ticket(self, ticket: Ticket, record_id: int) -> TicketLine | None:
        return _one(ticket.lines, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.line_item(sent, record, plan.ticket_id)

    def twins(self, plan: Plan, sent: Sequence[Request], ticket: Ticket, record_id: int) -> list[int]:
        texts = [str(one.body["description"]) for one in sent]
        return _twins(plan, ticket.lines, self.table, "description", texts, record_id)


class TimerKind(Kind):
    """POST /tickets/{id}/timer_entry."""

    table = "timers"

    def pull_sight(self, search: Search) -> Sight:
        rows = search.client.ticket(search.plan.ticket_id).timers or ()
        old, looked_at = search.plan.basis.known(self.table), f"{len(rows)} timers"
        return _search_texts(search, "timer", "notes", rows, "notes", old, looked_at)

    def in_ticket(self, ticket: Ticket, record_id: int) -> Timer | None:
        return _one(ticket.timers, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.timer(sent, record, plan.ticket_id)

    def twins(self, plan: Plan, sent: Sequence[Request], ticket: Ticket, record_id: int) -> list[int]:
        texts = [str(one.body["notes"]) for one in sent]
        return _twins(plan, ticket.timers, self.table, "notes", texts, record_id)


class ChargeKind(Kind):
    """POST /tickets/{id}/charge_timer_entry: it marks the timer, and makes a line; the record is the line."""

    table = "lines"

    def pull_sight(self, search: Search) -> Sight:
        plan, step = search.plan, search.step
        ticket = search.client.ticket(plan.ticket_id)
        looked_at = f"{len(ticket.timers or ())} timers and {len(ticket.lines or ())} line items"
        timer, line = _one(ticket.timers, step.timer_id), new_charge_line(plan, step, ticket, search.taken)
        if timer is not None and timer.recorded and line is not None:
            return Sight((line,), (), looked_at)
        if timer is None or timer.recorded or line is not None:
            state = "gone" if timer is None else "charged" if timer.recorded else "not charged"
            found = f"line {line.id} is new" if line else "it has no new line of its own"
            return Sight((), (f"timer {step.timer_id} is {state}, and {found}",), looked_at)
        return Sight((), (), looked_at)

    def other(self, plan: Plan, step: Step, record: Any) -> str:
        return "" if record.id == step.timer_id else f"timer {record.id}"

    def in_ticket(self, ticket: Ticket, record_id: int) -> TicketLine | None:
        return _one(ticket.lines, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.charged_line(plan.charged(step), record, amended=plan.is_amended(step))

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        timer, line = _one(ticket.timers, step.timer_id), _one(ticket.lines, record_id)
        if line is None:
            return ["charging made no line item on the ticket"]
        return checks.charge(plan.charged(step), timer, line, amended=plan.is_amended(step))

    def twins(self, plan: Plan, sent: Sequence[Request], ticket: Ticket, record_id: int) -> list[int]:
        # A line of a charge says nothing of us: as many as there are charges are ours, and the others are not planned.
        new = [line for line in ticket.lines or () if line.id not in plan.basis.known(self.table)]
        unsigned = [
            line.id for line in new if reference.last_reference(line.description) is None and line.id != record_id
        ]
        charges = sum(one.name == "charge" for one in plan.steps)
        lines = sum(one.name == "line_item" for one in plan.steps) if not plan.signed else 0
        return unsigned if len(unsigned) + 1 > charges + lines else []


def new_charge_line(plan: Plan, step: Step, ticket: Ticket, taken: frozenset[int]) -> TicketLine | None:
    """The line that charging a timer made: the one that the timer names, else the only new one."""
    timer = _one(ticket.timers, step.timer_id)
    lines = [line for line in ticket.lines or () if line.id not in plan.basis.line_ids and line.id not in taken]
    named = [line for line in lines if timer is not None and line.id == timer.line_item_id]
    return named[0] if named else lines[0] if len(lines) == 1 else None


class InvoiceKind(Kind):
    """POST /invoices."""

    table = "invoices"

    def pull_sight(self, search: Search) -> Sight:
        plan, client = search.plan, search.client
        try:
            rows = pull_ticket_invoices(client, plan.ticket_id, plan.customer_id, plan.ticket_created_at)
        except InputError as error:
            return Sight((), (str(error),), "the invoices of the customer")
        ours, doubts = [], []
        for row in rows:
            if row.id in (plan.basis.invoice_ids or ()):
                continue
            invoice = client.invoice(row.id)
            if checks.lacks_ours(plan.expected, invoice):
                name = f"invoice {invoice.number} (id {invoice.id})"
                doubts.append(f"{name} is new on this ticket, but does not hold our lines")
            else:
                ours.append(invoice)
        return Sight(tuple(ours), tuple(doubts), f"{len(rows)} invoices of the ticket")

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        invoice = _invoice(client, record_id)
        return invoice if invoice and invoice.ticket_id in (None, plan.ticket_id) else None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.new_invoice(record, plan.ticket_id, plan.customer_id)

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        return []  # the invoice is read by itself

    def shown(self, record: Any) -> dict[str, Any]:
        amounts = {name: getattr(record, name) for name in ("subtotal_cents", "tax_cents", "total_cents")}
        return {"invoice": {"number": record.number, **amounts}}


# ---------------------------------------------------------------- what a step creates beside a ticket


class TicketKind(Kind):
    """POST /tickets. Ours carries the reference in its opening comment, or, without one, our name as its creator."""

    def pull_sight(self, search: Search) -> Sight:
        plan, request = search.plan, search.sent[-1]
        rows = [
            row
            for row in search.client.tickets(customer_id=plan.customer_id, created_after=plan.looked_since)
            if row.id not in plan.basis.ticket_ids and row.subject.strip() == str(request.body["subject"]).strip()
        ]
        ours, doubts = [], []
        for row in rows:
            ticket = search.client.ticket(row.id)
            if self._is_ours(search, ticket, row):
                ours.append(ticket)
            else:
                doubts.append(f"ticket {row.number} of this customer is new and has the same subject")
        return Sight(tuple(ours), tuple(doubts), f"the customer's tickets since {plan.looked_since:%Y-%m-%d %H:%M} UTC")

    def _is_ours(self, search: Search, ticket: Ticket, row: Ticket) -> bool:
        opening = [str(one["body"]) for sent in search.sent for one in sent.body.get("comments_attributes") or ()]
        if opening:
            return any(_is_ours(comment.body, text) for comment in ticket.comments or () for text in opening)
        return str(row.extra.get("creator_name_or_email", "")).strip().lower() in search.plan.author_names

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        try:
            return client.ticket(record_id)
        except Missing:
            return None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.fields(sent, record) + checks.opening(sent, record) + checks.customer(record, plan.customer_id)

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        return self.differences(plan, step, sent, ticket)

    def shown(self, record: Any) -> dict[str, Any]:
        return {"number": record.number}


class PaymentKind(Kind):
    """POST /payments: it cannot be taken back through the API."""

    table = "payments"

    def pull_sight(self, search: Search) -> Sight:
        body, old = search.sent[-1].body, search.plan.basis.payment_ids
        invoice = search.client.invoice(int(body["invoice_id"]))
        rows = [row for row in invoice.payments or () if row.id not in old]
        alike = [row for row in rows if not checks.payment(search.sent[-1], row, listed=True)]
        ours = [search.client.payment(row.id) for row in alike]
        doubts = [f"payment {row.id} on this invoice is new, but is not the one that was sent" for row in rows]
        looked_at = f"{len(invoice.payments or ())} payments of invoice {invoice.number}"
        return Sight(tuple(ours), () if ours else tuple(doubts), looked_at)

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        try:
            return client.payment(record_id)
        except Missing:
            return None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.payment(sent, record)

    def shown(self, record: Payment) -> dict[str, Any]:
        return {"payment": {"id": record.id, "amount_cents": record.amount_cents}}


class CustomerKind(Kind):
    """POST /customers."""

    table = "customers"

    def pull_sight(self, search: Search) -> Sight:
        sent = search.sent[-1]
        name = str(sent.body.get("business_name") or sent.body.get("lastname") or "")
        rows = [row for row in search.client.customers(query=name) if row.id not in search.plan.basis.ticket_ids]
        ours = [row for row in rows if not checks.new_customer(sent, row)]
        return Sight(tuple(ours), (), f"the customers called {name!r}")

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Customer | None:
        try:
            return client.customer(record_id)
        except Missing:
            return None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.new_customer(sent, record)


class ContactKind(Kind):
    """POST /contacts."""

    table = "contacts"

    def pull_sight(self, search: Search) -> Sight:
        sent = search.sent[-1]
        rows = list(search.client.contacts(customer_id=search.plan.customer_id))
        ours = [row for row in rows if row.id not in search.plan.basis.ticket_ids and not checks.new_contact(sent, row)]
        return Sight(tuple(ours), (), f"{len(rows)} contacts of the customer")

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        try:
            return client.contact(record_id)
        except Missing:
            return None

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.new_contact(sent, record)


# ---------------------------------------------------------------- what a step sets


class FieldsKind(Kind):
    """PUT /tickets/{id}: the fields that are given, each compared before it is set."""

    nature = "set"

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        ticket = ticket or client.ticket(plan.ticket_id)
        request, present = _request(step), checks.field_values(ticket)
        before = step.before or {"status": plan.basis.status}
        changed = tuple(
            f"{checks.title(name)} was {checks.word(before[name])} in the preview, "
            f"and is {checks.word(present[name])} now"
            for name, want in request.body.items()
            if name in before and present[name] not in (before[name], want)
        )
        return Stand(ticket, not checks.fields(request, ticket), changed)

    def other(self, plan: Plan, step: Step, record: Any) -> str:
        return "" if record.id == plan.ticket_id else f"ticket id {record.id}"

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Any:
        return client.ticket(plan.ticket_id)

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.fields(sent, record) + checks.same_ticket(record.id, plan.ticket_id)

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        return checks.fields(sent, ticket)


class RepriceKind(Kind):
    """PUT /tickets/{id}/update_line_item."""

    nature = "set"
    table = "lines"

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        ticket = ticket or client.ticket(plan.ticket_id)
        line = self.in_ticket(ticket, step.record_id or 0)
        if line is None:
            return Stand(None, False, (f"line {step.record_id} is no longer on the ticket",))
        done = not checks.repriced(_request(step), line)
        now = checks.line_values(line)
        changed = [
            f"the line's {name} was {was} and is {now[name]}" for name, was in step.before.items() if now[name] != was
        ]
        return Stand(line, done, () if done else tuple(changed))

    def in_ticket(self, ticket: Ticket, record_id: int) -> TicketLine | None:
        return _one(ticket.lines, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.repriced(sent, record)


class TimerSettingKind(Kind):
    """PUT /tickets/{id}/update_timer_entry, and stopping a timer: what is sent is what the timer must hold."""

    nature = "set"
    table = "timers"

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        timer = self.in_ticket(ticket or client.ticket(plan.ticket_id), step.record_id or 0)
        if timer is None:
            return Stand(None, False, (f"timer {step.record_id} is no longer on the ticket",))
        changed = (f"timer {timer.id} was charged meanwhile",) if timer.recorded else ()
        return Stand(timer, not self.differences(plan, step, _request(step), timer), changed)

    def in_ticket(self, ticket: Ticket, record_id: int) -> Timer | None:
        return _one(ticket.timers, record_id)  # type: ignore[no-any-return]

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return checks.timer_setting(sent, record)


class StopKind(TimerSettingKind):
    """POST /ticket_timers/{id}/stop."""

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        stand = super().pull_stand(client, plan, step, ticket)
        return Stand(stand.record, stand.is_done, () if stand.record else stand.changed)  # stopping may charge it

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return [] if record.ended_at is not None or record.status.endswith("stopped") else ["the timer still runs"]


# ---------------------------------------------------------------- what a step removes


class RemovalKind(Kind):
    """A removal: done when the record is gone; Syncro's own word for it is not believed."""

    nature = "remove"
    _part = ""

    def pull_stand(self, client: Client, plan: Plan, step: Step, ticket: Ticket | None) -> Stand:
        record = self.pull_record(client, plan, step, step.record_id or 0)
        return Stand(record, record is None, () if record is None else tuple(self.in_the_way(step, record)))

    def in_the_way(self, step: Step, record: Any) -> list[str]:
        """What forbids the removal now, though it did not when the plan was made."""
        return []

    def in_ticket(self, ticket: Ticket, record_id: int) -> Any:
        return _one(getattr(ticket, self._part), record_id)

    def differences(self, plan: Plan, step: Step, sent: Request, record: Any) -> list[str]:
        return [] if record is None else [f"it is still there (id {record.id})"]

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        return self.differences(plan, step, sent, self.in_ticket(ticket, record_id))


class LineRemovalKind(RemovalKind):
    """POST /tickets/{id}/remove_line_item."""

    table = "lines"
    _part = "lines"

    def in_the_way(self, step: Step, record: Any) -> list[str]:
        return [f"line {record.id} is on an invoice now"] if record.converted else []


class TimerRemovalKind(RemovalKind):
    """POST /tickets/{id}/delete_timer_entry."""

    table = "timers"
    _part = "timers"

    def in_the_way(self, step: Step, record: Any) -> list[str]:
        return [f"timer {record.id} is charged now"] if record.recorded or record.line_item_id else []


class InvoiceRemovalKind(RemovalKind):
    """DELETE /invoices/{id}: proved by a 404."""

    table = "invoices"

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Invoice | None:
        return _invoice(client, record_id)

    def in_the_way(self, step: Step, record: Any) -> list[str]:
        return [f"invoice {record.number} has been paid meanwhile"] if checks.is_paid(record) else []

    def stored(self, plan: Plan, step: Step, sent: Request, ticket: Ticket, record_id: int) -> list[str]:
        # Whether deleting an invoice frees its lines is Syncro's to say; lines that nothing will ever bill must be seen.
        if len(plan.basis.known("invoices")) > 1:
            return []  # they may be on the others
        return [f"line {line.id} is still marked as invoiced" for line in ticket.lines or () if line.converted]


class TicketRemovalKind(RemovalKind):
    """DELETE /tickets/{id}: proved by a 404."""

    def pull_record(self, client: Client, plan: Plan, step: Step, record_id: int) -> Ticket | None:
        try:
            return client.ticket(record_id)
        except Missing:
            return None

    def in_the_way(self, step: Step, record: Any) -> list[str]:
        parts = {"comments": record.comments, "timers": record.timers, "line items": record.lines}
        return [f"the ticket has {name} now" for name, rows in parts.items() if rows]


def _invoice(client: Client, number: int) -> Invoice | None:
    try:
        return client.invoice(number)
    except Missing:
        return None


def _request(step: Step) -> Request:
    if step.request is None:
        raise InputError(f"{step.name} sends nothing")
    return step.request


KINDS: Mapping[str, Kind] = {
    "comment": CommentKind(),
    "line_item": LineKind(),
    "charge": ChargeKind(),
    "invoice": InvoiceKind(),
    "status": FieldsKind(),
    "update": FieldsKind(),
    "ticket": TicketKind(),
    "timer": TimerKind(),
    "timer_setting": TimerSettingKind(),
    "stop": StopKind(),
    "reprice": RepriceKind(),
    "remove_line": LineRemovalKind(),
    "remove_timer": TimerRemovalKind(),
    "remove_invoice": InvoiceRemovalKind(),
    "remove_ticket": TicketRemovalKind(),
    "payment": PaymentKind(),
    "customer": CustomerKind(),
    "contact": ContactKind(),
}


def request_of(plan: Plan, step: Step, attempt: int) -> Request:
    """A step's request as this attempt sends it: with the attempt's own reference where the plan carries one."""
    request = _request(step)
    if attempt == 1 or not plan.signed:
        return request
    unit = step.unit or plan.unit
    first, this = (reference.make(plan.account, plan.ticket_id, unit, number) for number in (1, attempt))
    return Request(request.method, request.path, _exchange(request.body, first, this), request.answer, request.wrapper)


def _exchange(value: Any, first: str, this: str) -> Any:
    if isinstance(value, str):
        return value.replace(first, this)
    if isinstance(value, Mapping):
        return {name: _exchange(inner, first, this) for name, inner in value.items()}
    return [_exchange(inner, first, this) for inner in value] if isinstance(value, list | tuple) else value


def describe(record: Any) -> str:
    """A record in a few words, for a person who has to say which one it is."""
    for name in ("number", "subject", "name", "notes"):
        if getattr(record, name, ""):
            return f"id {record.id} ({clip(getattr(record, name), 40)})"
    return f"id {record.id}"
