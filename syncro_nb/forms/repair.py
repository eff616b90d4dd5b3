"""The screen that puts a finding right: its draft stands fast, what only a person can say is asked, the number is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..reconcile.repair import BILL, LINE, TIMER, UNBILL, UPDATE, Repair
from ..workspace import Workspace
from ..writes.bill import BillDraft, DraftLine
from ..writes.correction import LineDraft, UnbillDraft
from ..writes.planning import Draft
from ..writes.ticket import UpdateDraft
from ..writes.timer import TimerDraft
from .form import Form
from .inputs import Field
from .ticketscreen import AccountScreen

_DRAFTS: dict[str, Callable[..., Draft]] = {
    BILL: BillDraft,
    TIMER: TimerDraft,
    LINE: LineDraft,
    UPDATE: UpdateDraft,
    UNBILL: UnbillDraft,
}


def draft_of(repair: Repair, *, text: str = "", **asked: Any) -> Draft:
    """The draft of a repair. `text`: what the customer is to read, where the draft wants one; its lines take it, too.
    `asked`: the other fields that the repair asks for."""
    make = _DRAFTS[repair.kind]
    fields = {**repair.fields, **asked}
    if repair.kind == BILL:
        lines = tuple(DraftLine(product, quantity, said or text) for product, quantity, said in fields.pop("lines", ()))
        return make(**fields, lines=lines, text=text)
    return make(**fields)


def repair_form(workspace: Workspace, repair: Repair) -> Form:
    """The plan of a repair, to be read and confirmed by typing the number that it is about. Writes nothing by itself."""
    return Form(RepairScreen(workspace, repair))


class RepairScreen(AccountScreen):
    """One repair: only what the finding cannot tell is an input."""

    verb = "put right"

    def __init__(self, workspace: Workspace, repair: Repair) -> None:
        self._repair = repair
        self.title = repair.sentence
        super().__init__(workspace)

    def own_fields(self) -> tuple[Field, ...]:
        """What the repair asks for."""
        kinds = [(kind.capitalize(), kind) for kind in self._workspace.house.labour]
        known = {
            "minutes": Field("minutes", "Minutes", "whole", hint="1 to 1440"),
            "labour": Field("labour", "Labour", "choice", choices=kinds),
            "text": Field("text", "Work done", "long", hint="what was done; the customer may read it"),
        }
        return tuple(known[name] for name in self._repair.asks)

    def draft(self, values: Mapping[str, Any]) -> Draft:
        """The finding's own fields with what was asked."""
        return draft_of(self._repair, **values)

    def to_type(self, plan: Any) -> str:
        """The number of the ticket or invoice, always: this is reached by a click on a row."""
        return str(plan.confirmation)
