"""The screen for putting right what was written: a line, a timer or an invoice of one ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..escape import clip
from ..money import format_cents, line_cents
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes import reference
from ..writes.correction import LineDraft, UnbillDraft
from ..writes.ticket import number_problem
from ..writes.timer import TimerDraft
from .form import Form
from .inputs import Field
from .ticketscreen import TicketScreen, on_ticket, timer_label

ACTIONS = (
    ("Change a line", "change"),
    ("Remove a line", "remove"),
    ("Delete a timer that is not charged", "delete"),
    ("Un-bill: delete an invoice that nobody has paid", "unbill"),
)
USES = {
    "change": frozenset({"line_id", "price_cents", "quantity", "description"}),
    "remove": frozenset({"line_id"}),
    "delete": frozenset({"timer_id"}),
    "unbill": frozenset({"invoice_number"}),
}
VERBS = {
    "reprice": "change a line of",
    "remove_line": "remove a line from",
    "remove_timer": "delete a timer on",
    "remove_invoice": "delete the invoice of",
}


def correct_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """One correction; `action` is change, remove, delete or unbill, the other `values` as in LineDraft, TimerDraft and
    UnbillDraft. An invoice's number is typed as the confirmation. Reads, never writes by itself; raises as bill_form."""
    return Form(CorrectScreen(workspace), on_ticket(ticket, values))


class CorrectScreen(TicketScreen):
    """What is to be put right, and the line, timer or invoice."""

    title = "Put right what was written"

    def own_fields(self) -> tuple[Field, ...]:
        """The action, what it is about, and what a line becomes."""
        stays = "stays as it is"
        return (
            Field("action", "What", "choice", choices=ACTIONS),
            Field("line_id", "Line", "one", default=None),
            Field("price_cents", "Price", "money", hint=stays),
            Field("quantity", "Quantity", "decimal", hint=stays),
            Field("description", "Text", "long", hint=stays),
            Field("timer_id", "Timer", "one", default=None),
            Field("invoice_number", "Invoice", "one"),
        )

    def draft(self, values: Mapping[str, Any]) -> Any:
        """A draft of the sort that the action needs; the ticket's number alone while there is none."""
        number, action = self.about(values), values["action"]
        if action == "unbill":
            return UnbillDraft(values["invoice_number"])
        if action == "delete":
            return TimerDraft(number, "delete", timer_id=values["timer_id"])
        changes = {name: values[name] for name in ("price_cents", "quantity")} if action == "change" else {}
        text = values["description"] if action == "change" and values["description"].strip() else None
        return (
            LineDraft(number, values["line_id"], description=text, remove=action == "remove", **changes)
            if action
            else number
        )

    def problems(self, draft: Any) -> Mapping[str, str]:
        """The draft's own, in the words of this form."""
        if draft is None or isinstance(draft, int):
            return {**number_problem(draft), "action": "what is to be put right?"}
        said = dict(super().problems(draft))
        asked = {"line_id": "which line?", "timer_id": "which timer?", "invoice_number": "which invoice?"}
        return {name: asked.get(name, words) for name, words in said.items()}

    def away(self, values: Mapping[str, Any]) -> frozenset[str]:
        """What the action does not need."""
        return frozenset[str]().union(*USES.values()) - USES.get(values["action"], frozenset())

    def choices(self, view: TicketView) -> Mapping[str, Sequence[tuple[str, Any]]]:
        """The lines that wait, the timers that are not charged, the invoices that are not paid."""
        lines = [one for one in view.ticket.lines or () if not one.converted]
        timers = [one for one in view.ticket.timers or () if not one.recorded and not one.line_item_id]
        bills = [one for one in view.invoices if not one.is_paid or not one.total_cents]
        return {
            "line_id": [(_line_label(one), one.id) for one in lines],
            "timer_id": [(timer_label(view, one), one.id) for one in timers],
            "invoice_number": [
                (f"{clip(one.number, 20)}, {format_cents(one.total_cents)}", one.number) for one in bills
            ],
        }

    def question(self, plan: Any) -> str:
        """The first step in words."""
        self.verb = VERBS[plan.steps[0].name]
        return super().question(plan)

    def to_type(self, plan: Any) -> str:
        """The invoice's number, where one is deleted."""
        return str(plan.confirmation) if plan.kind == "unbill" else ""


def _line_label(line: Any) -> str:
    amount = format_cents(line_cents(line.quantity, line.price_cents))
    price = f"{line.quantity.normalize():f} × {format_cents(line.price_cents)} = {amount}"
    return f"{clip(line.name, 24)}: {price}  {clip(reference.strip(line.description), 40)}"
