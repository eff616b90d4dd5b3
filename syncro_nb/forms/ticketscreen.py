"""What the screens have in common: the account, the plan and its preview, the one path of all writes, and the ticket.

A screen that follows says which fields it has, what draft they make, and what a person confirms.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import Error, InputError
from ..escape import clip
from ..service.records import Ticket, Timer, in_minutes
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes import reference
from ..writes.receipt import Receipt
from . import markup, preview
from .ask import Moves
from .inputs import Field
from .screen import Offer, Panel, Show, account


class AccountScreen:
    """A screen on one account. What follows gives `title`, `draft_type`, `verb` and `own_fields`."""

    title = ""
    draft_type: ClassVar[type]
    verb = "write to"  # as in: Yes, VERB ticket 32164
    looks_up = ""
    each_anew = False

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._names: dict[str, dict[int, str]] = {"user_id": {}, "contact_id": {}}
        self.settle_seconds = workspace.config.settle_seconds
        self.fields: Sequence[Field] = self.own_fields()

    def own_fields(self) -> tuple[Field, ...]:
        """The inputs, in the order in which they stand."""
        return ()

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a server of ours with invented data: inside this process, or on this machine."""
        return self._workspace.is_sandbox

    @property
    def account(self) -> str:
        """Whose data it is, as a person must see it."""
        return account(self._workspace)

    def about(self, values: Mapping[str, Any]) -> Any:
        """What is looked up: what stands in the input."""
        return values.get(self.looks_up) or None

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft of the inputs that it knows by their names."""
        names = {one.name for one in dataclasses.fields(self.draft_type)}
        return self.draft_type(**{name: value for name, value in values.items() if name in names})

    def problems(self, draft: Any) -> Mapping[str, str]:
        """The draft's own problems."""
        problems: Mapping[str, str] = draft.problems(self._workspace.house)
        return problems

    def off(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """A hidden comment is mailed to nobody."""
        return {"email": False} if values.get("hidden") else {}

    def away(self, values: Mapping[str, Any]) -> frozenset[str]:
        """Every input has its place."""
        return frozenset()

    def fills(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """Nothing is proposed."""
        return {}

    def suggest(self, typed: str) -> Sequence[str] | None:
        """Nothing is suggested."""
        return None

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """Nothing stands beside the form."""
        return Panel()

    def plan(self, draft: Any) -> Any:
        """From live reads."""
        return self._workspace.plan(draft)

    def preview(self, plan: Any) -> str:
        """Amounts where there are any, warnings, notes and requests."""
        workspace, said = self._workspace, {name for request in plan.requests for name in request.body}
        people = dict(workspace.words.technicians) if "user_id" in said else {}
        zone = workspace.zone if said & {"start_at", "end_at"} else None  # a read, the first time
        return preview.plan_preview(plan, preview.Terms(workspace.house, {**self._names, "user_id": people}, zone))

    def question(self, plan: Any) -> str:
        """What is done, to which ticket of whom, in whose account."""
        where = f"{plan.where} of {clip(plan.customer_name, 40)}" if plan.ticket_number else plan.where
        return f"Yes, {self.verb} {clip(where, 90)} ({self._place})"

    def to_type(self, plan: Any) -> str:
        """A tick is enough."""
        return ""

    def apply(self, plan: Any, word: str, show: Show) -> Any:
        """The one path of all writes."""
        try:
            return self._workspace.apply(plan, confirm=word or plan.confirmation, progress=Moves(plan, show))
        except Error as error:
            if self._has_begun(plan.run) or "nothing was written" in str(error):
                raise
            raise InputError(f"Nothing was written: {error}") from error

    def go_on(self, stopped: Receipt, choice: str, ticket: int, record_id: int | None, show: Show) -> Receipt:
        """`resume`, or a person's word with the number that was typed."""
        return go_on(self._workspace, stopped, choice, ticket, record_id, show)

    def result(self, outcome: Any) -> str:
        """What Syncro holds now, and the record of each step."""
        return preview.receipt_result(outcome)

    def offers(self, outcome: Any) -> Sequence[Offer]:
        """Nothing more is to be done."""
        return ()

    # ------------------------------------------------------------ for the screens that follow

    @property
    def _place(self) -> str:
        return "sandbox, invented data" if self.is_sandbox else f"account {self._workspace.config.account}"

    def _words(self, name: str, label: str, known: Sequence[str], hint: str = "choose ...") -> Field:
        """A choice of the account's own words; where they could not be read, it is written as Syncro spells it."""
        choices = [(one, one) for one in known if one]
        return Field(name, label, "choice", hint=hint, choices=choices) if choices else Field(name, label, hint=hint)

    def _word_fields(self, hint: str, nobody: str) -> tuple[Field, Field, Field, Field]:
        """Priority, problem type, technician and due date."""
        words = self._workspace.words
        return (
            self._words("priority", "Priority", words.priorities, hint),
            self._words("problem_type", "Problem type", words.problem_types, hint),
            self._words("technician", "Technician", [name for _, name in words.technicians], nobody),
            Field("due_on", "Due", "date"),
        )

    def _time_fields(self) -> tuple[Field, Field]:
        """When the work is scheduled for."""
        note = "by the account's clock"
        return Field("start_at", "Begin", "moment", note=note), Field("end_at", "End", "moment", note=note)

    def _comment_fields(self, label: str, *, subject: str, hint: str) -> tuple[Field, ...]:
        return (
            Field("text", label, "long", hint=hint),
            Field("subject", "Subject", default=subject),
            Field("email", "Mail the comment to the customer", "flag", default=True),
            Field("hidden", "Hidden comment, for technicians only", "flag", default=False),
        )

    def _open_run(self, record_id: int) -> Receipt | None:
        """The run that stopped on a ticket (its internal id), or on what stands for it."""
        run = self._workspace.journal.open_run(self._workspace.config.account, record_id)
        return self._workspace.receipt(run) if run else None

    def _has_begun(self, run: str) -> bool:
        try:
            self._workspace.receipt(run)
        except InputError:
            return False
        return True


class TicketScreen(AccountScreen):
    """A screen about one ticket, which is typed by its number, or searched among the open ones."""

    looks_up = "ticket_number"
    each_anew = True

    def __init__(self, workspace: Workspace) -> None:
        self._choices = {ticket_label(row): row for row in workspace.open_ticket_records()}
        super().__init__(workspace)
        tickets = [(label, row.number) for label, row in self._choices.items()]
        hint = "number, or type to search the open ones"
        self.fields = (Field("ticket_number", "Ticket", "pick", hint=hint, choices=tickets), *self.fields)

    def about(self, values: Mapping[str, Any]) -> int | None:
        """The ticket's number."""
        return self._ticket_number(values["ticket_number"])

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft, on the ticket that is meant."""
        return super().draft({**values, "ticket_number": self.about(values)})

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """The ticket beside the form, what there is to choose on it, and a run on it that stopped."""
        typed, number = values["ticket_number"], self.about(values)
        if number is None:
            return Panel(markup.text(self._no_ticket(typed), "bad") if typed.strip() else "")
        try:
            view = self._workspace.ticket(number)
        except InputError as error:
            return Panel(markup.text(error, "bad"))
        found = "" if _plain_number(typed) or typed in self._choices else str(number)
        html = preview.ticket_panel(view, self.cautions(view))
        return Panel(html, self.choices(view), self._open_run(view.ticket.id), found)

    def choices(self, view: TicketView) -> Mapping[str, Sequence[tuple[str, Any]]]:
        """What the inputs of kind `one` and `several` offer on this ticket."""
        return {}

    def cautions(self, view: TicketView) -> Sequence[str]:
        """What to know of the ticket before anything is filled in."""
        return ()

    def _contacts(self, view: TicketView) -> list[tuple[str, str]]:
        """The people at the ticket's customer, one request."""
        customer_id = view.ticket.customer_id or (view.ticket.customer.id if view.ticket.customer else None)
        people = list(self._workspace.client.contacts(customer_id=customer_id)) if customer_id else []
        self._names["contact_id"] = {one.id: one.name for one in people}
        return [(clip(one.name, 60), one.name) for one in people if one.name.strip()]

    def _ticket_number(self, typed: str) -> int | None:
        """A number, a chosen label, or a search that only one open ticket answers."""
        if _plain_number(typed) is not None:
            return _plain_number(typed)
        found = self._matches(typed)
        return found[0].number if len(found) == 1 else None

    def _matches(self, typed: str) -> list[Ticket]:
        if typed in self._choices:
            return [self._choices[typed]]
        sought = " ".join(typed.split()).casefold()
        if not sought:
            return []
        return [
            row
            for label, row in self._choices.items()
            if sought in label.casefold() or sought in f"{row.customer_name} · {row.subject}".casefold()
        ]

    def _no_ticket(self, typed: str) -> str:
        found, sought = self._matches(typed), clip(typed, 60)
        if not found:
            return f"no open ticket matches {sought!r}"
        numbers = ", ".join(str(row.number) for row in found[:8]) + (", ..." if len(found) > 8 else "")
        return f"{len(found)} open tickets match {sought!r}: {numbers}"


def on_ticket(ticket: int | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a form is filled in with: the ticket's number, if one is given, and the other values."""
    return {**values, **({"ticket_number": ticket} if ticket else {})}


def ticket_label(row: Ticket) -> str:
    """A ticket as it is chosen from a list."""
    return f"{row.number} · {clip(row.customer_name, 26)} · {clip(row.subject, 44)}"


def timer_label(view: TicketView, timer: Timer) -> str:
    """A timer as it is chosen from a list."""
    day = f"{timer.started_at:%b %d}, " if timer.started_at else ""
    kind = view.labour.get(timer.product_id or 0, "no labour")
    spent = f"{in_minutes(timer.charged_seconds)} min" if timer.ended_at else "running"
    return f"{day}{spent} {kind}: {clip(reference.strip(timer.notes), 40) or 'no note'}"


def go_on(
    workspace: Workspace, stopped: Receipt, choice: str, ticket: int, record_id: int | None, show: Show
) -> Receipt:
    """Go on with a run that stopped: `resume`, or a person's `adopt`, `resend`, `abandon` with the number that was typed."""
    run, moves = stopped.run, Moves(stopped.run.plan, show, [one.state for one in stopped.run.steps])
    if choice == "resume":
        return workspace.resume(run.id, progress=moves)
    return workspace.decide(run.id, choice, ticket=ticket, record_id=record_id, progress=moves)


def _plain_number(typed: str) -> int | None:
    found = re.fullmatch(r"\s*#?(\d{1,12})\s*", typed, re.ASCII)
    return int(found[1]) if found else None
