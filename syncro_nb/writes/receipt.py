"""What became of a run, for people and programs: the steps, the invoice, what comes next, and the exit status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import Error, InputError
from ..escape import line
from ..money import format_cents
from .journal import Run, StepState
from .plan import STEP_TITLES

SETTLED = frozenset({"verified", "adopted", "skipped"})
IN_DOUBT = frozenset({"unknown", "intent", "ask", "absent"})
LAST_STEPS = ("invoice", "status")


@dataclass(frozen=True, repr=False)
class Receipt:
    """A run as it stands, and the trouble that a read met, if any."""

    run: Run
    trouble: Error | None = None

    @property
    def current(self) -> StepState | None:
        """The step at which the run stands; None when all are settled."""
        return next((one for one in self.run.steps if one.state not in SETTLED), None)

    @property
    def is_verified(self) -> bool:
        """Whether everything that was approved was written and read back, with no difference that a person let pass."""
        waved_through = any(one.detail.get("differences") for one in self.run.steps)
        return self.run.state == "done" and not waved_through

    @property
    def next(self) -> str | None:
        """resume, decide, or None when the run has ended."""
        if self.run.state != "open":
            return None
        if (
            self.current is None
        ):  # cut off between its last step and its end: everything is written, only the run is open
            return "resume"
        return "decide" if self.current.state in ("ask", "mismatch") else "resume"

    @property
    def exit_status(self) -> int:
        """0 done, 3 refused, 4 not reachable, 5 in doubt, 6 not as approved (docs/command-line.md)."""
        state = self.current.state if self.current and self.run.state != "abandoned" else ""
        if state in IN_DOUBT:
            return 5
        if state == "mismatch":
            return 6
        if isinstance(self.trouble, InputError) and self.run.state == "open":
            return 5  # a full disk, say: something may be written, and only a resume tells
        if self.trouble:
            return self.trouble.exit_status
        if self.run.state == "done" and not self.is_verified:
            return 6  # a person let it pass; that does not make it what was approved
        if self._gave_way:
            return 2
        if state == "refused":
            return 4 if self.current and self.current.detail.get("status") == 429 else 3
        return 4 if state == "not_sent" else 0

    @property
    def _gave_way(self) -> bool:
        """Whether the run ended because somebody else had claimed the ticket: not Syncro refused it, we withdrew."""
        state = self.current
        return (
            state is not None
            and state.step.name == "claim"
            and state.state == "refused"
            and not state.detail.get("status")
        )

    @property
    def invoice(self) -> dict[str, Any] | None:
        """Number, subtotal, tax and total in cents of the invoice, once there is one."""
        shown = [one.detail["invoice"] for one in self.run.steps if one.detail.get("invoice")]
        return shown[-1] if shown else None

    @property
    def _skipped(self) -> list[str]:
        """The steps that this plan leaves out on purpose (--no-invoice)."""
        planned = {one.step.name for one in self.run.steps}
        return [name for name in LAST_STEPS if name not in planned] if self.run.plan.kind == "bill" else []

    @property
    def ticket_number(self) -> int | None:
        """The ticket's number; for a run that makes one, its number once it is there."""
        made = [one.detail["number"] for one in self.run.steps if one.detail.get("number")]
        return made[-1] if made else self.run.plan.ticket_number or None

    @property
    def _done(self) -> str:
        plan, invoice = self.run.plan, self.invoice
        if plan.kind != "bill":
            made = self.ticket_number if plan.kind == "create" else None
            return f"{plan.done}: number {made}" if made else plan.done
        total = f"; invoice {invoice['number']} over {format_cents(invoice['total_cents'])}" if invoice else ""
        return f"Ticket {plan.ticket_number} is {'billed' if invoice else 'charged; no invoice was made'}{total}"

    @property
    def message(self) -> str:
        """One sentence: what happened and what to do next."""
        state = self.current
        if self.run.state == "done":
            return f"{self._done}, {'read back and verified' if self.is_verified else 'as accepted by a person'}."
        if self.run.state == "abandoned":
            return f"Run {self.run.id} was abandoned; what it had written stays in Syncro."
        if state is None:
            return f"Everything is written; `syncro runs resume {self.run.id}` ends the run."
        title, why = STEP_TITLES[state.step.name], self._why(state)
        if self.run.state == "nothing":
            return f"{'Nothing was billed' if self._gave_way else 'Nothing was written'}. {title}: {why}"
        advice = f"`syncro runs resume {self.run.id}`"
        if state.state in ("unknown", "intent"):
            return f"{title} is in doubt: it may or may not have landed ({why}). {advice} looks and settles it."
        if state.state in ("ask", "mismatch"):
            return f"{title}: {why} {self._choices(state)}"
        return f"{title}: {why} {advice} goes on."

    def _choices(self, state: StepState) -> str:
        """What a person can do, as commands."""
        decide = f"syncro runs decide {self.run.id} --ticket {self.run.plan.number}"
        if state.state == "mismatch":
            adopt = f"--adopt {state.record_id}" if state.record_id is not None else "--adopt ID"
            mend = f"mend it in Syncro and `syncro runs resume {self.run.id}`"
            return f"A person must say: {mend}, or `{decide}` with {adopt} (it is right as it is) or --abandon."
        return f"A person must say: `{decide}` with --adopt ID, --resend or --abandon."

    def _why(self, state: StepState) -> str:
        detail = state.detail
        if detail.get("question"):
            facts = [*detail.get("differences", ()), *detail.get("evidence", ())]
            return f"{detail['question']} ({'; '.join(facts)})" if facts else str(detail["question"])
        if self.trouble:
            return str(self.trouble)
        if detail.get("reason"):
            refused = f"Syncro refused it ({detail['status']}): " if detail.get("status") else ""
            return f"{refused}{detail['reason']}"
        return "the run was cut off here."

    def as_json(self) -> dict[str, Any]:
        """The document that `bill`, `runs show` and `runs resume` print (docs/command-line.md)."""
        state = self.current
        ask = None
        if state is not None and self.run.state == "open" and state.state in ("ask", "mismatch"):
            evidence = [*state.detail.get("differences", ()), *state.detail.get("evidence", ())]
            ask = {"step": state.step.name, "question": state.detail.get("question", ""), "evidence": evidence}
        return {
            "run": self.run.id,
            "ticket": self.ticket_number,
            "steps": [
                *({"step": one.step.name, "state": one.state, "id": one.record_id} for one in self.run.steps),
                *({"step": name, "state": "skipped", "id": None} for name in self._skipped),
            ],
            "invoice": self.invoice,
            "verified": self.is_verified,
            "next": self.next,
            "ask": ask,
        }

    def text(self) -> list[str]:
        """Each step with its state and record, the invoice as it was read back, and the message."""
        said = [f"Run {self.run.id}, {line(self.run.plan.where)}"]
        for one in self.run.steps:
            record = f"id {one.record_id}" if one.record_id is not None else ""
            reason = [one.detail["reason"]] if one.detail.get("reason") else []
            facts = line("; ".join([*one.detail.get("differences", ()), *reason]))
            said.append(f"  {STEP_TITLES[one.step.name]:<22}{one.state:<10}{record:<14}{facts}".rstrip())
        if self.invoice:
            names = {"subtotal": "subtotal_cents", "tax": "tax_cents", "total": "total_cents"}
            amounts = ", ".join(f"{name} {format_cents(self.invoice[key])}" for name, key in names.items())
            said.append(f"  Invoice {self.invoice['number']}: {amounts}")
        return [*said, self.message]

    def __repr__(self) -> str:
        return "\n".join(self.text())
