"""What is in Syncro now of a run's work, and of everybody else's on its ticket. Reads only; nothing here sends or records."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import InputError, Missing
from ..service.client import Client
from ..service.records import Ticket
from ..service.requests import Request
from . import checks, probe, reference
from .bill import basis_of
from .facts import pull_ticket_invoices
from .journal import Run, StepState
from .plan import STEP_TITLES, Basis, Plan
from .receipt import SETTLED


class Look:
    """Looks at a run's ticket through one client. Raises Refused and Unreachable as the client does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pull_basis(self, plan: Plan) -> Basis:
        """What the ticket is like now, to be held against the plan's basis."""
        ticket = self._client.ticket(plan.ticket_id)
        invoices = pull_ticket_invoices(self._client, ticket.id, plan.customer_id, plan.ticket_created_at)
        prepaid = None
        if plan.basis.prepaid_hours != "none":
            prepaid = self._client.customer(plan.customer_id).prepaid_hours
        return basis_of(ticket, invoices, prepaid)

    def pull_drift(self, run: Run) -> list[str]:
        """What others have changed on the ticket since the plan was confirmed, as far as it touches the bill."""
        ours = frozenset(one.record_id for one in run.steps if one.record_id is not None)
        timers = frozenset(one.step.timer_id for one in run.steps if one.step.timer_id and one.state in SETTLED)
        try:
            now = self.pull_basis(run.plan).without(ours, timers)
        except InputError as error:
            return [str(error)]
        then = run.plan.basis
        # People go on talking, and the status is compared before it is set: neither changes what is billed.
        now = dataclasses.replace(now, comment_ids=then.comment_ids, subject=then.subject, status=then.status)
        return then.changes(now)

    def pull_sight(self, run: Run, state: StepState) -> probe.Sight:
        """What is there of this step now, whichever attempt it is from."""
        others, attempts = taken(run, state), range(1, state.attempt + 1)
        looks = [probe.pull_sight(self._client, run.plan, state.step, attempt, others) for attempt in attempts]
        ours = {record.id: record for look in looks for record in look.ours}
        doubts = dict.fromkeys(doubt for look in looks for doubt in look.doubts)
        return probe.Sight(tuple(ours.values()), tuple(doubts), looks[-1].looked_at)

    def pull_record(self, run: Run, state: StepState, record_id: int | None) -> Any:
        """The record of a step by its id, or None if the ticket has none such."""
        name, plan = state.step.name, run.plan
        if name == "comment":
            return next((row for row in self._client.comments(plan.ticket_id) if row.id == record_id), None)
        if name in ("line_item", "charge"):
            rows = self._client.ticket(plan.ticket_id).lines or ()
            return next((row for row in rows if row.id == record_id), None)
        if name == "status":
            return self._client.ticket(plan.ticket_id)
        try:
            invoice = self._client.invoice(record_id or 0)
        except Missing:
            return None
        return invoice if invoice.ticket_id in (None, plan.ticket_id) else None

    def stored_otherwise(self, run: Run, ticket: Ticket) -> list[str]:
        """What of the comment and the lines is not kept as it was answered. What a person let pass is not asked again."""
        kept: dict[str, tuple[Any, ...]] = {"comment": ticket.comments or (), "line_item": ticket.lines or ()}
        said = []
        for one in run.steps:
            if one.step.name in kept and not one.detail.get("differences"):
                record = next((row for row in kept[one.step.name] if row.id == one.record_id), None)
                gone = [f"it is not on the ticket any more (id {one.record_id})"]
                found = gone if record is None else self.differences(run, one, record)
                said += [f"{STEP_TITLES[one.step.name].lower()}: {words}" for words in found]
        return said

    def request(self, plan: Plan, state: StepState, attempt: int) -> Request:
        """The step's request, with the reference of this attempt."""
        request = state.step.request
        if request is None:
            raise InputError(f"{state.step.name} sends nothing")
        first, this = (reference.make(plan.account, plan.ticket_id, plan.unit, number) for number in (1, attempt))
        body = {
            name: value.replace(first, this) if isinstance(value, str) else value
            for name, value in request.body.items()
        }
        return dataclasses.replace(request, body=body)

    def differences(self, run: Run, state: StepState, record: Any) -> list[str]:
        """A step's record held against what this attempt sent."""
        plan, sent = run.plan, self.request(run.plan, state, state.attempt)
        if state.step.name == "comment":
            return checks.comment(sent, record, plan.ticket_id)
        if state.step.name == "line_item":
            return checks.line_item(sent, record, plan.ticket_id)
        if state.step.name == "charge":
            ticket = self._client.ticket(plan.ticket_id)
            timer = next((one for one in ticket.timers or () if one.id == state.step.timer_id), None)
            return checks.charge(probe.expected_charge(plan, state.step), timer, record)
        if state.step.name == "invoice":
            return checks.new_invoice(record, plan.ticket_id, plan.customer_id)
        return checks.status(sent, record, plan.ticket_id)


def taken(run: Run, state: StepState) -> frozenset[int]:
    """The records that other steps of the run account for."""
    return frozenset(one.record_id for one in run.steps if one.record_id is not None and one.seq != state.seq)
