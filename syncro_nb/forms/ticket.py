"""The screens for a ticket without money: comment, update, schedule, close, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import sessionlog
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes.ticket import CloseDraft, CommentDraft, DeleteDraft, UpdateDraft, unbilled_warnings
from .form import Form
from .inputs import Field
from .screen import Offer
from .ticketscreen import TicketScreen, on_ticket

STAYS = "stays as it is"
SCHEDULED = "Scheduled"


def comment_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """A comment: mailed, silent or hidden. `values` as in CommentDraft. Reads, never writes by itself; raises as bill_form."""
    return Form(CommentScreen(workspace), on_ticket(ticket, values))


def update_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """Status, priority, due date, technician, contact, problem type, subject: what is left empty stays. `values` as in
    UpdateDraft. Reads, never writes by itself; raises as bill_form."""
    return Form(UpdateScreen(workspace), on_ticket(ticket, values))


def schedule_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """When a ticket is worked on, and by whom; the status Scheduled is proposed where the account has it. `values` as in
    UpdateDraft. Reads, never writes by itself; raises as bill_form."""
    status = {"status": SCHEDULED} if SCHEDULED in workspace.words.statuses else {}
    return Form(ScheduleScreen(workspace), on_ticket(ticket, {**status, **values}))


def close_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """Resolve a ticket; what is unbilled is shown before, the session log offered afterwards. `values` as in CloseDraft.
    Reads, never writes by itself; raises as bill_form."""
    return Form(CloseScreen(workspace), on_ticket(ticket, values))


def delete_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """Delete a ticket that was made from here and that nothing has happened on; its number is typed as the confirmation.
    Reads, never writes by itself."""
    return Form(DeleteScreen(workspace), on_ticket(ticket, values))


class CommentScreen(TicketScreen):
    """One comment."""

    title = "Comment on a ticket"
    draft_type = CommentDraft
    verb = "put this comment on"

    def own_fields(self) -> tuple[Field, ...]:
        """The text, and who reads it."""
        return self._comment_fields("Comment", subject=CommentDraft().subject, hint="the comment, as plain text")


class UpdateScreen(TicketScreen):
    """Changed fields."""

    title = "Change a ticket"
    draft_type = UpdateDraft
    verb = "change"

    def own_fields(self) -> tuple[Field, ...]:
        """One input for each field; none is filled in, because only what is given is sent."""
        status = self._words("status", "Status", self._workspace.words.statuses, STAYS)
        contact = Field("contact", "Contact", "one", hint=STAYS)
        subject = Field("subject", "Subject", hint=STAYS)
        return (status, *self._word_fields(STAYS, STAYS), *self._time_fields(), contact, subject)

    def choices(self, view: TicketView) -> Mapping[str, Sequence[tuple[str, Any]]]:
        """The people at the ticket's customer."""
        return {"contact": self._contacts(view)}


class ScheduleScreen(TicketScreen):
    """When it is to be worked on: the ticket's own begin and end, which triage knows as scheduled ahead."""

    title = "Schedule a ticket"
    draft_type = UpdateDraft
    verb = "schedule"

    def own_fields(self) -> tuple[Field, ...]:
        """Begin and end, who does it, and the status."""
        words = self._workspace.words
        technicians = [name for _, name in words.technicians]
        who = self._words("technician", "Technician", technicians, STAYS)
        return (*self._time_fields(), who, self._words("status", "Status", words.statuses, STAYS))

    def problems(self, draft: Any) -> Mapping[str, str]:
        """The draft's own, and that nothing is scheduled without a begin."""
        said = dict(super().problems(draft))
        return said if draft.start_at is not None else said | {"start_at": "when is it to begin?"}


class CloseScreen(TicketScreen):
    """The comment that says how it was resolved, and the status."""

    title = "Close a ticket"
    draft_type = CloseDraft
    verb = "close"

    def own_fields(self) -> tuple[Field, ...]:
        """The resolution, and who reads it."""
        hint = "how it was resolved; empty: no comment"
        return self._comment_fields("Resolution", subject=CloseDraft().subject, hint=hint)

    def cautions(self, view: TicketView) -> Sequence[str]:
        """What is unbilled, before anybody resolves it."""
        return unbilled_warnings(view.ticket)

    def offers(self, outcome: Any) -> Sequence[Offer]:
        """The session log; never written silently."""
        if outcome.run.state != "done" or outcome.run.plan.kind != "close":
            return ()
        number, text = outcome.run.plan.ticket_number, _resolution(outcome.run.plan)
        below = f"below {self._workspace.config.clients}, marked as internal if it holds hidden comments"
        return (Offer("Write the session log", below, lambda: self._write_log(number, text)),)

    def _write_log(self, number: int, text: str) -> str:
        workspace = self._workspace
        day = workspace.now().astimezone(workspace.zone).date()
        view, folder = workspace.ticket(number), workspace.config.clients
        return f"Session log: {sessionlog.write(view, folder, day, resolution=text, zone=workspace.zone)}"


class DeleteScreen(TicketScreen):
    """Nothing but the ticket."""

    title = "Delete a ticket"
    draft_type = DeleteDraft
    verb = "delete"

    def to_type(self, plan: Any) -> str:
        """The ticket's number."""
        return str(plan.confirmation)


def _resolution(plan: Any) -> str:
    return next((str(step.request.body["body"]) for step in plan.steps if step.name == "comment"), "")
