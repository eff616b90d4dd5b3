"""What a run does with its claim on the ticket: write it, see that it stands alone, keep it fresh, end it. For `run.py`.

What a claim is, and what a look at the ticket's comments means for it, is `claim.py`'s; here are the steps of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..clock import Clock, seconds_since
from ..errors import InputError
from ..service.client import Client
from ..service.records import Ticket
from ..service.requests import Request
from . import checks, claim, outcome
from .bill import basis_of
from .journal import Journal, Run, StepState

Progress = Callable[[str, str, str], None]
WAIT_SLICE_SECONDS = 5.0
CLAIM_LOOKS = 6  # how often somebody who claimed later is given time to withdraw, WAIT_SLICE_SECONDS each
CLAIM_ATTEMPTS = 5
NOT_WRITTEN = ("planned", "refused", "not_sent")


class Claiming:
    """The part of the step machine that deals with the claim; `Runner` has the rest."""

    _client: Client
    _claims: claim.Claims
    _journal: Journal
    _clock: Clock
    _settle_seconds: float
    _looked_for: str | None

    def _send(self, run: Run, state: StepState) -> bool:
        raise NotImplementedError

    def _post(self, run: Run, state: StepState, attempt: int, request: Request) -> outcome.Outcome:
        raise NotImplementedError

    def _conclude(
        self,
        run: Run,
        state: StepState,
        record_id: int | None,
        differences: list[str],
        shown: dict[str, Any],
        good: str = "",
    ) -> bool:
        raise NotImplementedError

    def _wait(self, state: StepState, seconds: float) -> None:
        raise NotImplementedError

    def _tell(self, state: StepState, now: str, text: str) -> None:
        raise NotImplementedError

    def _claim_is_stale(self, run: Run, state: StepState) -> bool:
        """Whether the run needs a claim for this step, and has one that is too old for anything to leave."""
        held = run.steps[0]
        return held.step.name == claim.STEP and held.seq != state.seq and not self._claims.is_fresh(held.sent)

    def _claim(self, run: Run, state: StepState, wait: bool) -> bool:
        """Claim the ticket: write it, read, and go on only if our claim is seen and no other stands."""
        if state.state == "mismatch":
            return False
        if state.state == "ask":
            ticket = self._client.ticket(run.plan.ticket_id)
            if self._standing_besides(run, ticket) or ticket.status == claim.INVOICED:
                return False
            return self._claim_anew(run, state, "nobody stands in the way any more")
        if state.state not in ("intent", "unknown", "acked"):
            return self._send(run, state)
        looks = 0
        while True:
            mine = claim.claim_of(run.plan, state.attempt)
            decision, ticket = self._claims.pull_stand(
                run.plan.account, run.plan.ticket_id, mine, ended_runs=self._ended_runs(run)
            )
            looks += 1
            if isinstance(decision, claim.Wait | claim.Unseen) and state.state == "acked" and looks < CLAIM_LOOKS:
                self._tell(state, "acked", "somebody else claimed the ticket too: looking again")
                self._clock.sleep(WAIT_SLICE_SECONDS)
            elif isinstance(decision, claim.Unseen) and state.state != "acked":
                remaining = (
                    self._settle_seconds - (seconds_since(state.sent, self._clock) or 0.0) if state.sent else 0.0
                )
                if looks > 1 or remaining <= 0:
                    return self._claim_anew(run, state, "it did not arrive")
                if not wait:
                    self._tell(state, "unknown", f"not there yet; it may still arrive. Look again in {remaining:.0f} s")
                    return False
                self._wait(state, remaining)
            else:
                return self._claim_decided(run, state, decision, ticket)

    def _claim_answered(self, run: Run, state: StepState, request: Request, record: Any) -> bool:
        self._journal.settle(run.id, state.seq, "acked", was="intent", record_id=record.id)
        state = self._journal.load(run.id).steps[state.seq]
        differences = checks.comment(request, record, run.plan.ticket_id)
        if differences:
            return self._conclude(run, state, record.id, differences, {})
        return self._claim(run, state, False)

    def _claim_decided(self, run: Run, state: StepState, decision: claim.Decision, ticket: Ticket) -> bool:
        match decision:
            case claim.Go(comment_id) if self._claims.is_fresh(state.sent):
                self._journal.settle(run.id, state.seq, "verified", was=state.state, record_id=comment_id)
                self._tell(state, "verified", "the ticket is ours")
                now, then = basis_of(ticket, None, None), run.plan.basis
                if (now.lines, now.timers) != (then.lines, then.timers) or claim.has_foreign_marks(ticket, run.plan):
                    self._looked_for = (
                        None  # somebody has been here since the preview: the next step looks at all of it
                    )
                return True
            case claim.Go() | claim.Lost():
                return self._claim_anew(run, state, "its time was over")
            case claim.TakeOver(others):
                question = "A claim on this ticket has expired without an end. Take it over?"
                return self._ask_about_claim(run, state, question, others, over=True)
            case claim.Wait(others) | claim.Withdraw(others):
                who = "; ".join(map(str, others))
                why = f"somebody else is at this ticket: {who}"
            case claim.Billed():
                others, why = (), "somebody else has billed this ticket meanwhile: its status is Invoiced"
            case _:
                others, why = (), "our claim cannot be seen on the ticket"
        attempt = state.attempt + 1  # the attempt that is withdrawn never counts again, also if we are cut off here
        self._leave(run, f"Withdrawn: {why}.")
        if has_written_nothing(run):
            reason = {"reason": f"{why}. Our claim was withdrawn, and nothing else was written"}
            self._journal.settle(run.id, state.seq, "refused", was="skipped", attempt=attempt, detail=reason)
            self._tell(state, "refused", why)
            return False
        left = self._journal.load(run.id).steps[state.seq]
        return self._ask_about_claim(run, left, f"{why[0].upper()}{why[1:]}. Go on when the ticket is free?", others)

    def _ask_about_claim(
        self, run: Run, state: StepState, question: str, others: tuple[claim.Standing, ...], *, over: bool = False
    ) -> bool:
        names = [[*one.claim.name, one.comment_id] for one in others] if over else []
        detail = {"question": question, "evidence": [str(one) for one in others], "over": names}
        self._journal.settle(run.id, state.seq, "ask", was=state.state, detail=detail)
        self._tell(state, "ask", question)
        return False

    def _claim_anew(self, run: Run, state: StepState, reason: str, **detail: Any) -> bool:
        """The claim of this attempt does not count any more; the next one has a name of its own."""
        if state.attempt >= CLAIM_ATTEMPTS and not detail:
            return self._ask_about_claim(run, state, "The ticket could not be claimed. Try once more?", ())
        self._journal.settle(run.id, state.seq, "absent", was=state.state, detail={"reason": reason, **detail})
        self._looked_for = None
        return True

    def _claim_by_person(self, run: Run, state: StepState, comment_id: int | None) -> None:
        """A person's word on the claim: take over the one in that comment (it names all that had expired), or try again."""
        if state.state == "mismatch" and comment_id == state.record_id:
            return self._journal.settle(run.id, state.seq, "acked", was="mismatch")
        over = state.detail.get("over", [])
        if comment_id is not None and comment_id not in [number for _, _, number in over]:
            raise InputError(f"comment {comment_id} holds no claim that has expired; the question names which do")
        names = over if comment_id is not None else []
        self._claim_anew(run, state, "by a person's word", by="person", over=names)

    def _leave(self, run: Run, why: str) -> None:
        """End our claim, if we have one. On record before it is sent; where it does not arrive, the claim expires."""
        state = self._journal.load(run.id).steps[0]
        if state.step.name != claim.STEP or state.sent is None or state.state in ("refused", "not_sent", "skipped"):
            return
        mine = claim.claim_of(run.plan, state.attempt)
        self._journal.intend(run.id, 0, was=state.state, attempt=state.attempt + 1)
        request = claim.end_request(run.plan.account, run.plan.ticket_id, mine, why)
        result = self._post(run, state, state.attempt + 1, request)
        said = {
            "reason": "its end was written" if isinstance(result, outcome.Answered) else "its end may not have arrived"
        }
        self._journal.settle(run.id, 0, "skipped", was="intent", detail=said)

    def _end_claim(self, run: Run, state: StepState) -> bool:
        """The last step of a run whose claim no status ends. That its end did not arrive is no doubt about the work."""
        if state.state == "planned":
            mine = claim.claim_of(run.plan, run.steps[0].attempt)
            self._journal.intend(run.id, state.seq, was="planned", attempt=1)
            request = claim.end_request(run.plan.account, run.plan.ticket_id, mine)
            result = self._post(run, state, 1, request)
            if isinstance(result, outcome.Answered):
                self._journal.settle(run.id, state.seq, "verified", was="intent", record_id=result.record.id)
                return True
        reason = {"reason": "its end may not have arrived; then the claim expires by itself"}
        present = self._journal.load(run.id).steps[state.seq]
        self._journal.settle(run.id, state.seq, "skipped", was=present.state, detail=reason)
        return True

    def _standing_besides(self, run: Run, ticket: Ticket) -> list[claim.Standing]:
        account, ended = run.plan.account, self._ended_runs(run)
        stands = claim.standing(ticket.comments or (), account, run.plan.ticket_id, ended_runs=ended)
        return [one for one in stands if one.claim.run != run.id]

    def _ended_runs(self, run: Run) -> frozenset[str]:
        return self._journal.ended_runs(run.plan.account, run.plan.ticket_id)


def has_written_nothing(run: Run) -> bool:
    """Whether nothing of the run's own work was sent, or all of it was refused; a claim is no work."""
    return all(one.state in NOT_WRITTEN for one in run.steps if one.step.name != claim.STEP) and not any(
        one.step.name == claim.STEP and one.state in ("intent", "unknown", "acked", "ask", "mismatch", "absent")
        for one in run.steps[:1]
    )
