"""The step machine: intent, send, classify, read back, verify, next; and for a write in doubt: look, adopt, or ask.

                    +--> refused / not_sent --(resume)--+
    planned --> intent --> acked --> verified           |
                  |  ^       +--> mismatch --> (a person mends it, lets it pass, or abandons)
                  v  +--------------------- absent <----+
               unknown --(reading)--> adopted | absent | ask --(a later look, or a person)--> adopted | absent | planned

An intent that is found when a process starts counts as unknown. A run that was cut off looks at the ticket before it sends
anything more. Nothing is ever deleted here, and nothing that customers see is sent a second time without a person's word,
nor with it while the first is there.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Any

from ..clock import Clock, seconds_since
from ..errors import ConfigError, Error, InputError, Missing, NotSent, Refused, Stopped, Unreachable, Unrecorded
from ..service.client import Client
from ..service.reading import RATE_WAITS
from ..service.records import Ticket
from ..service.requests import Request
from . import checks, claim, doubt, outcome
from .claiming import WAIT_SLICE_SECONDS, Claiming, Progress, has_written_nothing
from .facts import pull_ticket_invoices
from .journal import Journal, Run, StepState
from .kinds import Stand, describe, new_charge_line, request_of
from .look import Look, kind_of, taken
from .plan import STEP_TITLES, Plan
from .receipt import SETTLED, Receipt

__all__ = ["Progress", "Runner"]

NOT_SENT_TRIES = 3


class Runner(Claiming):
    """Carries plans out on one account. `progress(step, state, text)` is called whenever a step moves; it may raise `Stopped`.

    `resend_visible`: what a customer sees may be sent once more, too, when it is confirmed absent (an account that is known
    to be safe).
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        *,
        clock: Clock,
        settle_seconds: float,
        progress: Progress | None = None,
        resend_visible: bool = False,
    ) -> None:
        self._client = client
        self._look = Look(client)
        self._claims = claim.Claims(client, clock, settle_seconds=settle_seconds)
        self._journal = journal
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._progress = progress or (lambda step, state, text: None)
        self._resend_visible = resend_visible
        self._looked_for: str | None = None  # the run whose ticket was found unchanged by this object
        self._ticket_now: Ticket | None = None  # as the last step read it, for the step that follows at once

    def start(self, plan: Plan) -> Receipt:
        """Carry out a plan that a person has confirmed.

        Raises InputError, with nothing written, if it has blockers, if the ticket has changed since the preview, or if the
        ticket has an open run. Everything that happens after the first write is in the receipt.
        """
        if plan.blockers:
            raise InputError(f"nothing was written to {plan.where}: {'; '.join(plan.blockers)}")
        # Begun before the look: another process that bills the ticket has either finished, and is seen, or is still open.
        # Alone from before that on: nobody goes on with a run that has only just begun.
        with self._journal.alone(plan.run):
            self._journal.begin(plan)
            try:
                changes = plan.basis.changes(self._look.pull_basis(plan))
            except BaseException:
                self._journal.finish(plan.run, "nothing")
                raise
            if changes:
                self._journal.finish(plan.run, "nothing")
                said = "; ".join(changes)
                raise InputError(
                    f"{plan.where} has changed since the preview: {said}. Nothing was written; look again."
                )
            self._looked_for = plan.run
            return self._advance(plan.run, wait=False)

    def resume(self, run_id: str, *, wait: bool = True) -> Receipt:
        """Go on with a run that was cut off or is in doubt. Looks first; waits out the settling time unless told not to."""
        run = self._journal.load(run_id)
        if run.state != "open":
            return Receipt(run)
        with self._journal.alone(run.id):
            return self._advance(run.id, wait=wait, again=True)

    def decide(self, run_id: str, choice: str, *, ticket_number: int, record_id: int | None = None) -> Receipt:
        """A person's word: `adopt` the record of that id, `resend`, or `abandon` the rest. Raises InputError if it cannot be."""
        with self._journal.alone(self._journal.load(run_id).id):
            return self._decide(self._journal.load(run_id), choice, ticket_number, record_id)

    def _decide(self, run: Run, choice: str, ticket_number: int, record_id: int | None) -> Receipt:
        if run.state != "open":
            raise InputError(f"run {run.id} has ended ({run.state}); there is nothing to decide")
        if ticket_number != run.plan.number:
            raise InputError(f"run {run.id} is on another ticket: type its number to confirm")
        state = next((one for one in run.steps if one.state not in SETTLED), None)
        if state is None:
            raise InputError(f"run {run.id} needs no decision: `syncro runs resume {run.id}` goes on with it")
        if state.state in ("unknown", "intent"):
            raise InputError(f"run {run.id} is in doubt and nobody has looked yet: `syncro runs resume {run.id}` first")
        if choice == "abandon":
            self._leave(run, "The run was abandoned; what it had written stays.")
            self._journal.finish(run.id, "abandoned")
            return Receipt(self._journal.load(run.id))
        if state.state not in ("ask", "mismatch"):
            raise InputError(f"run {run.id} needs no decision: `syncro runs resume {run.id}` goes on with it")
        if choice == "adopt":
            self._adopt(run, state, record_id)
        else:
            self._allow(run, state)
        return self._advance(run.id, wait=True, again=True)

    # ------------------------------------------------------------ one step after the other

    def _advance(self, run_id: str, *, wait: bool, again: bool = False) -> Receipt:
        """`again`: it was cut off, or stopped, before; what Syncro refuses now is a person's."""
        trouble: Error | None = None
        self._ticket_now = None
        try:
            while True:
                run = self._journal.load(run_id)
                state = next((one for one in run.steps if one.state not in SETTLED), None)
                if state is None:
                    self._journal.finish(run_id, "done")
                    break
                if not self._take(run, state, wait):
                    break
        except (Refused, Unreachable, Unrecorded, ConfigError) as error:  # what was written is on record
            trouble = error
        except Stopped as error:  # from the progress, between two requests
            trouble = error
        except KeyboardInterrupt:  # a request may be under way: its intent is on record, and the receipt says so
            trouble = Stopped("stopped by the keyboard")
        run = self._journal.load(run_id)
        if again and run.state == "open" and isinstance(trouble, Refused):
            run = self._ask_about_obstacle(run, str(trouble))
        if run.state == "open" and has_written_nothing(run):
            with suppress(Unrecorded):
                self._leave(run, "Nothing was written.")
                self._journal.finish(run_id, "nothing")
            run = self._journal.load(run_id)
        return Receipt(run, trouble)

    def _ask_about_obstacle(self, run: Run, said: str) -> Run:
        """Syncro does not show any more what the step stands on: a person may end the run. Every later look tries again."""
        state = next((one for one in run.steps if one.state not in SETTLED), None)
        if state is not None and state.state not in ("ask", "mismatch") and state.step.name != claim.STEP:
            question = "Syncro refuses to show what is needed to go on. Look again later, or end the run?"
            self._ask(run, state, question, [said], obstacle=True)
        return self._journal.load(run.id)

    def _take(self, run: Run, state: StepState, wait: bool) -> bool:
        """Bring one step forward. False: it cannot go on now."""
        if state.step.name == claim.STEP:
            return self._claim(run, state, wait) if state.seq == 0 else self._end_claim(run, state)
        if state.step.request is None:
            return self._verify(run, state)
        if state.state in ("acked", "mismatch"):
            return self._read_again(run, state)
        if state.state in ("intent", "unknown"):
            return self._settle(run, state, wait)
        if state.state == "ask":
            return self._look_again(run, state)
        by_person = state.detail.get("by") == "person"
        if state.state == "absent" and state.step.visible and not by_person and not self._resend_visible:
            question = "It is confirmed absent, but a customer would see a second one. Send it again?"
            return self._ask(run, state, question, [])
        if state.state == "absent" and kind_of(state).nature != "create" and self._is_so(run, state):
            return True
        # Fields of the ticket are compared one by one before they are set; all else depends on the ticket as it was.
        if state.step.name not in ("status", "update") and not by_person and not self._unchanged(run, state):
            return False
        return self._send(run, state) if kind_of(state).nature == "create" else self._bring_about(run, state)

    def _is_so(self, run: Run, state: StepState) -> bool:
        """Whether what was in doubt has been set or removed; then nothing is sent, and nobody is asked what others did."""
        stand = kind_of(state).pull_stand(self._client, run.plan, state.step, None)
        return stand.is_done and self._bring_about(run, state, stand)

    def _unchanged(self, run: Run, state: StepState) -> bool:
        """Before a run that was cut off sends anything more: has somebody else been at work on the ticket meanwhile?"""
        if self._looked_for == run.id:
            return True
        changes = self._look.pull_drift(run)
        if changes:
            question = "The ticket has changed since the plan was confirmed. Go on all the same?"
            return self._ask(run, state, question, changes, drift=True)
        self._looked_for = run.id
        return True

    def _look_again(self, run: Run, state: StepState) -> bool:
        """A person was asked, but the world goes on: what was absent may have come, what was in the way may be gone."""
        if state.detail.get("obstacle"):
            return self._try_again(run, state)
        if state.detail.get("drift"):
            if self._look.pull_drift(run):
                return False
        elif kind_of(state).nature != "create":
            stand = kind_of(state).pull_stand(self._client, run.plan, state.step, None)
            if stand.changed and not stand.is_done:
                return False
        else:
            sight = self._look.pull_sight(run, state)
            if len(sight.ours) != 1 or sight.doubts:
                return False
            return self._take_over(run, state, sight.ours[0])
        self._journal.settle(run.id, state.seq, "planned", was="ask")
        return True

    def _try_again(self, run: Run, state: StepState) -> bool:
        """Something stood in the way: go on from where the step was then. What is in the way still asks again."""
        was = str(state.detail["was"])
        if was != "planned" and run.plan.ticket_id > 0:
            self._client.ticket(run.plan.ticket_id)
        back = {"refused": "planned", "not_sent": "planned", "intent": "unknown"}.get(was, was)
        self._journal.settle(run.id, state.seq, back, was="ask", attempt=state.attempt, detail={"again": True})
        return True

    def _take_over(self, run: Run, state: StepState, record: Any) -> bool:
        """Adopt what was found to be ours, if it is as approved."""
        shown = {**kind_of(state).shown(record), "found": True}
        return self._conclude(run, state, record.id, self._look.differences(run, state, record), shown, good="adopted")

    def _allow(self, run: Run, state: StepState) -> None:
        """A person says that it is to be sent (again). Raises InputError where that would make a second one."""
        by_person = {"by": "person"}
        if state.step.name == claim.STEP:
            return self._claim_by_person(run, state, None)
        if state.step.request is None:
            return self._journal.settle(run.id, state.seq, "planned", was=state.state, detail=by_person)
        created, is_invoice = kind_of(state).nature == "create", state.step.name == "invoice"
        if created and state.state == "mismatch" and self._look.pull_record(run, state, state.record_id) is not None:
            raise InputError(
                "it was written, only not as planned: sending it again would make a second one. Adopt or abandon"
            )
        if state.detail.get("drift"):
            self._looked_for = run.id  # the person has seen what changed, and need not be asked at the next step
        elif created:
            if state.sent is not None:  # a person cannot know either what is still under way
                self._wait(state, self._settle_seconds - self._elapsed(run, state))
            there = " and ".join(str(record.id) for record in self._look.pull_sight(run, state).ours)
            if there:
                advice = f"`syncro runs resume {run.id}` looks again, or adopt it"
                raise InputError(f"nothing was sent, because it is there: id {there}. {advice}")
            gone = self._look.stored_otherwise(run, self._client.ticket(run.plan.ticket_id)) if is_invoice else []
            if gone:
                raise InputError(
                    f"nothing was sent, because the ticket does not hold what is to be invoiced: {'; '.join(gone)}. "
                    "Mend it in Syncro, adopt the invoice that is there, or abandon"
                )
        self._journal.settle(run.id, state.seq, "absent", was=state.state, detail=by_person)

    def _send(self, run: Run, state: StepState) -> bool:
        attempt = state.attempt + (state.state == "absent" and state.sent is not None)
        request = self._request(run, state, attempt)
        was, waits, tries = state.state, 0, 0
        again = state.state == "refused" or bool(state.detail.get("again")) or state.detail.get("by") == "person"
        while True:
            if self._claim_is_stale(run, state):
                return self._claim_anew(run, run.steps[0], "its time was over")
            self._tell(state, "intent", "sending")
            self._journal.intend(run.id, state.seq, was=was, attempt=attempt)
            result = self._expected(run, state, self._post(run, state, attempt, request))
            if isinstance(result, outcome.Answered):
                if state.step.name == claim.STEP:
                    return self._claim_answered(
                        run, dataclasses.replace(state, attempt=attempt), request, result.record
                    )
                kind = kind_of(state)
                answered = None if state.step.name == "charge" else getattr(result.record, "id", None)
                record_id = state.step.record_id if kind.nature == "remove" else answered
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
                if result.status == 404 and state.step.name != claim.STEP and kind_of(state).nature == "remove":
                    return self._look.pull_record(run, state, state.step.record_id) is None
                if result.status != 429 or waits == RATE_WAITS:
                    if again and result.status != 429 and state.step.name != claim.STEP:
                        refused = dataclasses.replace(state, state="refused", detail=detail)
                        said = f"Syncro refused it ({result.status}): {result.said}"
                        return self._ask(run, refused, "Syncro refuses it again. End the run?", [said], obstacle=True)
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

    def _request(self, run: Run, state: StepState, attempt: int) -> Request:
        if state.step.name != claim.STEP:
            return request_of(run.plan, state.step, attempt)
        over = [(str(name), int(number)) for name, number, _ in state.detail.get("over", ())]
        mine = claim.claim_of(run.plan, attempt, over if state.detail.get("by") == "person" else ())
        return claim.claim_request(run.plan.account, run.plan.ticket_id, mine)

    def _post(self, run: Run, state: StepState, attempt: int, request: Request) -> outcome.Outcome:
        """Send it once. It may have to wait long for its turn, so what allowed it is looked at again when it leaves."""

        def leaving() -> None:
            if not self._journal.is_intended(run.id, state.seq, attempt):
                raise NotSent("another process has gone on with this step meanwhile")
            if self._claim_is_stale(run, state):
                raise NotSent("our claim on the ticket ran out while it waited for its turn")

        return outcome.send(request, lambda one: self._client.send(one, leaving=leaving))

    def _expected(self, run: Run, state: StepState, result: outcome.Outcome) -> outcome.Outcome:
        """An answer about another record than the one that was made or set says nothing: then only a look can tell."""
        if not isinstance(result, outcome.Answered) or state.step.name == claim.STEP:
            return result
        other = kind_of(state).other(run.plan, state.step, result.record)
        return outcome.Unknown(f"Syncro answered, but about {other}") if other else result

    def _check(self, run: Run, state: StepState, record: Any) -> bool:
        """Hold what came back against what was sent; verified or mismatch."""
        kind, step = kind_of(state), state.step
        if step.name == "charge":
            return self._check_charge(run, state, self._client.ticket(run.plan.ticket_id))
        if kind.nature == "remove":
            left = self._look.pull_record(run, state, step.record_id)
            return self._conclude(run, state, step.record_id, self._look.differences(run, state, left), {})
        differences = self._look.differences(run, state, record)
        return self._conclude(run, state, record.id, differences, kind.shown(record))

    def _check_charge(self, run: Run, state: StepState, ticket: Ticket) -> bool:
        line = new_charge_line(run.plan, state.step, ticket, taken(run, state))
        timer = next((one for one in ticket.timers or () if one.id == state.step.timer_id), None)
        if line is None:
            return self._conclude(run, state, None, ["charging made no line item on the ticket"], {})
        is_amended = run.plan.is_amended(state.step)
        if is_amended:
            self._ticket_now = ticket  # its next step sets something on this line
        differences = checks.charge(run.plan.charged(state.step), timer, line, amended=is_amended)
        differences += [f"the ticket: {words}" for words in checks.customer(ticket, run.plan.customer_id)]
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
        if kind_of(state).nature == "remove":
            return self._check(run, state, None)
        record = self._look.pull_record(run, state, state.record_id)
        if record is None:
            return self._conclude(run, state, state.record_id, [f"record {state.record_id} is no longer there"], {})
        return self._check(run, state, record)

    def _verify(self, run: Run, state: StepState) -> bool:
        """Prove it by reading: everything as Syncro keeps it, the invoice, and that it is the only one of this work."""
        plan = run.plan
        self._tell(state, "intent", "reading back")
        if plan.ticket_id < 0:
            return self._conclude(run, state, None, self._look.pull_stored_otherwise(run), {})
        made = next((one for one in run.steps if one.step.name == "invoice"), None)
        if made is None or made.record_id is None:
            return self._conclude(run, state, None, self._stored(run), {})
        number = made.record_id
        try:
            invoice = self._client.invoice(number)
        except Missing:
            return self._conclude(run, state, number, [*self._stored(run), f"invoice id {number} is not there"], {})
        differences = checks.invoice(plan.expected, invoice, plan.ticket_id, plan.customer_id)
        known = {*plan.basis.known("invoices"), invoice.id}
        try:
            listed = pull_ticket_invoices(self._client, plan.ticket_id, plan.customer_id, plan.ticket_created_at)
            differences += [f"invoice {row.number} names this ticket too" for row in listed if row.id not in known]
        except InputError as error:  # it is written; that it is the only one is what cannot be proved
            differences.append(str(error))
        # Last, so that nothing stands between the look at the status and its being set.
        differences = [*self._stored(run), *differences]
        return self._conclude(run, state, invoice.id, differences, kind_of(made).shown(invoice))

    def _stored(self, run: Run) -> list[str]:
        """The ticket read back: what of the run's work is not on it as it was answered; whose it is, where money is moved."""
        self._ticket_now = ticket = self._client.ticket(run.plan.ticket_id)
        moved = checks.customer(ticket, run.plan.customer_id) if run.plan.is_bill else []
        return self._look.stored_otherwise(run, ticket) + [f"the ticket: {words}" for words in moved]

    def _bring_about(self, run: Run, state: StepState, stand: Stand | None = None) -> bool:
        """Set or remove: look first. It may be so already; and if somebody changed it since the preview, a person decides."""
        ticket, self._ticket_now = self._ticket_now, None
        stand = stand or kind_of(state).pull_stand(self._client, run.plan, state.step, ticket)
        if stand.is_done:
            record_id = state.step.record_id if state.step.record_id is not None else run.plan.ticket_id
            self._journal.settle(run.id, state.seq, "verified", was=state.state, record_id=record_id)
            self._tell(state, "verified", "it is so already")
            return True
        if stand.changed and (stand.record is None or state.detail.get("by") != "person"):
            title = STEP_TITLES[state.step.name].lower()
            return self._ask(
                run, state, f"Somebody changed it meanwhile ({title}). Go on all the same?", [*stand.changed]
            )
        return self._send(run, state)

    # ------------------------------------------------------------ in doubt

    def _settle(self, run: Run, state: StepState, wait: bool) -> bool:
        """Nobody knows whether it landed: look; if it is not there, wait out the settling time and look once more."""
        if kind_of(state).nature != "create":  # twice does no harm, so how it stands now is all there is to know
            self._journal.settle(run.id, state.seq, "absent", was=state.state)
            return True
        if (
            state.state == "intent"
        ):  # its sender is gone, or still waits for its turn, and will find that it is no longer its own
            reason = {"reason": "the run was cut off here"}
            self._journal.settle(run.id, state.seq, "unknown", was="intent", attempt=state.attempt, detail=reason)
            return True
        looks = 0
        while True:
            elapsed = self._elapsed(run, state)
            sight, looks = self._look.pull_sight(run, state), looks + 1
            verdict = doubt.judge(
                len(sight.ours),
                len(sight.doubts),
                looks=looks,
                elapsed_seconds=elapsed,
                settle_seconds=self._settle_seconds,
            )
            if verdict != "look again":
                break
            remaining = self._settle_seconds - self._elapsed(run, state)
            if remaining > 0 and not wait:
                self._tell(state, "unknown", f"not there yet; it may still arrive. Look again in {remaining:.0f} s")
                return False
            self._wait(state, remaining)
            state = self._journal.load(run.id).steps[state.seq]
        if verdict == "adopt":
            return self._take_over(run, state, sight.ours[0])
        when = f"{self._client.server_now():%Y-%m-%d %H:%M:%S} UTC"
        if verdict == "ask":
            title = STEP_TITLES[state.step.name].lower()
            evidence = [f"{title} {describe(record)} is ours" for record in sight.ours]
            return self._ask(
                run, state, "What was found is not certainly ours. Which one is it?", [*evidence, *sight.doubts]
            )
        detail = {"reason": f"looked twice at {sight.looked_at}, last at {when}: it is not there"}
        self._journal.settle(run.id, state.seq, "absent", was=state.state, attempt=state.attempt, detail=detail)
        self._tell(state, "absent", detail["reason"])
        return True

    def _elapsed(self, run: Run, state: StepState) -> float:
        """Seconds since the request in doubt had ended; after a reboot nobody knows, and they are counted anew."""
        elapsed = None if state.sent is None else seconds_since(state.sent, self._clock)
        if elapsed is None:
            self._journal.restart_wait(run.id, state.seq)
        return elapsed or 0.0

    def _ask(
        self,
        run: Run,
        state: StepState,
        question: str,
        evidence: list[str],
        *,
        drift: bool = False,
        obstacle: bool = False,
    ) -> bool:
        """Put a question to a person. `drift`: it is about what others did to the ticket, not about a write of ours;
        `obstacle`: it is about what Syncro refuses, and may be over at the next look."""
        reason = state.detail.get("reason")
        facts = list(dict.fromkeys([*([reason] if reason else []), *evidence]))
        detail = {"question": question, "evidence": facts, "drift": drift}
        detail |= {"obstacle": True, "was": state.state} if obstacle else {}
        self._journal.settle(run.id, state.seq, "ask", was=state.state, detail=detail)
        self._tell(state, "ask", question)
        return False

    # ------------------------------------------------------------ a person's word

    def _adopt(self, run: Run, state: StepState, record_id: int | None) -> None:
        if state.step.name == claim.STEP:
            return self._claim_by_person(run, state, record_id if record_id is not None else 0)
        name, created = STEP_TITLES[state.step.name].lower(), _creates(state)
        if record_id is None:
            raise InputError(f"adopt which record? Give the id of the {name}")
        record = self._record_to_adopt(run, state, record_id)
        if record is None:
            raise InputError(f"there is no {name} with id {record_id} on {run.plan.where}")
        if created and record_id in run.plan.basis.known(kind_of(state).table):
            raise InputError(f"{name} {record_id} was there before this run: it cannot be its work")
        differences = list(state.detail.get("differences", ()))
        if created:
            differences = self._look.differences(run, state, record)
        shown = kind_of(state).shown(record) if created else {}
        detail = {"by": "person", **shown, **({"differences": differences} if differences else {})}
        self._journal.settle(run.id, state.seq, "adopted", was=state.state, record_id=record_id, detail=detail)
        self._tell(state, "adopted", f"id {record_id}, by a person's word")

    def _record_to_adopt(self, run: Run, state: StepState, record_id: int) -> Any:
        """The record that a person names. What was read back, set or removed is taken as it stands: only its id must be right."""
        if state.step.request is not None and _creates(state):
            return self._look.pull_record(run, state, record_id)
        made = next((one for one in run.steps if one.step.name == "invoice"), None)
        if state.step.request is None and made is not None:
            return self._look.pull_record(run, made, record_id)
        made_here = {one.record_id for one in run.steps} if run.plan.ticket_id < 0 else set()
        known = {run.plan.ticket_id, state.step.record_id, state.record_id, *made_here}
        return record_id if record_id in known else None

    # ------------------------------------------------------------ small things

    def _wait(self, state: StepState, seconds: float) -> None:
        while seconds > 0:
            self._tell(state, "unknown", f"it may still arrive: looking again in {seconds:.0f} s")
            self._clock.sleep(min(seconds, WAIT_SLICE_SECONDS))
            seconds -= WAIT_SLICE_SECONDS

    def _tell(self, state: StepState, now: str, text: str) -> None:
        self._progress(state.step.name, now, text)


def _creates(state: StepState) -> bool:
    return state.step.request is not None and kind_of(state).nature == "create"
