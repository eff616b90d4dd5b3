"""The step machine: intent, send, classify, read back, verify, next; and for a write in doubt: look, adopt, or ask.

                    +--> refused / not_sent --(resume)--+
    planned --> intent --> acked --> verified           |
                  |  ^       +--> mismatch --> (a person)
                  v  +--------------------- absent <----+
               unknown --(reading)--> adopted | absent | ask --> (a person)

An intent that is found when a process starts counts as unknown. Nothing is ever deleted here, and nothing that customers
see is sent a second time without a person's word.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..clock import Clock, seconds_since
from ..errors import Error, InputError, Missing, Refused, Unreachable
from ..service.client import Client
from ..service.reading import RATE_WAITS
from ..service.records import Ticket
from ..service.requests import Request
from . import checks, outcome, probe, reference
from .bill import basis_of
from .facts import pull_ticket_invoices
from .journal import Journal, Run, StepState
from .plan import STEP_TITLES, Plan
from .receipt import SETTLED, Receipt

Progress = Callable[[str, str, str], None]
NOT_SENT_TRIES = 3
WAIT_SLICE_SECONDS = 5.0


class Runner:
    """Carries plans out on one account. `progress(step, state, text)` is called whenever a step moves."""

    def __init__(
        self, client: Client, journal: Journal, *, clock: Clock, settle_seconds: float, progress: Progress | None = None
    ) -> None:
        self._client = client
        self._journal = journal
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._progress = progress or (lambda step, state, text: None)

    def start(self, plan: Plan) -> Receipt:
        """Carry out a plan that a person has confirmed.

        Raises InputError, with nothing written, if it has blockers, if the ticket has changed since the preview, or if the
        ticket has an open run. Everything that happens after the first write is in the receipt.
        """
        if plan.blockers:
            raise InputError(f"ticket {plan.ticket_number} is not billed: {'; '.join(plan.blockers)}")
        ticket = self._client.ticket(plan.ticket_id)
        changes = plan.basis.changes(
            basis_of(ticket, pull_ticket_invoices(self._client, ticket.id, plan.customer_id, ticket.created_at))
        )
        if changes:
            raise InputError(
                f"ticket {plan.ticket_number} has changed since the preview: {'; '.join(changes)}. Look again."
            )
        self._journal.begin(plan)
        return self._advance(plan.run, wait=False)

    def resume(self, run_id: str, *, wait: bool = True) -> Receipt:
        """Go on with a run that was cut off or is in doubt. Looks first; waits out the settling time unless told not to."""
        run = self._journal.load(run_id)
        return self._advance(run.id, wait=wait) if run.state == "open" else Receipt(run)

    def decide(self, run_id: str, choice: str, *, ticket_number: int, record_id: int | None = None) -> Receipt:
        """A person's word: `adopt` the record of that id, `resend`, or `abandon` the rest. Raises InputError if it cannot be."""
        run = self._journal.load(run_id)
        if run.state != "open":
            raise InputError(f"run {run.id} has ended ({run.state}); there is nothing to decide")
        if ticket_number != run.plan.ticket_number:
            raise InputError(f"run {run.id} is on another ticket: type its number to confirm")
        state = next(one for one in run.steps if one.state not in SETTLED)
        if state.state in ("unknown", "intent"):
            raise InputError(f"run {run.id} is in doubt and nobody has looked yet: `syncro runs resume {run.id}` first")
        if choice == "abandon":
            self._journal.finish(run.id, "abandoned")
            return Receipt(self._journal.load(run.id))
        if state.state not in ("ask", "mismatch"):
            raise InputError(f"run {run.id} needs no decision: `syncro runs resume {run.id}` goes on with it")
        if choice == "adopt":
            self._adopt(run, state, record_id)
        elif state.state == "mismatch" and state.step.request is not None:
            raise InputError(
                "it was written, only not as planned: sending it again would make a second one. Adopt or abandon"
            )
        else:
            fresh = "planned" if state.step.request is None else "absent"
            self._journal.settle(run.id, state.seq, fresh, was=state.state, detail={"by": "person"})
        return self._advance(run.id, wait=True)

    # ------------------------------------------------------------ one step after the other

    def _advance(self, run_id: str, *, wait: bool) -> Receipt:
        trouble: Error | None = None
        try:
            while True:
                run = self._journal.load(run_id)
                state = next((one for one in run.steps if one.state not in SETTLED), None)
                if state is None:
                    self._journal.finish(run_id, "done")
                    break
                if not self._take(run, state, wait):
                    break
        except (Refused, Unreachable) as error:  # of a read: what was written is on record, and the next look goes on
            trouble = error
        run = self._journal.load(run_id)
        if run.state == "open" and all(one.state in ("planned", "refused", "not_sent") for one in run.steps):
            self._journal.finish(run_id, "nothing")
            run = self._journal.load(run_id)
        return Receipt(run, trouble)

    def _take(self, run: Run, state: StepState, wait: bool) -> bool:
        """Bring one step forward. False: it cannot go on now."""
        if state.step.name == "verify":
            return self._verify(run, state)
        if state.state in ("acked", "mismatch"):
            return self._read_again(run, state)
        if state.state in ("intent", "unknown"):
            return self._settle(run, state, wait)
        if state.state == "ask":
            return False
        if state.state == "absent" and state.step.visible and state.detail.get("by") != "person":
            return self._ask(
                run, state, "It is confirmed absent, but a customer would see a second one. Send it again?", []
            )
        if state.step.name == "status":
            return self._status(run, state)
        return self._send(run, state)

    def _send(self, run: Run, state: StepState) -> bool:
        attempt = state.attempt + (state.state == "absent")
        request = self._request(run.plan, state, attempt)
        was, waits, tries = state.state, 0, 0
        while True:
            self._tell(state, "intent", "sending")
            self._journal.intend(run.id, state.seq, was=was, attempt=attempt)
            result = outcome.send(request, self._client.send)
            if isinstance(result, outcome.Answered):
                record_id = None if state.step.name == "charge" else result.record.id
                self._journal.settle(run.id, state.seq, "acked", was="intent", record_id=record_id)
                return self._check(run, dataclasses.replace(state, state="acked", attempt=attempt), result.record)
            if isinstance(result, outcome.Unknown):
                self._journal.settle(run.id, state.seq, "unknown", was="intent", detail={"reason": result.reason})
                self._tell(state, "unknown", result.reason)
                return False
            if isinstance(result, outcome.Refused):
                was, detail = "refused", {"status": result.status, "reason": result.said}
                self._journal.settle(run.id, state.seq, was, was="intent", detail=detail)
                self._tell(state, was, result.said)
                if result.status != 429 or waits == RATE_WAITS:
                    return False
                waits += 1
                self._client.wait_out(result.reply)
            else:
                was, tries = "not_sent", tries + 1
                self._journal.settle(run.id, state.seq, was, was="intent", detail={"reason": result.reason})
                self._tell(state, was, result.reason)
                if tries == NOT_SENT_TRIES:
                    return False
                self._clock.sleep(2.0**tries / 2)

    def _check(self, run: Run, state: StepState, record: Any) -> bool:
        """Hold what came back against what was sent; verified or mismatch."""
        if state.step.name == "charge":
            return self._check_charge(run, state, self._client.ticket(run.plan.ticket_id))
        return self._conclude(run, state, record.id, self._differences(run, state, record), _shown(state, record))

    def _check_charge(self, run: Run, state: StepState, ticket: Ticket) -> bool:
        line = probe.new_charge_line(run.plan, ticket, state.step.timer_id or 0, _taken(run, state))
        timer = next((one for one in ticket.timers or () if one.id == state.step.timer_id), None)
        if line is None:
            return self._conclude(run, state, None, ["charging made no line item on the ticket"], {})
        differences = checks.charge(probe.expected_charge(run.plan, state.step), timer, line)
        return self._conclude(run, state, line.id, differences, {})

    def _conclude(
        self,
        run: Run,
        state: StepState,
        record_id: int | None,
        differences: list[str],
        shown: dict[str, Any],
        good: str = "verified",
    ) -> bool:
        detail = {**shown, **({"differences": differences} if differences else {})}
        if differences:
            detail["question"] = "It was written, but it is not what was approved. Is it right as it is?"
        end = "mismatch" if differences else good
        if end != state.state or differences != state.detail.get("differences"):
            self._journal.settle(run.id, state.seq, end, was=state.state, record_id=record_id, detail=detail)
        self._tell(state, end, "; ".join(differences))
        return not differences

    def _read_again(self, run: Run, state: StepState) -> bool:
        """It landed, but was not verified yet, or did not match: a person may have mended it in Syncro meanwhile."""
        if state.step.name == "charge":
            return self._check_charge(run, state, self._client.ticket(run.plan.ticket_id))
        record = self._pull(run, state, state.record_id)
        if record is None:
            return self._conclude(run, state, state.record_id, [f"record {state.record_id} is no longer there"], {})
        return self._check(run, state, record)

    def _verify(self, run: Run, state: StepState) -> bool:
        """Prove the invoice by reading it: its lines, its amounts, and that it is the only one of this work."""
        plan = run.plan
        number = next(one.record_id for one in run.steps if one.step.name == "invoice")
        self._tell(state, "intent", "reading the invoice")
        try:
            invoice = self._client.invoice(number or 0)
        except Missing:
            return self._conclude(run, state, number, [f"invoice id {number} is not there"], {})
        differences = checks.invoice(plan.expected, invoice, plan.ticket_id, plan.customer_id)
        known = {*plan.basis.invoice_ids, invoice.id}
        try:
            listed = pull_ticket_invoices(self._client, plan.ticket_id, plan.customer_id, plan.ticket_created_at)
            differences += [f"invoice {row.number} names this ticket too" for row in listed if row.id not in known]
        except InputError as error:  # it is written; that it is the only one is what cannot be proved
            differences.append(str(error))
        return self._conclude(run, state, invoice.id, differences, _shown(state, invoice))

    def _status(self, run: Run, state: StepState) -> bool:
        """Compare and set: if somebody changed the status since the preview, a person decides."""
        request = state.step.request
        present, want = self._client.ticket(run.plan.ticket_id).status, str(request.body["status"] if request else "")
        if present == want:
            self._journal.settle(run.id, state.seq, "verified", was=state.state, record_id=run.plan.ticket_id)
            self._tell(state, "verified", "it is so already")
            return True
        if present != run.plan.basis.status and state.detail.get("by") != "person":
            evidence = [f"it was {run.plan.basis.status!r} in the preview, and is {present!r} now"]
            return self._ask(run, state, f"Somebody changed the ticket's status. Set it to {want}?", evidence)
        return self._send(run, state)

    # ------------------------------------------------------------ in doubt

    def _settle(self, run: Run, state: StepState, wait: bool) -> bool:
        """Nobody knows whether it landed: look; if it is not there, wait out the settling time and look once more."""
        if state.step.name == "status":  # setting it twice does no harm, so the present status is all there is to know
            self._journal.settle(run.id, state.seq, "absent", was=state.state)
            return True
        taken = _taken(run, state)
        sight = probe.pull_sight(self._client, run.plan, state.step, state.attempt, taken)
        if not sight.ours and not sight.doubts:
            elapsed = None if state.sent is None else seconds_since(state.sent, self._clock)
            if elapsed is None:
                self._journal.restart_wait(run.id, state.seq)
            remaining = self._settle_seconds - (elapsed or 0.0)
            if remaining > 0 and not wait:
                self._tell(state, "unknown", f"not there yet; it may still arrive. Look again in {remaining:.0f} s")
                return False
            self._wait(state, remaining)
            sight = probe.pull_sight(self._client, run.plan, state.step, state.attempt, taken)
        if len(sight.ours) == 1 and not sight.doubts:
            record = sight.ours[0]
            shown = {**_shown(state, record), "found": True}
            return self._conclude(run, state, record.id, self._differences(run, state, record), shown, good="adopted")
        when = f"{self._client.server_now():%Y-%m-%d %H:%M:%S} UTC"
        if sight.ours or sight.doubts:
            evidence = [f"{state.step.name} {record.id} carries our reference" for record in sight.ours]
            return self._ask(
                run, state, "What was found is not certainly ours. Which one is it?", [*evidence, *sight.doubts]
            )
        detail = {"reason": f"looked twice at {sight.looked_at}, last at {when}: it is not there"}
        self._journal.settle(run.id, state.seq, "absent", was=state.state, detail=detail)
        self._tell(state, "absent", detail["reason"])
        return True

    def _ask(self, run: Run, state: StepState, question: str, evidence: list[str]) -> bool:
        reason = state.detail.get("reason")
        detail = {"question": question, "evidence": [*([reason] if reason else []), *evidence]}
        self._journal.settle(run.id, state.seq, "ask", was=state.state, detail=detail)
        self._tell(state, "ask", question)
        return False

    def _adopt(self, run: Run, state: StepState, record_id: int | None) -> None:
        name = STEP_TITLES[state.step.name].lower()
        if record_id is None:
            raise InputError(f"adopt which record? Give the id of the {name}")
        if state.step.name != "status" and self._pull(run, state, record_id) is None:
            raise InputError(f"there is no {name} with id {record_id} on ticket {run.plan.ticket_number}")
        detail = {**state.detail, "by": "person"}
        if state.step.name == "verify":
            invoice = self._pull(run, state, record_id)
            detail |= _shown(state, invoice)
        self._journal.settle(run.id, state.seq, "adopted", was=state.state, record_id=record_id, detail=detail)
        self._tell(state, "adopted", f"id {record_id}, by a person's word")

    def _pull(self, run: Run, state: StepState, record_id: int | None) -> Any:
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
        return invoice if invoice.ticket_id == plan.ticket_id else None

    # ------------------------------------------------------------ small things

    def _request(self, plan: Plan, state: StepState, attempt: int) -> Request:
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

    def _differences(self, run: Run, state: StepState, record: Any) -> list[str]:
        plan, sent = run.plan, self._request(run.plan, state, state.attempt)
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
        return checks.status(sent, record)

    def _wait(self, state: StepState, seconds: float) -> None:
        while seconds > 0:
            self._tell(state, "unknown", f"it may still arrive: looking again in {seconds:.0f} s")
            self._clock.sleep(min(seconds, WAIT_SLICE_SECONDS))
            seconds -= WAIT_SLICE_SECONDS

    def _tell(self, state: StepState, now: str, text: str) -> None:
        self._progress(state.step.name, now, text)


def _taken(run: Run, state: StepState) -> frozenset[int]:
    return frozenset(one.record_id for one in run.steps if one.record_id is not None and one.seq != state.seq)


def _shown(state: StepState, record: Any) -> dict[str, Any]:
    """What of an invoice the receipt shows."""
    if state.step.name not in ("invoice", "verify"):
        return {}
    amounts = {name: getattr(record, name) for name in ("subtotal_cents", "tax_cents", "total_cents")}
    return {"invoice": {"number": record.number, **amounts}}
