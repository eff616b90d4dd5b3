"""The screen for billing work on a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..escape import clip, paragraph
from ..money import format_cents
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes import reference
from ..writes.bill import BillDraft
from .form import Form
from .inputs import Field
from .screen import Panel
from .ticketscreen import TicketScreen, on_ticket, timer_label


def bill_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """The form, on the open tickets of this account; `ticket` and `values` (as in BillDraft) fill it in. Reads, never writes by
    itself. Raises InputError for a value that it has no input for."""
    return Form(BillScreen(workspace), on_ticket(ticket, values))


class BillScreen(TicketScreen):
    """Fields, draft, plan and panels of billing one ticket."""

    title = "Bill a ticket"
    draft_type = BillDraft

    def __init__(self, workspace: Workspace) -> None:
        self._notes: dict[int, str] = {}  # of the timers that are offered
        super().__init__(workspace)

    def own_fields(self) -> tuple[Field, ...]:
        """Timers, or minutes and labour; the work done; the comment."""
        kinds = [(kind.capitalize(), kind) for kind in self._workspace.house.labour]
        return (
            Field(
                "timer_ids",
                "Timers",
                "several",
                note="Ctrl-click for several; minutes and labour come from the timers.",
            ),
            Field("minutes", "Minutes", "whole", hint="1 to 1440; empty if timers are chosen"),
            Field("labour", "Labour", "choice", choices=kinds),
            Field("text", "Work done", "long", hint="what was done; the customer reads it on the invoice"),
            Field("subject", "Subject", default="Work done"),
            Field("email", "Mail the comment to the customer", "flag", default=True),
            Field(
                "hidden",
                "Hidden comment, for technicians only",
                "flag",
                default=False,
                note="Hides the comment, not the work done: without timers its text is the labour line's too, and the customer "
                "reads it on the invoice.",
            ),
        )

    def off(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Timers bring their minutes and labour."""
        said = super().off(values)
        return {**said, "minutes": "", "labour": ""} if values["timer_ids"] else said

    def fills(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """The note of the one timer that is chosen is what was done."""
        chosen = values["timer_ids"]
        return {"text": self._notes.get(chosen[0], "") if len(chosen) == 1 else ""}

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """The ticket, and its timers that wait to be charged."""
        self._notes = {}
        return super().look_up(values)

    def choices(self, view: TicketView) -> Mapping[str, Sequence[tuple[str, Any]]]:
        """The timers that wait to be charged."""
        self._notes = {timer.id: paragraph(reference.strip(timer.notes)).strip() for timer in view.uncharged}
        return {"timer_ids": [(timer_label(view, timer), timer.id) for timer in view.uncharged]}

    def question(self, plan: Any) -> str:
        """Amount, ticket, customer and account in one line."""
        amount = plan.expected.total_cents
        total = format_cents(plan.expected.subtotal_cents) + " plus tax" if amount is None else format_cents(amount)
        return f"Yes, bill {total} on ticket {plan.ticket_number} to {clip(plan.customer_name, 40)} ({self._place})"
