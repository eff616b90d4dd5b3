"""What is in Syncro now of a run's work, and of everybody else's on its ticket. Reads only; nothing here sends or records."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..service.client import Client
from ..service.records import Ticket
from .bill import basis_of
from .facts import pull_standing, pull_ticket_invoices
from .journal import Run, StepState
from .kinds import KINDS, Kind, Search, Sight, request_of
from .plan import STEP_TITLES, Basis, Plan
from .receipt import SETTLED


class Look:
    """Looks at a run's ticket through one client. Raises Refused and Unreachable as the client does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pull_basis(self, plan: Plan) -> Basis:
        """What the ticket is like now, to be held against the plan's basis."""
        then = plan.basis
        if plan.ticket_id < 0:
            return pull_standing(self._client, plan)
        ticket = self._client.ticket(plan.ticket_id)
        invoices = None
        if then.invoice_ids is not None:
            invoices = pull_ticket_invoices(self._client, ticket.id, plan.customer_id, plan.ticket_created_at)
        prepaid = None
        if then.prepaid_hours != "none":
            prepaid = self._client.customer(plan.customer_id).prepaid_hours
        return dataclasses.replace(basis_of(ticket, invoices, prepaid), payment_ids=then.payment_ids)

    def pull_drift(self, run: Run) -> list[str]:
        """What others have changed on the ticket since the plan was confirmed, as far as it touches what is still to be done."""
        if run.plan.ticket_id < 0:
            return []  # a new record depends on nothing that others could change
        touched = _touched(run)
        try:
            now = self.pull_basis(run.plan).without(touched)
        except InputError as error:
            return [str(error)]
        then = run.plan.basis.without(touched)
        # People go on talking, and the fields are compared before they are set: neither changes what is billed.
        now = dataclasses.replace(now, comment_ids=then.comment_ids, subject=then.subject, status=then.status)
        return then.changes(now)

    def pull_sight(self, run: Run, state: StepState) -> Sight:
        """What is there of this step now, whichever attempt it is from."""
        sent = tuple(request_of(run.plan, state.step, attempt) for attempt in range(1, state.attempt + 1))
        return kind_of(state).pull_sight(Search(self._client, run.plan, state.step, sent, taken(run, state)))

    def pull_record(self, run: Run, state: StepState, record_id: int | None) -> Any:
        """The record of a step by its id, or None if there is none such."""
        return kind_of(state).pull_record(self._client, run.plan, state.step, record_id or 0)

    def stored_otherwise(self, run: Run, ticket: Ticket) -> list[str]:
        """What of the run's work is not kept as it was answered. What a person let pass is not asked again."""
        said = []
        for one in run.steps:
            kind = KINDS.get(one.step.name)
            if kind is None or one.state not in SETTLED or one.record_id is None or one.detail.get("differences"):
                continue
            found = kind.stored(run.plan, one.step, request_of(run.plan, one.step, one.attempt), ticket, one.record_id)
            sent = [request_of(run.plan, one.step, attempt) for attempt in range(1, one.attempt + 1)]
            twins = [
                number for number in kind.twins(run.plan, sent, ticket, one.record_id) if number not in taken(run, one)
            ]
            found += [f"there is another of it: id {' and '.join(map(str, twins))}"] if twins else []
            said += [f"{STEP_TITLES[one.step.name].lower()}: {words}" for words in found]
        return said

    def pull_stored_otherwise(self, run: Run) -> list[str]:
        """The same for a run without a ticket: each record is read by its id."""
        said = []
        for one in run.steps:
            if one.step.name not in KINDS or one.record_id is None or one.detail.get("differences"):
                continue
            record, title = self.pull_record(run, one, one.record_id), STEP_TITLES[one.step.name].lower()
            creates = kind_of(one).nature == "create"
            found = [f"id {one.record_id} is not there"] if creates and record is None else []
            found = found or self.differences(run, one, record)
            if creates and record is not None:  # a request that was delivered twice
                twins, doubts = self.pull_twins(run, one)
                found += [f"there is another of it: id {' and '.join(map(str, twins))}"] if twins else doubts
            said += [f"{title}: {words}" for words in found]
        return said

    def pull_twins(self, run: Run, state: StepState) -> tuple[list[int], list[str]]:
        """Records beside one that is no part of a ticket which say they are the same work; and tickets that may be."""
        sight = self.pull_sight(run, state)
        mine = f"ticket {state.detail.get('number')} "
        doubts = [one for one in sight.doubts if not one.startswith(mine)] if state.step.name == "ticket" else []
        return [one.id for one in sight.ours if one.id != state.record_id], doubts

    def differences(self, run: Run, state: StepState, record: Any) -> list[str]:
        """A step's record held against what this attempt sent."""
        return kind_of(state).differences(run.plan, state.step, request_of(run.plan, state.step, state.attempt), record)


def kind_of(state: StepState) -> Kind:
    """What sort of step it is."""
    return KINDS[state.step.name]


def taken(run: Run, state: StepState) -> frozenset[int]:
    """The records of the same sort that other steps of the run account for."""
    table = kind_of(state).table
    return frozenset(
        one.record_id
        for one in run.steps
        if one.record_id is not None and one.seq != state.seq and one.step.name in KINDS and kind_of(one).table == table
    )


def _touched(run: Run) -> Mapping[str, frozenset[int]]:
    """What this run itself made, or may set or remove, by table."""
    touched: dict[str, set[int]] = {}
    for one in run.steps:
        if one.step.name in KINDS:
            ids = {number for number in (one.record_id, one.step.record_id) if number is not None}
            touched.setdefault(kind_of(one).table, set()).update(ids)
        if one.step.timer_id is not None and one.state in SETTLED:  # charging it changes it
            touched.setdefault("timers", set()).add(one.step.timer_id)
    return {table: frozenset(ids) for table, ids in touched.items()}
