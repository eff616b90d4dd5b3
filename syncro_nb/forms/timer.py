"""The screen for time on a ticket: start, stop, add, charge, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes.timer import TimerDraft
from .form import Form
from .inputs import Field
from .ticketscreen import TicketScreen, on_ticket, timer_label

ACTIONS = (
    ("Start a timer", "start"),
    ("Stop my timer", "stop"),
    ("Add time that was worked", "add"),
    ("Charge a timer", "charge"),
    ("Delete a timer", "delete"),
)
USES = {  # the inputs that an action needs
    "start": frozenset({"labour", "text"}),
    "stop": frozenset[str](),
    "add": frozenset({"minutes", "labour", "text"}),
    "charge": frozenset({"timer_id"}),
    "delete": frozenset({"timer_id"}),
}


def timer_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """Time on a ticket; `values` as in TimerDraft, `action` one of start, stop, add, charge, delete. Reads, never writes by
    itself; raises as bill_form."""
    return Form(TimerScreen(workspace), on_ticket(ticket, values))


class TimerScreen(TicketScreen):
    """What is to be done, and what that needs."""

    title = "Time on a ticket"
    draft_type = TimerDraft

    def own_fields(self) -> tuple[Field, ...]:
        """The action, and the inputs of each; what an action does not need is not to be seen."""
        kinds = [(kind.capitalize(), kind) for kind in self._workspace.house.labour]
        return (
            Field("action", "What", "choice", choices=ACTIONS),
            Field("timer_id", "Timer", "one", default=None),
            Field("minutes", "Minutes", "whole", hint="1 to 1440, ending now"),
            Field("labour", "Labour", "choice", choices=kinds),
            Field("text", "Work done", "long", hint="what was done; it stands on the invoice once it is charged"),
        )

    def problems(self, draft: TimerDraft) -> Mapping[str, str]:
        """The draft's own; a timer that is missing is one to be chosen here."""
        said = dict(super().problems(draft))
        said |= {"action": "what is to be done? Start, stop, add, charge or delete"} if not draft.action else {}
        return said | ({"timer_id": "which timer?"} if "timer_id" in said else {})

    def away(self, values: Mapping[str, Any]) -> frozenset[str]:
        """What the action does not need."""
        return frozenset({"timer_id", "minutes", "labour", "text"}) - USES.get(values["action"], frozenset())

    def choices(self, view: TicketView) -> Mapping[str, Sequence[tuple[str, Any]]]:
        """The timers that are not charged."""
        rows = [one for one in view.ticket.timers or () if not one.recorded and not one.line_item_id]
        return {"timer_id": [(timer_label(view, one), one.id) for one in rows]}

    def question(self, plan: Any) -> str:
        """The step in words."""
        self.verb = {"timer": "put time on", "stop": "stop the timer on", "charge": "charge a timer on"}.get(
            plan.steps[0].name, "delete a timer on"
        )
        return super().question(plan)
