"""The screen for the same change on several tickets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..escape import clip
from ..workspace import Workspace
from ..writes.bulk import Bulk, BulkDraft, BulkReceipt, numbers_of
from . import markup
from .form import Form
from .inputs import Field
from .screen import Show
from .ticket import STAYS
from .ticketscreen import AccountScreen, ticket_label


def bulk_form(workspace: Workspace, tickets: Iterable[int] | Any = (), **values: Any) -> Form:
    """Status, priority or technician of several tickets at once. `tickets`: numbers, or a table's selected rows; without any,
    all open ones are there to choose from. `values` as in BulkDraft. Reads, never writes by itself; raises as bill_form."""
    numbers = numbers_of(tickets)
    return Form(BulkScreen(workspace, numbers), {"ticket_numbers": numbers, **values})


class BulkScreen(AccountScreen):
    """Which tickets, and what they become."""

    title = "Change several tickets"
    draft_type = BulkDraft

    def __init__(self, workspace: Workspace, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers
        super().__init__(workspace)

    def own_fields(self) -> tuple[Field, ...]:
        """The tickets that were given, or the open ones, and the three fields."""
        words = self._workspace.words
        rows = {row.number: ticket_label(row) for row in self._workspace.open_ticket_records()}
        numbers = list(dict.fromkeys(self._numbers)) or list(rows)
        choices = [(rows.get(one, f"{one} · not among the open ones"), one) for one in numbers]
        return (
            Field(
                "ticket_numbers", "Tickets", "several", choices=choices, note="Ctrl-click or Shift-click for several."
            ),
            self._words("status", "Status", words.statuses, STAYS),
            self._words("priority", "Priority", words.priorities, STAYS),
            self._words("technician", "Technician", [name for _, name in words.technicians], STAYS),
        )

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft, its tickets as a tuple of numbers."""
        return super().draft({**values, "ticket_numbers": tuple(values["ticket_numbers"])})

    def plan(self, draft: Any) -> Bulk:
        """From live reads, two requests and more for each ticket."""
        words = {"status": draft.status, "priority": draft.priority, "technician": draft.technician}
        return self._workspace.bulk(draft.ticket_numbers, **words)

    def preview(self, plan: Bulk) -> str:
        """What each ticket goes from and to, and which are left out."""
        rows = [
            (f"#{one.ticket_number}", (clip(one.subject, 60), clip(one.customer_name, 40)), "; ".join(one.notes))
            for one in plan.plans
        ]
        left = [f"#{one.number}: {one.why_not}" for one in plan.items if not one.stands]
        said = [markup.heading(f"What will change on {len(rows)} ticket(s)")]
        said += [markup.table(("Ticket", "Subject", "Change"), rows)] if rows else []
        said += [markup.heading(f"Left out: {len(left)}"), markup.items(left)] if left else []
        mail = "Whether Syncro mails anybody about a changed status is set in Syncro."
        said.append(markup.text(f"One request for each ticket, PUT /tickets/ID. {mail}", "quiet"))
        return "".join(said)

    def question(self, plan: Bulk) -> str:
        """The change, the count, the account."""
        return f"Set {clip(plan.say, 80)} on {len(plan.plans)} ticket(s) ({self._place})"

    def to_type(self, plan: Bulk) -> str:
        """The count."""
        return plan.confirmation

    def apply(self, plan: Bulk, word: str, show: Show) -> BulkReceipt:
        """One ticket after the other."""

        def tell(through: int, total: int, text: str) -> None:
            show(markup.text(f"{through} of {total} through. {text}", "quiet"))

        return self._workspace.apply_bulk(plan, confirm=word, progress=tell)

    def result(self, outcome: BulkReceipt) -> str:
        """A row for each ticket."""
        rows = [(f"#{row.number}", row.state, clip(row.said, 240), row.run) for row in outcome.rows]
        return markup.table(("Ticket", "Result", "", "Run"), rows)
