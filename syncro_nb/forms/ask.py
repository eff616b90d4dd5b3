"""What a form offers for a run that stopped: where it stands, the question with its evidence, and the ways on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

import ipywidgets as widgets

from ..errors import InputError
from ..writes.plan import STEP_TITLES, Plan
from ..writes.receipt import SETTLED, Receipt
from . import markup
from .inputs import button, wide

IN_DOUBT = ("unknown", "intent")
_MARKS = {"verified": "✓", "adopted": "✓", "acked": "…", "intent": "…", "planned": "·", "skipped": "–"}


class Ask:
    """The area of one stopped run; hidden while `receipt` is None. `act` is told the way that a person chose: resume, adopt,
    resend or abandon. `ticket` is what is typed as the confirmation: the ticket's number, or the customer's id without one."""

    def __init__(self, act: Callable[[str], None], settle_seconds: float) -> None:
        self.receipt: Receipt | None = None
        self._settle_seconds = settle_seconds
        self.head, self.foot = widgets.HTML(layout=wide()), widgets.HTML(layout=wide())
        self.again = button("Look again and go on", "Look in Syncro what became of it, then finish the run")
        self.adopt = button("Adopt", "The record with this id is the one that was meant: go on with it")
        self.resend = button("Send again", "It is certainly not there: send it once more")
        self.abandon = button("Abandon", "Send nothing more; what was written stays in Syncro")
        shape = {"style": {"description_width": "110px"}, "layout": widgets.Layout(width="330px", max_width="100%")}
        self.ticket = widgets.Text(description="Ticket number", placeholder="type it to confirm", **shape)
        self.record = widgets.Text(description="Record id", placeholder="to adopt: the id in Syncro", **shape)
        self._buttons = {"resume": self.again, "adopt": self.adopt, "resend": self.resend, "abandon": self.abandon}
        for choice, one in self._buttons.items():
            one.on_click(partial(_clicked, act, choice))
        choices = widgets.HBox([self.adopt, self.resend, self.abandon], layout=widgets.Layout(flex_flow="row wrap"))
        self._word = widgets.VBox([self.ticket, self.record, choices])
        frame = widgets.Layout(
            border="1px solid var(--jp-border-color1, #bdbdbd)",
            padding="4px 12px 10px",
            margin="8px 0",
            max_width="1000px",
        )
        self.box = widgets.VBox([self.head, self.again, self._word, self.foot], layout=frame)
        self.show(None)

    def show(self, receipt: Receipt | None, steps: str = "") -> None:
        """Offer the ways on from this run; None, or a run that has ended, takes the area away. `steps` is its record as HTML."""
        self.receipt = receipt if receipt is not None and receipt.next else None
        self.box.layout.display = "" if self.receipt else "none"
        self.ticket.value = self.record.value = ""
        state = self.receipt.current if self.receipt else None
        if self.receipt is None or state is None:
            return
        asks, in_doubt = self.receipt.next == "decide", state.state in IN_DOUBT
        self.again.layout.display = "none" if state.state == "ask" else ""
        self._word.layout.display = "none" if in_doubt else ""
        for one in (self.record, self.adopt, self.resend):
            one.layout.display = "" if asks else "none"
        self.resend.disabled = self._sent_already
        if state.state == "mismatch" and state.record_id is not None:
            self.record.value = str(state.record_id)
        self.ticket.placeholder = "type it to confirm" if self.receipt.run.plan.number else "without a ticket: type 0"
        self.ticket.description = named(self.receipt.run.plan).capitalize()
        self.head.value = self._head(self.receipt, steps)
        self.foot.value = self._foot(self.receipt)

    def answer(self, choice: str) -> tuple[int, int | None]:
        """The ticket's number and the record's id as they were typed; they must be typed anew for the next decision."""
        ticket, record = _whole(self.ticket.value), _whole(self.record.value)
        if choice != "resume" and ticket is None:
            name = named(self.receipt.run.plan) if self.receipt else "ticket number"
            raise InputError(f"type the {name} to confirm this decision")
        if choice == "adopt" and record is None:
            raise InputError("adopt which record? Give its id in Syncro, a whole number")
        self.ticket.value = ""
        return ticket or 0, record

    def lock(self, locked: bool) -> None:
        """No button answers while something is being written."""
        for one in self._buttons.values():
            one.disabled = locked
        self.resend.disabled = locked or self._sent_already

    @property
    def _sent_already(self) -> bool:
        """It was written, only not as planned: another one would be a second one."""
        state = self.receipt.current if self.receipt else None
        return state is not None and state.state == "mismatch" and state.step.request is not None

    def _head(self, receipt: Receipt, steps: str) -> str:
        state = receipt.current
        title = STEP_TITLES[state.step.name] if state else ""
        said = [markup.heading(f"Run {receipt.run.id} on {receipt.run.plan.where} stopped at: {title}")]
        facts = _question(receipt)[1]
        if state is not None and state.state in IN_DOUBT:
            facts.append(str(state.detail.get("reason") or receipt.trouble or "the run was cut off here"))
        said += [steps, markup.text(standing(receipt), "bad", bold=True), markup.items(facts)]
        return "".join(said)

    def _foot(self, receipt: Receipt) -> str:
        state, said = receipt.current, []
        if self.again.layout.display != "none":
            said.append(
                f"Look again and go on: reads first. What is in doubt and not to be found is looked for twice, the second time "
                f"{self._settle_seconds:g} seconds after it was sent; the notebook waits so long. Then the run is finished, or a "
                "question is asked here. What a customer would see is never sent again without your word."
            )
        if receipt.next == "decide":
            said.append("Adopt: the record of that id is the one that was meant; the run goes on from there.")
            said.append(
                "Send again cannot be chosen: it was written, only not as planned, and another one would be a second one."
                if self._sent_already
                else "Send again: you have looked in Syncro, and it is not there."
            )
        if state is not None and state.state not in IN_DOUBT:
            said.append("Abandon: nothing more is sent. What was written stays in Syncro, for you to put right there.")
        said.append(f"In a terminal: syncro runs show {receipt.run.id}")
        return "".join(markup.text(one, "quiet", small=True) for one in said)


class Moves:
    """A run's steps as they move; `show` gets them as HTML each time. Called as `writes.run.Progress` is."""

    def __init__(self, plan: Plan, show: Callable[[str], None], states: Iterable[str] = ()) -> None:
        self._plan, self._show = plan, show
        self._states = list(states) or ["planned"] * len(plan.steps)
        self._tell("")

    def __call__(self, step: str, state: str, text: str) -> None:
        """The first step of that name that is not settled yet has moved."""
        open_ones = (i for i, one in enumerate(self._plan.steps) if one.name == step and self._states[i] not in SETTLED)
        index = next(open_ones, None)
        if index is not None:
            self._states[index] = state
        self._tell(text)

    def _tell(self, text: str) -> None:
        steps = zip(self._plan.steps, self._states, strict=True)
        rows = [(_MARKS.get(state, "!"), STEP_TITLES[one.name], state) for one, state in steps]
        self._show(markup.table(("", "Step", "State"), rows) + (markup.text(text, "quiet") if text else ""))


def named(plan: Plan) -> str:
    """What is typed to decide on a run of this plan, in words."""
    if plan.ticket_number:
        return "ticket number"
    return "customer id" if plan.customer_id else "number 0"


def standing(receipt: Receipt) -> str:
    """In one sentence, where a run that stopped stands."""
    state = receipt.current
    if state is None:
        return receipt.message
    title, question = STEP_TITLES[state.step.name], _question(receipt)[0]
    if question:
        return f"{title}: {question}"
    if state.state in IN_DOUBT:
        return f"{title} is in doubt: it may or may not have landed."
    reason = str(state.detail.get("reason") or receipt.trouble or "the run was cut off here").rstrip(".")
    refused = f"Syncro refused it ({state.detail['status']}): " if state.detail.get("status") else ""
    return f"{title}: {refused}{reason}."


def _question(receipt: Receipt) -> tuple[str, list[str]]:
    asked = receipt.as_json()["ask"] or {"question": "", "evidence": []}
    return str(asked["question"]), [str(one) for one in asked["evidence"]]


def _clicked(act: Callable[[str], None], choice: str, _: object) -> None:
    act(choice)


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"\s*#?(\d{1,15})\s*", text, re.ASCII)
    return int(found[1]) if found else None
